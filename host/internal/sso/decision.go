package sso

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/sdk"
)

// decision is what a login needs to know to say who signs in. It is made before the login
// is written, as nothing may be looked up while that goes on.
type decision struct {
	provider Provider
	identity sdk.Identity
	now      time.Time

	invitation Invitation // that the login was started from

	unknown error  // why the groups that the role needs are not known
	role    string // the ID of that of the identity

	// last: whoever is not known is known by nothing else, neither an identifier in another
	// case nor an e-mail address.
	last bool
}

// errStranger: the identity may be known by something else than what was looked up.
var errStranger = errors.New("not known by this")

func (s *Service) decision(ctx context.Context, p Provider, identity sdk.Identity, now time.Time) (decision, error) {
	d := decision{provider: p, identity: identity, now: now, unknown: checkGroupsKnown(p, identity)}
	if d.unknown != nil {
		return d, nil
	}
	role, err := s.roleFor(ctx, p, identity.Groups)
	d.role = role
	return d, err
}

// whoSignsIn makes of a known user, or of nobody, whom the identity signs in. The user is
// known by (provider, subject), never by e-mail alone: whoever can choose an e-mail address
// at some provider would own the account (D02).
func (d decision) whoSignsIn(known *User) (User, error) {
	if d.unknown != nil {
		return User{}, d.unknown
	}
	if known == nil {
		return d.newUser()
	}
	if d.invitation.Open() && known.ID != d.invitation.UserID {
		return User{}, fmt.Errorf("%w: user %s at provider %s, invited to %s", ErrInvitedOther, known.ID, d.provider.Name, d.invitation.UserID)
	}
	if err := known.MaySignIn(); err != nil {
		return User{}, err
	}
	user := *known
	d.update(&user)
	user.LastAccess = d.now
	return user, nil
}

// update brings a user up to date with what the provider says, as far as the operator
// wants that.
func (d decision) update(user *User) {
	if d.provider.givesRoles() {
		user.Role = d.role
	}
	if d.provider.SyncUserInfo {
		takeOver(user, d.provider, d.identity)
	}
	complement(user, d.provider, d.identity)
}

// newUser is the account that a first login makes, if it may.
func (d decision) newUser() (User, error) {
	p, identity := d.provider, d.identity
	if !d.last {
		return User{}, errStranger
	}
	if d.invitation.Open() {
		return User{}, fmt.Errorf("%w: that of user %s was used, replaced, or has expired since the login began", ErrInvitation, d.invitation.UserID)
	}
	if !p.AllowPublicRegistration {
		return User{}, fmt.Errorf("%w at provider %s: subject %.200q; to let them in: %s; to create accounts at the first login, set %s to true",
			ErrNotRegistered, p.Name, identity.Subject, addCommand(p, identity), p.Spelled.AllowPublicRegistration)
	}
	if p.RequireVerifiedEmail && (!identity.EmailVerified || identity.Email == "") {
		return User{}, fmt.Errorf("%w without a verified e-mail address at provider %s: subject %.200q; %s is why; to let them in all the same: %s",
			ErrNotRegistered, p.Name, identity.Subject, p.Spelled.RequireVerifiedEmail, addCommand(p, identity))
	}
	user := User{
		ID: NewUUID(), Provider: p.Name, Subject: p.SubjectOf(identity.Subject), Status: UserActive,
		Role: d.role, CreatedAt: d.now, LastAccess: d.now,
	}
	takeOver(&user, p, identity)
	complement(&user, p, identity)
	return user, nil
}
