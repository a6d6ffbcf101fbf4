package sso

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
)

// MaxSealed bounds a sealed attempt in bytes, so that it fits into a cookie:
// browsers keep 4096 bytes of name and value (RFC 6265bis section 5.6).
const MaxSealed = 3800

// ErrAttemptTooLarge: redirect and memory together do not fit into a cookie.
var ErrAttemptTooLarge = errors.New("login attempt is too large, use a shorter redirect")

// Attempt is a login in progress. The browser keeps it, sealed; the host keeps nothing.
type Attempt struct {
	// State is what the provider returns. It stays the same for all steps.
	State string

	// Step is a random name of the current step, so that each step is continued at most
	// once.
	Step string

	Provider      string
	Mode          Mode
	Redirect      string // checked when the login started, never read from a request again (B10)
	RedirectAsked bool   // false: the host chose the redirect
	ExpiresAt     time.Time

	// CallbackURL is where the provider was told to send the browser, below the public
	// URL where the login began. It must be the same when a code is exchanged (RFC 6749
	// section 4.1.3), whatever is configured by then, and whatever a request says.
	CallbackURL string

	// Fields are the names of the prompt's fields, and Optional says which of them may be
	// left empty, in the same order. Fields is empty while the host waits for a response
	// of the provider.
	Fields   []string
	Optional []string

	// LoginField is the one of Fields that takes the login name. If there is none,
	// LoginName is the login name of an earlier step.
	LoginField, LoginName string

	Memory []byte

	// Invitation is the one that started the login. Because it is sealed, it does not
	// reach the provider or anybody else.
	Invitation Invitation

	// LinkTo is the ID of the session that started an attempt to link an identity to its
	// user. Such an attempt never signs anybody in, and all others never link.
	LinkTo string

	// Over: the login was completed or refused, and nothing can be continued. Session is
	// the ID of the session that it created, if any.
	Over    bool
	Session string
}

// ended returns what is kept of a finished attempt: enough to redirect people who come
// back to it, and nothing that could be continued.
func (a Attempt) ended(session string) Attempt {
	return Attempt{
		State: a.State, Provider: a.Provider, Mode: a.Mode, Redirect: a.Redirect, RedirectAsked: a.RedirectAsked,
		ExpiresAt: a.ExpiresAt, LinkTo: a.LinkTo, Over: true, Session: session,
	}
}

// AttemptID returns an ID for the attempt with that state. It can be shown: the state
// cannot be computed from it.
func AttemptID(state string) string {
	sum := sha256.Sum256([]byte("attempt\x00" + state))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// newState returns 256 random bits: state must not be guessable (RFC 6749 section 10.10),
// and 43 characters fit SAML's 80 bytes of RelayState.
func newState() string { return string(NewToken()) }

// newStep returns 96 random bits, which only the sealed attempt contains.
func newStep() string {
	var b [12]byte
	rand.Read(b[:])
	return string(b[:])
}

// sealer encrypts attempts. Logins and logouts have different keys, so that one does not
// pass for the other. A sealed attempt is bound to its provider and state and opens
// nowhere else (A12, A13). Both are authenticated but not contained: the caller of open
// must know them.
type sealer struct{ vault *Vault }

func newSealer(secret, previous []byte, purpose string) (*sealer, error) {
	vault, err := NewVault(secret, previous, "doorward "+purpose+" v2")
	if err != nil {
		return nil, err
	}
	return &sealer{vault}, nil
}

func (s *sealer) seal(a Attempt) (string, error) {
	sealed := base64.RawURLEncoding.EncodeToString(s.vault.Seal(encodeAttempt(a), binding(a.Provider, a.State)))
	if len(sealed) > MaxSealed {
		return "", ErrAttemptTooLarge
	}
	return sealed, nil
}

// open returns the attempt of that provider and state, or ErrAttemptInvalid. With
// ErrAttemptExpired and ErrAttemptOver, which wrap it, it also returns the attempt, to
// show where to start again; the login must not continue.
func (s *sealer) open(sealed, provider, state string, now time.Time) (Attempt, error) {
	if len(sealed) > MaxSealed || len(state) > sdk.MaxSubject {
		return Attempt{}, fmt.Errorf("%w: too large", ErrAttemptInvalid)
	}
	box, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || strings.ContainsAny(sealed, "\r\n") { // the decoder would skip them
		return Attempt{}, fmt.Errorf("%w: not base64url", ErrAttemptInvalid)
	}
	plain, _, err := s.vault.Open(box, binding(provider, state))
	if err != nil {
		return Attempt{}, fmt.Errorf("%w: altered, or belongs to another provider or state", ErrAttemptInvalid)
	}
	a, err := decodeAttempt(plain)
	if err != nil {
		return Attempt{}, fmt.Errorf("%w: %w", ErrAttemptInvalid, err)
	}
	a.Provider, a.State = provider, state
	switch {
	case a.Over:
		return a, ErrAttemptOver
	case !now.Before(a.ExpiresAt):
		return a, ErrAttemptExpired
	}
	return a, nil
}

// binding is the additional authenticated data. Provider names contain no NUL.
func binding(provider, state string) []byte {
	return []byte("attempt\x00" + provider + "\x00" + state)
}
