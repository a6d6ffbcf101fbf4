package sso

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/sdk"
)

// decision has all the data for deciding who signs in. It is collected before the login
// is written, because nothing can be looked up during that transaction.
type decision struct {
	provider Provider
	identity sdk.Identity
	now      time.Time

	invitation Invitation // that started the login

	unknown error  // why the groups needed for the role are unknown
	role    string // ID of the identity's role

	// last: this is the last lookup. An identity that is unknown now does not match in
	// any other way, such as an identifier in another case or an e-mail address.
	last bool
}

// errTryNext: the identity is unknown by this subject, but may match in another way.
var errTryNext = errors.New("no match by this subject")

func (s *Service) decision(ctx context.Context, p Provider, identity sdk.Identity, now time.Time) (decision, error) {
	d := decision{provider: p, identity: identity, now: now, unknown: checkGroupsKnown(p, identity)}
	if d.unknown != nil {
		return d, nil
	}
	role, err := s.roleFor(ctx, p, identity.Groups)
	d.role = role
	return d, err
}

// whoSignsIn returns the user to store for an identity; known is nil if the identity is
// not linked. Users are found by (provider, subject), never by e-mail address alone:
// otherwise anyone who can choose an e-mail address at some provider would own the
// account (D02).
func (d decision) whoSignsIn(known *User) (User, error) {
	if d.unknown != nil {
		return User{}, d.unknown
	}
	if known == nil {
		return d.newUser()
	}
	if d.invitation.Open() && known.ID != d.invitation.UserID {
		return User{}, fmt.Errorf("%w: user %s at provider %s was invited to the account of %s", ErrInvitedOther, known.ID, d.provider.Name, d.invitation.UserID)
	}
	if err := known.MaySignIn(); err != nil {
		return User{}, err
	}
	user := *known
	d.update(&user)
	user.LastAccess = d.now
	return user, nil
}

// update updates a user with the provider's data, as far as the operator wants that.
func (d decision) update(user *User) {
	if d.provider.givesRoles() {
		user.Role = d.role
	}
	if d.provider.SyncUserInfo {
		applyIdentity(user, d.provider, d.identity)
	}
	fillIn(user, d.provider, d.identity)
}

// newUser returns the account that a first login creates, if that is allowed.
func (d decision) newUser() (User, error) {
	p, identity := d.provider, d.identity
	if !d.last {
		return User{}, errTryNext
	}
	if d.invitation.Open() {
		return User{}, fmt.Errorf("%w: the invitation of user %s was used or replaced, or has expired since the login began", ErrInvitation, d.invitation.UserID)
	}
	if !p.AllowPublicRegistration {
		return User{}, fmt.Errorf("%w at provider %s: subject %.200q; to admit the user: %s; to create accounts at the first login, set %s to true",
			ErrNotRegistered, p.Name, identity.Subject, addCommand(p, identity), p.Spelled.AllowPublicRegistration)
	}
	if p.RequireVerifiedEmail && (!identity.EmailVerified || identity.Email == "") {
		return User{}, fmt.Errorf("%w without a verified e-mail address at provider %s: subject %.200q; %s requires one; to admit the user anyway: %s",
			ErrNotRegistered, p.Name, identity.Subject, p.Spelled.RequireVerifiedEmail, addCommand(p, identity))
	}
	user := User{
		ID: NewUUID(), Provider: p.Name, Subject: p.SubjectOf(identity.Subject), Status: UserActive,
		Role: d.role, CreatedAt: d.now, LastAccess: d.now,
	}
	applyIdentity(&user, p, identity)
	fillIn(&user, p, identity)
	return user, nil
}
