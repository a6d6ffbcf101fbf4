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
	NotAfter  time.Time // absolute end; zero for sessions from before there was one
	AskedAt   time.Time // time of the login, or of the last refresh or Prolong; set by stores
	IP        string
	UserAgent string
	Groups    Groups // as of the login, or of the last refresh at which the provider reported them

	// AtProvider is stored by CreateSession. Only ProviderSessions returns it: a session
	// check does not need it.
	AtProvider AtProvider
}

// SessionKind says what the tokens of a session are for, so that one kind can never be
// used as the other.
type SessionKind string

// The kinds of sessions.
const (
	// KindSession: the token is a session cookie, checked on each request.
	KindSession SessionKind = "session"
	// KindRefresh: the token is a refresh token, exchanged for access tokens.
	KindRefresh SessionKind = "refresh"
)

// Token is the secret of a session in a browser or client: 256 random bits in base64url.
// Only its hash is ever stored.
type Token string

const tokenBytes = 32

// tokenLength is the length of a token as text, in bytes.
var tokenLength = base64.RawURLEncoding.EncodedLen(tokenBytes)

// NewToken returns a new token.
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

	// Successor is the token that replaced this one, sealed for the holder of this one;
	// nil if there is none, or none any more.
	Successor []byte
}

// ErrSpent: something that works only once was used before.
var ErrSpent = errors.New("already used")

// Sessions stores sessions and the hashes of their tokens.
type Sessions interface {
	// CreateSession stores the results of a login in one durable transaction: everything
	// or nothing. After an error nothing is stored, except that a refusal by Decide
	// spends the once-IDs. ErrSpent if one of them was spent before, ErrNotFound if the
	// user does not exist, and any error of Decide.
	CreateSession(ctx context.Context, login NewSession) error

	// SessionToken returns what is stored for a token, even a spent or expired one.
	// ErrNotFound if there is nothing.
	SessionToken(ctx context.Context, token TokenHash) (SessionToken, error)

	// RotateToken replaces Old, the current token of a session, with New, which becomes
	// the only current one: Old is spent at Now and gets the Successor; the successors of
	// all other tokens of the session are removed. The session gets the ExpiresAt,
	// NotAfter and Groups, its AskedAt becomes Now, a lease of its grant ends, and data
	// that expired before RemoveBefore is removed, as in CreateSession. All of that is
	// one transaction: of several rotations of one token, one succeeds. ErrSpent if Old
	// was spent before; ErrNotFound if it is not a token of that session; ErrLeased if
	// Holder is set and another host was the last one to take the lease, even if it has
	// expired, or if the lease was ended. After an error nothing has changed.
	RotateToken(ctx context.Context, rotation Rotation) error

	// ProlongSession moves the ends of a session and of its current token, which stays as
	// it is, in one transaction. A lease of the Holder ends with it. ErrSpent if the
	// token was replaced, ErrNotFound if it is not a token of that session, ErrLeased if
	// Holder is set and another host has taken the lease since, or if the lease was
	// ended. After an error nothing has changed.
	ProlongSession(ctx context.Context, prolongation Prolongation) error

	// ForgetSuccessors removes the Successors of at most limit tokens that were spent
	// before that time, and returns how many. It writes only if there are any.
	ForgetSuccessors(ctx context.Context, spentBefore time.Time, limit int) (int, error)

	// EndSession removes the session and its tokens. It is not an error if the session
	// does not exist. If it does, the event is stored, about that session.
	EndSession(ctx context.Context, sessionID string, event Event) error

	// EndSessions ends at most limit of the matching sessions, stores the event for each,
	// and returns how many it ended.
	EndSessions(ctx context.Context, match SessionMatch, limit int, event Event) (int, error)

	// SessionUser returns a session that has not expired at now, and its user;
	// ErrNotFound if there is none.
	SessionUser(ctx context.Context, sessionID string, now time.Time) (Session, User, error)
}

// NewSession is what a login stores.
type NewSession struct {
	Session Session
	Token   TokenHash // the first of the session; it expires with it

	Once []OnceID // spent first, as by Once.Spend

	// Decide, if it is not nil, decides who signs in, regardless of the session's UserID.
	// It gets the user that is linked to the session's provider and subject, both
	// compared byte for byte, or nil if there is none. It returns what to store: for a
	// known user what Users.UpdateUser stores, otherwise a new user with that link, as
	// Users.CreateUser does. The session becomes theirs.
	//
	// If Decide returns an error, CreateSession returns it, too: the once-IDs stay spent,
	// because a refusal is as final as a login, and nothing else is written.
	//
	// It runs inside the transaction, while nobody else can write that user or the link,
	// so it must only compute. It may be called again if another login was faster; the
	// last call counts.
	Decide func(known *User) (User, error)

	// Claims are the claims with which this login may take an account that has no link.
	// If nobody has the link, and users have such claims (Kind, Provider and Key) that
	// have not expired at Session.CreatedAt, Claim is called instead of Decide, with each
	// of these users once. It returns the user that the login takes: what
	// Users.UpdateUser stores and the status are stored, the user gets the link, and all
	// their claims are removed. It runs under the same rules as Decide, and its error is
	// a refusal, too.
	Claims []Claim
	Claim  func(waiting []Claimant) (User, error)

	// Replaces are the IDs of sessions to end, as by EndSession with the event Replaced.
	Replaces []string
	Replaced Event

	// Events, if it is not nil, returns the events of the login. It is called after
	// Decide, under the same rules.
	Events func() []Event

	// RemoveBefore removes sessions, tokens and once-IDs that expired before it; not all
	// of them if there are many, and none if it is zero.
	RemoveBefore time.Time
}

// SessionMatch selects sessions. A session must match all members that are not empty.
type SessionMatch struct {
	Provider string
	User     string // the ID of the user, or the e-mail address in any case
	Except   string // the ID of a session to leave out
}

// Rotation replaces one token of a session with another.
type Rotation struct {
	SessionID string
	Old, New  TokenHash
	Holder    string // of the lease with which the provider was asked; empty: it was not asked
	Successor []byte // New, sealed for the holder of Old; nil: not stored
	Now       time.Time
	ExpiresAt time.Time // of the new token and of the session
	NotAfter  time.Time // of the session
	Groups    Groups    // of the session from then on

	RemoveBefore time.Time // zero: nothing is removed
}

// Prolongation moves the ends of a session whose token stays.
type Prolongation struct {
	SessionID string
	Token     TokenHash // the current one
	Holder    string    // of the lease with which the provider was asked; empty: it was not asked
	AskedAt   time.Time
	ExpiresAt time.Time // of the token and of the session
	NotAfter  time.Time // of the session
	Groups    Groups    // of the session from then on
}

// OnceID identifies something that may happen only once: an attempt is completed, an
// assertion is accepted.
type OnceID struct {
	Scope string // "attempt", or "provider:" and its name
	ID    string
	Until time.Time // after which it is refused for being too old anyway
}

// Once stores once-IDs, across restarts.
type Once interface {
	// Spend stores all ids, or none and returns ErrSpent if one is stored already.
	Spend(ctx context.Context, ids ...OnceID) error
}

// endBatch is how many sessions one transaction ends, so that logins wait for no more
// than that. 500 end no more sessions in a second, and a concurrent login waited three
// times as long (BenchmarkLoginBesideEndSessions of package sqlite).
const endBatch = 100

// EndSessions ends all matching sessions, and returns how many. The event is stored for
// each.
func EndSessions(ctx context.Context, sessions Sessions, match SessionMatch, event Event) (total int, err error) {
	for {
		n, err := sessions.EndSessions(ctx, match, endBatch, event)
		total += n
		if err != nil {
			return total, fmt.Errorf("ending sessions: %d ended so far, run this again to end the rest: %w", total, err)
		}
		if n < endBatch {
			return total, nil
		}
	}
}
