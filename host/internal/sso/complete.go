package sso

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
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
	user, err := s.write(ctx, p, identity, login, now)
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
	signedIn.LeftOut = leftOut
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
// (provider, subject), never by e-mail: whoever can choose an e-mail address at some
// provider would own the account (D02).
func (s *Service) write(ctx context.Context, p Provider, identity sdk.Identity, login NewSession, now time.Time) (user User, err error) {
	refused := checkGroupsKnown(p, identity)
	login.Known = func(known *User) error {
		if refused = active(*known); refused != nil {
			return refused
		}
		mapIdentity(known, p, identity)
		known.LastAccess = now
		user = *known
		return nil
	}
	if refused == nil {
		err = s.ports.Sessions.CreateSession(ctx, login)
	}
	if refused == nil && !errors.Is(err, ErrNotFound) {
		if err != nil {
			return User{}, fmt.Errorf("writing the session: %w", err)
		}
		return user, nil
	}
	// Spent at once: a refusal is as final as a login, and a replay makes nobody an account.
	if err := s.ports.Once.Spend(ctx, login.Once...); err != nil {
		return User{}, fmt.Errorf("spending the attempt: %w", err)
	}
	if refused != nil {
		return User{}, refused
	}
	return s.writeFirst(ctx, p, identity, login, now)
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

// reasonGroupsUnknown is that of a login whose rules need groups that the provider did
// not tell.
const reasonGroupsUnknown sdk.Reason = "groups_unknown"

// checkGroupsKnown refuses whoever would get a role by groups that nobody knows: with
// fewer groups than they are in, they could get more than they may (D12).
func checkGroupsKnown(p Provider, identity sdk.Identity) error {
	if len(p.RoleMapping) == 0 || !identity.GroupsUnknown {
		return nil
	}
	return sdk.InvalidResponse(reasonGroupsUnknown,
		"provider %s did not tell all groups of subject %.200q, or not so that they can be read, and role_mapping needs them: the log says why", p.Name, identity.Subject)
}

// mapIdentity brings a user up to date with what the provider says, as far as
// the operator wants that.
func mapIdentity(user *User, p Provider, identity sdk.Identity) {
	if len(p.RoleMapping) > 0 {
		user.Role = roleFor(p, identity.Groups)
	}
	if p.SyncUserInfo {
		takeOver(user, p, identity)
	}
}

func (s *Service) createUser(ctx context.Context, p Provider, identity sdk.Identity, now time.Time) (User, error) {
	if !p.AllowPublicRegistration {
		return User{}, fmt.Errorf("%w at provider %s: subject %.200q; to create accounts at the first login, set %s to true",
			ErrNotRegistered, p.Name, identity.Subject, p.Spelled.AllowPublicRegistration)
	}
	if p.RequireVerifiedEmail && (!identity.EmailVerified || identity.Email == "") {
		return User{}, fmt.Errorf("%w without a verified e-mail address at provider %s: subject %.200q; %s is why",
			ErrNotRegistered, p.Name, identity.Subject, p.Spelled.RequireVerifiedEmail)
	}
	user := User{
		ID: newUUID(), Provider: p.Name, Subject: identity.Subject, Status: UserActive,
		Role: roleFor(p, identity.Groups), CreatedAt: now, LastAccess: now,
	}
	takeOver(&user, p, identity)
	user, err := s.ports.Users.CreateUser(ctx, user)
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
	for _, f := range []struct {
		to   *string
		from string
	}{{&user.Username, identity.Username}, {&user.Email, identity.Email}, {&user.FirstName, identity.GivenName}, {&user.LastName, identity.FamilyName}} {
		if from := strings.TrimSpace(f.from); from != "" {
			*f.to = from
		}
	}
}

// roleFor gives the role of the first rule whose group the identity is in, so
// that the order of the rules decides.
func roleFor(p Provider, groups []string) string {
	for _, rule := range p.RoleMapping {
		if slices.Contains(groups, rule.Group) {
			return rule.Role
		}
	}
	return p.DefaultRole
}

// newUUID makes a random UUID (RFC 9562 section 5.4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
