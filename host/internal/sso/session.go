package sso

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// Session is a signed-in browser or client.
type Session struct {
	ID        string // UUID; public, unlike its tokens
	UserID    string
	Provider  string
	Kind      SessionKind
	CreatedAt time.Time
	ExpiresAt time.Time // moves forward with each refresh
	NotAfter  time.Time // when it ends for good; zero for one from before there was such an end
	AskedAt   time.Time // of the login, or of the last refresh or Prolong since; stores set it
	IP        string
	UserAgent string
	Groups    Groups // as of the login, or of the last refresh at which the provider told them

	// AtProvider is stored by CreateSession. Only ProviderSessions read it again:
	// a session check has no use for it.
	AtProvider AtProvider
}

// SessionKind says what the tokens of a session are good for, so that one kind
// can never be used as the other.
type SessionKind string

// The kinds of sessions.
const (
	// KindSession: the token is a session cookie, checked on each request.
	KindSession SessionKind = "session"
	// KindRefresh: the token is a refresh token, exchanged for access tokens.
	KindRefresh SessionKind = "refresh"
)

// Token is the secret that a browser or client holds for a session: 256 random
// bits in base64url. Only its hash is ever stored.
type Token string

const tokenBytes = 32

// tokenLength is how many bytes a token has as text.
var tokenLength = base64.RawURLEncoding.EncodedLen(tokenBytes)

// NewToken makes a token.
func NewToken() Token {
	var b [tokenBytes]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return Token(base64.RawURLEncoding.EncodeToString(b[:]))
}

// TokenHash is the SHA-256 of a token. Tokens carry 256 bits of entropy, so no
// salt or slow hash is needed.
type TokenHash [sha256.Size]byte

// Hash returns what is stored of the token.
func (t Token) Hash() TokenHash { return sha256.Sum256([]byte(t)) }

// String keeps the token out of logs.
func (Token) String() string { return "[token]" }

// SessionToken is a stored token of a session, with the session and its user.
type SessionToken struct {
	Session   Session
	User      User
	ExpiresAt time.Time // of this token
	SpentAt   time.Time // when it was replaced by a newer one; zero: current

	// Successor is the token that replaced it, sealed for whoever holds this one;
	// nil if there is none, or not any more.
	Successor []byte
}

// ErrSpent is returned when something that works only once was used before.
var ErrSpent = errors.New("already used")

// Sessions keeps sessions and the hashes of their tokens.
type Sessions interface {
	// CreateSession stores what a login leaves behind in one durable transaction: all of
	// it or nothing, and nothing if it returns an error, but for a refusal by Decide,
	// which spends the once-IDs. ErrSpent if one of them is there already, ErrNotFound if
	// there is no such user, and whatever Decide returns.
	CreateSession(ctx context.Context, login NewSession) error

	// SessionToken returns what is stored for a token, spent or expired ones
	// included. ErrNotFound if there is nothing.
	SessionToken(ctx context.Context, token TokenHash) (SessionToken, error)

	// RotateToken replaces Old, the current token of a session, by New, which from
	// then on is the only current one: Old is spent at Now, and Successor is kept
	// with it; those of all other tokens of the session are forgotten. The session's
	// ExpiresAt and NotAfter move, its AskedAt is Now, it gets the Groups, a lease of its
	// grant ends, and what expired before RemoveBefore is removed, as CreateSession does. All
	// that is one transaction: of several rotations of one token, one succeeds. ErrSpent if
	// Old was spent before; ErrNotFound if it is no token of that session; ErrLeased if
	// there is a Holder and another one has taken the lease last, even if that is over, or
	// it was ended. Then nothing changes.
	RotateToken(ctx context.Context, rotation Rotation) error

	// ProlongSession moves the ends of a session and of its current token, which stays
	// as it is, in one transaction. A lease of the Holder ends with it. ErrSpent if the
	// token was replaced, ErrNotFound if it is no token of that session, ErrLeased if there
	// is a Holder, and another host has taken the lease since, or it was ended. Then
	// nothing changes.
	ProlongSession(ctx context.Context, prolongation Prolongation) error

	// ForgetSuccessors forgets the Successors of at most limit tokens that were spent
	// before that moment, and returns how many. It writes only if there are any.
	ForgetSuccessors(ctx context.Context, spentBefore time.Time, limit int) (int, error)

	// EndSession removes the session and its tokens. It is no error if there is
	// no such session. The event is kept of it if there is, and is about that session.
	EndSession(ctx context.Context, sessionID string, event Event) error

	// EndSessions ends at most limit of the sessions that match, keeps the event of each,
	// and returns how many it ended.
	EndSessions(ctx context.Context, match SessionMatch, limit int, event Event) (int, error)

	// SessionUser returns a session that has not expired at now, and its user;
	// ErrNotFound if there is no such session.
	SessionUser(ctx context.Context, sessionID string, now time.Time) (Session, User, error)
}

// NewSession is what a login leaves behind.
type NewSession struct {
	Session Session
	Token   TokenHash // the first of the session; it expires with it

	Once []OnceID // are spent first, as Once.Spend does

	// Decide, if it is not nil, says who signs in, whatever the UserID of the session. It
	// gets the user that the provider of the session and its subject there are linked to,
	// both compared byte for byte, or nil if there is nobody. It returns what is stored: of
	// a known user what Users.UpdateUser stores, and else a new one with that link, as
	// Users.CreateUser does. The session becomes theirs.
	//
	// If it returns an error instead, CreateSession does, too: the once-IDs stay spent,
	// because a refusal is as final as a login, and nothing else is written.
	//
	// It runs inside the transaction, while nobody else can write that user or the link,
	// so it only computes. It may be called again, if others were faster; the last call is
	// the one that counts.
	Decide func(known *User) (User, error)

	// Claims are by what this login may take an account that has no link. If nobody has the
	// link, and users have such claims (Kind, Provider and Key) that have not expired at
	// Session.CreatedAt, Claim is called instead of Decide, with each of them once. It
	// returns whom the login takes, of whom Users.UpdateUser and the status are stored, the
	// link is theirs from then on, and all their claims are gone. It runs as Decide does,
	// and an error of it is a refusal, too.
	Claims []Claim
	Claim  func(waiting []Claimant) (User, error)

	// Replaces are the IDs of sessions that end, as by EndSession with the event Replaced.
	Replaces []string
	Replaced Event

	// Events, if it is not nil, returns what is kept of the login. It is called when
	// Decide has said who signs in, and like it.
	Events func() []Event

	// RemoveBefore removes sessions, tokens and once-IDs that expired before it;
	// not all of them if there are many, and none if it is zero.
	RemoveBefore time.Time
}

// SessionMatch selects sessions. What is empty matches all of them; a session must match
// all that is not.
type SessionMatch struct {
	Provider string
	User     string // the ID of the user, or the e-mail address in any case
	Except   string // the ID of a session that does not match
}

// Rotation replaces one token of a session by another.
type Rotation struct {
	SessionID string
	Old, New  TokenHash
	Holder    string // of the lease with which the provider was asked; empty: nobody was asked
	Successor []byte // New, sealed for whoever holds Old; nil: it is not kept
	Now       time.Time
	ExpiresAt time.Time // of the new token and of the session
	NotAfter  time.Time // of the session
	Groups    Groups    // of the session from then on

	RemoveBefore time.Time // zero: nothing is removed
}

// Prolongation is what becomes of a session whose token stays.
type Prolongation struct {
	SessionID string
	Token     TokenHash // the current one
	Holder    string    // of the lease under which the provider was asked; empty: it was not
	AskedAt   time.Time
	ExpiresAt time.Time // of the token and of the session
	NotAfter  time.Time // of the session
	Groups    Groups    // of the session from then on
}

// OnceID names something that must happen only once: an attempt that is
// completed, an assertion that is accepted.
type OnceID struct {
	Scope string // "attempt", or "provider:" and its name
	ID    string
	Until time.Time // after which it is refused for being too old anyway
}

// Once remembers once-IDs, across restarts.
type Once interface {
	// Spend stores all ids, or none and returns ErrSpent if one is there already.
	Spend(ctx context.Context, ids ...OnceID) error
}

// endBatch is how many sessions one transaction ends, so that logins wait for no
// more than that. 500 end no more in a second, and a login beside them waited three
// times as long (BenchmarkLoginBesideEndSessions of package sqlite).
const endBatch = 100

// EndSessions ends all sessions that match, and returns how many. The event is kept of each.
func EndSessions(ctx context.Context, sessions Sessions, match SessionMatch, event Event) (total int, err error) {
	for {
		n, err := sessions.EndSessions(ctx, match, endBatch, event)
		total += n
		if err != nil {
			return total, fmt.Errorf("ending sessions, %d so far; to end the rest, do it again: %w", total, err)
		}
		if n < endBatch {
			return total, nil
		}
	}
}
