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

// complete turns an identity into a session, in one transaction: it spends the once-IDs,
// finds or creates the user, maps the roles, writes the session, and ends the sessions
// that it replaces.
func (s *Service) complete(ctx context.Context, p Provider, attempt Attempt, identity sdk.Identity, answer Answer) (*SignedIn, error) {
	now := s.config.Now()
	identity, leftOut, err := acceptIdentity(identity, now)
	if err != nil {
		return nil, err
	}
	token := NewToken()
	login := s.newSession(p, attempt, identity, answer.Client, token, now)
	login.Replaces, login.Replaced = s.sessionsOf(ctx, answer.Replaces), s.ending(ctx, ActorUser, ReasonReplaced)
	done, err := s.write(ctx, p, attempt, identity, login, now)
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
	signedIn.LeftOut, signedIn.Linked, signedIn.Claimed = leftOut, done.linked, done.claimed
	return signedIn, nil
}

func onceIDs(p Provider, attempt Attempt, identity sdk.Identity) []OnceID {
	var ids []OnceID
	if attempt.State != "" { // otherwise it is unsolicited
		ids = append(ids, OnceID{Scope: "attempt", ID: AttemptID(attempt.State), Until: attempt.ExpiresAt})
	}
	if identity.OnceID != "" {
		ids = append(ids, OnceID{Scope: "provider:" + p.Name, ID: identity.OnceID, Until: identity.OnceUntil})
	}
	return ids
}

// loginResult is the outcome of a login for its user.
type loginResult struct {
	user    User
	linked  bool // the login linked the user by the e-mail address
	claimed bool // the login took a waiting account
}

// write writes the login. If the subject as reported by the provider is not linked, the
// login may match by another spelling of the subject, by a claim, or by the e-mail
// address.
func (s *Service) write(ctx context.Context, p Provider, attempt Attempt, identity sdk.Identity, login NewSession, now time.Time) (done loginResult, err error) {
	decision, err := s.decision(ctx, p, identity, now)
	if err != nil {
		return loginResult{}, err
	}
	decision.invitation = attempt.Invitation
	if known := p.SubjectOf(identity.Subject); known != identity.Subject {
		if done, err = s.writeDecided(ctx, login, decision); !errors.Is(err, errTryNext) {
			return done, err
		}
		login.Once = nil // they are spent now
		login.Session.AtProvider.Subject = known
	}
	login.Claims = decision.claims()
	decision.last = attempt.Invitation.Open() || !mayLink(p, identity)
	if done, err = s.writeDecided(ctx, login, decision); !errors.Is(err, errTryNext) {
		return done, err
	}
	login.Once = nil
	linked, err := s.linkByEmail(ctx, p, login.Session.AtProvider.Subject, identity)
	if err != nil {
		return loginResult{}, err
	}
	decision.last = true
	done, err = s.writeDecided(ctx, login, decision)
	done.linked = linked
	return done, err
}

func (s *Service) writeDecided(ctx context.Context, login NewSession, d decision) (done loginResult, err error) {
	var refused error
	events := s.loginEvents(ctx, login.Session)
	login.Decide = func(known *User) (User, error) {
		done = loginResult{}
		done.user, refused = d.whoSignsIn(known)
		events.known, events.claimedBy, events.user = known, "", done.user
		return done.user, refused
	}
	login.Claim = func(waiting []Claimant) (User, error) {
		done = loginResult{claimed: true}
		var claimed Claimant
		claimed, done.user, refused = d.whoClaims(waiting)
		events.known, events.claimedBy, events.user = &claimed.User, claimed.By, done.user
		return done.user, refused
	}
	login.Events = events.list
	err = s.ports.Sessions.CreateSession(ctx, login)
	switch {
	case err != nil && errors.Is(err, refused):
		return loginResult{}, refused
	case err != nil:
		return loginResult{}, fmt.Errorf("writing the session: %w", err)
	}
	return done, nil
}

// applyIdentity copies what the provider reported; other values stay. If an account needs
// a verified e-mail address, it is never replaced by one that is not (D03).
func applyIdentity(user *User, p Provider, identity sdk.Identity) {
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

// fillIn adds values that only a provider can supply: the username of older accounts, and
// which provider verified the stored address.
func fillIn(user *User, p Provider, identity sdk.Identity) {
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

// NewUUID returns a random UUID (RFC 9562 section 5.4).
func NewUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
