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

// complete turns an identity into a session, in one transaction: once-IDs are spent,
// the user is found or created, roles are mapped, the session is written, and those
// that it replaces end.
func (s *Service) complete(ctx context.Context, p Provider, attempt Attempt, identity sdk.Identity, answer Answer) (*SignedIn, error) {
	now := s.config.Now()
	identity, leftOut, err := accept(identity, now)
	if err != nil {
		return nil, err
	}
	token := NewToken()
	login := s.newSession(p, attempt, identity, answer.Client, token, now)
	login.Replaces, login.Replaced = s.sessionsOf(ctx, answer.Replaces), s.ending(ctx, ActorUser, ReasonReplaced)
	user, linked, err := s.write(ctx, p, identity, login, now)
	if err != nil {
		return nil, err
	}
	login.Session.UserID = user.ID
	signedIn, err := s.signedIn(ctx, user, login.Session, attempt.Mode, token, now)
	if err != nil {
		return nil, err
	}
	if identity.PasswordExpiresAt.After(now) {
		signedIn.PasswordExpiresAt = identity.PasswordExpiresAt
	}
	signedIn.LeftOut, signedIn.Linked = leftOut, linked
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

// write writes the login, and returns who signed in, and whether they were linked for
// that by their e-mail address.
func (s *Service) write(ctx context.Context, p Provider, identity sdk.Identity, login NewSession, now time.Time) (user User, linked bool, err error) {
	decision, err := s.decision(ctx, p, identity, now)
	if err != nil {
		return User{}, false, err
	}
	user, err = s.writeDecided(ctx, login, decision)
	if !errors.Is(err, errStranger) {
		return user, false, err
	}
	login.Once = nil // they are spent
	login.Session.AtProvider.Subject = p.SubjectOf(identity.Subject)
	if linked, err = s.linkByEmail(ctx, p, login.Session.AtProvider.Subject, identity); err != nil {
		return User{}, false, err
	}
	decision.last = true
	user, err = s.writeDecided(ctx, login, decision)
	return user, linked, err
}

func (s *Service) writeDecided(ctx context.Context, login NewSession, d decision) (user User, err error) {
	var refused error
	events := s.loginEvents(ctx, login.Session)
	login.Decide = func(known *User) (User, error) {
		user, refused = d.whoSignsIn(known)
		events.known, events.user = known, user
		return user, refused
	}
	login.Events = events.list
	err = s.ports.Sessions.CreateSession(ctx, login)
	switch {
	case err != nil && errors.Is(err, refused):
		return User{}, refused
	case err != nil:
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
