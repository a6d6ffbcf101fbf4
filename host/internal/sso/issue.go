package sso

import (
	"context"
	"fmt"
	"time"

	"github.com/doorward/doorward/sdk"
)

// SignedIn is the result of a login or a refresh for the client.
type SignedIn struct {
	User    User
	Session Session
	Mode    Mode

	Token     Token         // session token in ModeSession, otherwise refresh token
	TokenTTL  time.Duration // until the session's absolute end, however often it is refreshed
	Access    string        // access token; empty in ModeSession
	ExpiresIn time.Duration // of the access token; in ModeSession, of the session if it is not refreshed

	// PasswordExpiresAt is set after a login if the password expires soon.
	PasswordExpiresAt time.Time

	// LeftOut names the parts of the identity that were cleaned or left out because they
	// could not be displayed. It contains no values.
	LeftOut []string

	// Linked: the login linked an identity without an account at this provider to the
	// account with the same verified e-mail address.
	Linked bool

	// Claimed: the login took a waiting account, to which nobody could sign in before.
	Claimed bool

	// Unasked is why the provider could not say, at a refresh, whether the session is
	// still valid. The session continues then, and keeps its end.
	Unasked error
}

func (m Mode) kind() SessionKind {
	if m == ModeSession {
		return KindSession
	}
	return KindRefresh
}

// newSession returns what a login stores, except for the user.
func (s *Service) newSession(p Provider, attempt Attempt, identity sdk.Identity, client Client, token Token, now time.Time) NewSession {
	session := Session{
		ID: NewUUID(), Provider: p.Name, Kind: attempt.Mode.kind(), CreatedAt: now,
		IP: client.IP, UserAgent: client.UserAgent, Groups: GroupsOf(identity),
	}
	session.NotAfter = earlier(s.absoluteEnd(session, now), identity.ExpiresAt)
	session.ExpiresAt = earlier(now.Add(s.ttl(session.Kind)), session.NotAfter)
	session.AtProvider = s.atProvider(session.ID, identity)
	return NewSession{Session: session, Token: token.Hash(), Once: onceIDs(p, attempt, identity), RemoveBefore: s.config.RemoveBefore()}
}

func (s *Service) atProvider(sessionID string, identity sdk.Identity) AtProvider {
	at := AtProvider{
		Subject: identity.Subject, LogoutSubject: identity.LogoutSubject, SessionID: identity.SessionID,
		SealedGrant: s.grants.seal(sessionID, identity.Grant),
	}
	if at.LogoutSubject == "" {
		at.LogoutSubject = identity.Subject
	}
	return at
}

func (s *Service) signedIn(ctx context.Context, user User, session Session, mode Mode, token Token, now time.Time) (*SignedIn, error) {
	left := min(session.ExpiresAt.Sub(now), s.ttl(session.Kind))
	done := &SignedIn{User: user, Session: session, Mode: mode, Token: token, TokenTTL: s.maxTokenTTL(session, now), ExpiresIn: left}
	if mode == ModeSession {
		return done, nil
	}
	done.ExpiresIn = min(left, s.config.AccessTokenTTL)
	claims := AccessClaims{UserID: user.ID, Role: user.Role, SessionID: session.ID, IssuedAt: now, ExpiresAt: now.Add(done.ExpiresIn)}
	if s.config.AccessTokenGroups {
		claims.Groups = &session.Groups
	}
	access, err := s.ports.Tokens.Issue(ctx, claims)
	if err != nil {
		return nil, fmt.Errorf("issuing an access token: %w", err)
	}
	done.Access = access
	return done, nil
}
