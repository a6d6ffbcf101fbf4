package sso

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
)

// complete turns an identity into a session: once-IDs are spent, the user is
// found or created, roles are mapped, the session is written.
func (s *Service) complete(ctx context.Context, p Provider, attempt Attempt, identity sdk.Identity, answer Answer) (*SignedIn, error) {
	now := s.config.Now()
	identity, leftOut, err := accept(identity, now)
	if err != nil {
		return nil, err
	}
	token := NewToken()
	login := s.newSession(p, attempt, identity, answer.Client, token, now)
	done, err := s.write(ctx, p, identity, login, now)
	if err != nil {
		return nil, err
	}
	login.Session.UserID = done.user.ID
	signedIn, err := s.signedIn(ctx, done.user, login.Session, attempt.Mode, token, now)
	if err != nil {
		return nil, err
	}
	if identity.PasswordExpiresAt.After(now) {
		signedIn.PasswordExpiresAt = identity.PasswordExpiresAt
	}
	signedIn.LeftOut, signedIn.Linked = leftOut, done.linked
	s.endReplaced(ctx, answer.Replaces)
	return signedIn, nil
}

func onceIDs(p Provider, attempt Attempt, identity sdk.Identity) []OnceID {
	var ids []OnceID
	if attempt.State != "" { // else it is unsolicited
		ids = append(ids, OnceID{Scope: "attempt", ID: AttemptID(attempt.State), Until: attempt.ExpiresAt})
	}
	if identity.OnceID != "" {
		ids = append(ids, OnceID{Scope: "provider:" + p.Name, ID: identity.OnceID, Until: identity.OnceUntil})
	}
	return ids
}

// write finds the user and writes the login, in one transaction. The user is found by
// (provider, subject), never by e-mail alone: whoever can choose an e-mail address at some
// provider would own the account (D02).
func (s *Service) write(ctx context.Context, p Provider, identity sdk.Identity, login NewSession, now time.Time) (written, error) {
	update, refused, err := s.updateOf(ctx, p, identity)
	if err != nil {
		return written{}, err
	}
	var user User
	login.Known = func(known *User) error {
		if refused = active(*known); refused != nil {
			return refused
		}
		update(known)
		known.LastAccess = now
		user = *known
		return nil
	}
	if refused == nil {
		err = s.writeKnown(ctx, p, &login)
	}
	if refused == nil && !errors.Is(err, ErrNotFound) {
		if err != nil {
			return written{}, fmt.Errorf("writing the session: %w", err)
		}
		return written{user: user}, nil
	}
	// Spent at once: a refusal is as final as a login, and a replay makes nobody an account.
	if err := s.ports.Once.Spend(ctx, login.Once...); err != nil {
		return written{}, fmt.Errorf("spending the attempt: %w", err)
	}
	if refused != nil {
		return written{}, refused
	}
	identity.Subject = p.SubjectOf(identity.Subject)
	linked, err := s.linkByEmail(ctx, p, identity)
	if err != nil {
		return written{}, err
	}
	if !linked {
		user, err := s.writeFirst(ctx, p, identity, login, now)
		return written{user: user}, err
	}
	login.Once = nil
	if err := s.ports.Sessions.CreateSession(ctx, login); err != nil {
		return written{}, fmt.Errorf("writing the session of a linked user: %w", err)
	}
	return written{user: user, linked: true}, nil
}

// written is what a login has stored.
type written struct {
	user   User
	linked bool // just now, by the e-mail address
}

// writeKnown writes the login of a user who is linked. Who was known by an address in its
// own spelling, from before case was ignored, is still found by that.
func (s *Service) writeKnown(ctx context.Context, p Provider, login *NewSession) error {
	err := s.ports.Sessions.CreateSession(ctx, *login)
	at := &login.Session.AtProvider
	if known := p.SubjectOf(at.Subject); errors.Is(err, ErrNotFound) && known != at.Subject {
		at.Subject = known
		err = s.ports.Sessions.CreateSession(ctx, *login)
	}
	return err
}

// writeFirst writes the first login of a user, whose once-IDs are spent.
func (s *Service) writeFirst(ctx context.Context, p Provider, identity sdk.Identity, login NewSession, now time.Time) (User, error) {
	user, err := s.createUser(ctx, p, identity, now)
	if err != nil {
		return User{}, err
	}
	login.Once, login.Known, login.Session.UserID = nil, nil, user.ID
	if err := s.ports.Sessions.CreateSession(ctx, login); err != nil {
		return User{}, fmt.Errorf("writing the session: %w", err)
	}
	return user, nil
}

// active is ErrUserInactive unless the user may sign in.
func active(user User) error {
	if user.Status != UserActive {
		return fmt.Errorf("%w: %s", ErrUserInactive, user.Status)
	}
	return nil
}

// updateOf returns what brings a user up to date with what the provider says, as far as
// the operator wants that, or why the provider did not say enough.
func (s *Service) updateOf(ctx context.Context, p Provider, identity sdk.Identity) (update func(*User), refused, err error) {
	if refused := checkGroupsKnown(p, identity); refused != nil {
		return nil, refused, nil
	}
	role := ""
	if p.givesRoles() {
		if role, err = s.roleFor(ctx, p, identity.Groups); err != nil {
			return nil, nil, err
		}
	}
	return func(user *User) {
		if p.givesRoles() {
			user.Role = role
		}
		if p.SyncUserInfo {
			takeOver(user, p, identity)
		}
		complement(user, p, identity)
	}, nil, nil
}

func (s *Service) createUser(ctx context.Context, p Provider, identity sdk.Identity, now time.Time) (User, error) {
	if !p.AllowPublicRegistration {
		return User{}, fmt.Errorf("%w at provider %s: subject %.200q; to let them in: %s; to create accounts at the first login, set %s to true",
			ErrNotRegistered, p.Name, identity.Subject, addCommand(p, identity), p.Spelled.AllowPublicRegistration)
	}
	if p.RequireVerifiedEmail && (!identity.EmailVerified || identity.Email == "") {
		return User{}, fmt.Errorf("%w without a verified e-mail address at provider %s: subject %.200q; %s is why; to let them in all the same: %s",
			ErrNotRegistered, p.Name, identity.Subject, p.Spelled.RequireVerifiedEmail, addCommand(p, identity))
	}
	role, err := s.roleFor(ctx, p, identity.Groups)
	if err != nil {
		return User{}, err
	}
	user := User{
		ID: NewUUID(), Provider: p.Name, Subject: identity.Subject, Status: UserActive,
		Role: role, CreatedAt: now, LastAccess: now,
	}
	takeOver(&user, p, identity)
	complement(&user, p, identity)
	user, err = s.ports.Users.CreateUser(ctx, user)
	if err != nil {
		return User{}, fmt.Errorf("creating the user: %w", err)
	}
	return user, active(user) // another login may have made it
}

// takeOver copies what the provider told; what it did not tell stays. Where an
// account needs a verified e-mail address, it is never exchanged for another
// one that is not (D03).
func takeOver(user *User, p Provider, identity sdk.Identity) {
	if p.RequireVerifiedEmail && !identity.EmailVerified {
		identity.Email = ""
	}
	if email := strings.TrimSpace(identity.Email); email != "" && email != user.Email {
		user.Email, user.EmailVerifiedBy = email, ""
	}
	for _, f := range []struct {
		to   *string
		from string
	}{{&user.Username, identity.Username}, {&user.FirstName, identity.GivenName}, {&user.LastName, identity.FamilyName}} {
		if from := strings.TrimSpace(f.from); from != "" {
			*f.to = from
		}
	}
}

// complement adds what nobody but a provider says of a user: the username of one from
// before there was any, and who vouches for the address that they have.
func complement(user *User, p Provider, identity sdk.Identity) {
	if user.Username == "" {
		user.Username = strings.TrimSpace(identity.Username)
	}
	if user.Email == "" || user.Email != strings.TrimSpace(identity.Email) {
		return
	}
	switch {
	case identity.EmailVerified && (user.EmailVerifiedBy == "" || p.LinkByVerifiedEmail):
		user.EmailVerifiedBy = p.Name
	case !identity.EmailVerified && user.EmailVerifiedBy == p.Name:
		user.EmailVerifiedBy = ""
	}
}

// NewUUID makes a random UUID (RFC 9562 section 5.4).
func NewUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
