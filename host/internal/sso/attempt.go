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

// Attempt is a login in progress. The browser keeps it, sealed; the host keeps
// nothing.
type Attempt struct {
	// State is what the provider returns. It stays the same for all steps.
	State string

	// Step is a random name for the step that is awaited now, so that each is
	// continued at most once.
	Step string

	Provider      string
	Mode          Mode
	Redirect      string // checked when the login started, never read from a request again (B10)
	RedirectAsked bool   // false: the client left the redirect to us
	ExpiresAt     time.Time

	// CallbackURL is where the provider was told to send the browser, below the public
	// URL where the login began. It must be the same when a code is exchanged (RFC 6749
	// section 4.1.3), whatever is configured by then, and whatever a request says.
	CallbackURL string

	// Fields names what the prompt asked for, and Optional what of it may be
	// left empty, in the same order; no fields when a response of the provider is
	// awaited.
	Fields   []string
	Optional []string

	// LoginField is the one of Fields that asks for a login name. If none does, LoginName
	// is what was entered as such in a step before.
	LoginField, LoginName string

	Memory []byte

	// Invitation is the one that the login was started from. Being sealed, it goes neither
	// to the provider nor anywhere else.
	Invitation Invitation

	// LinkTo is the ID of the session that begins it, if it is to link an identity to the
	// user of that session. Such an attempt never signs anybody in, and any other never
	// links.
	LinkTo string

	// Over: nothing is awaited any more, the login was completed or refused.
	// Session is the ID of the session that it led to, if it led to one.
	Over    bool
	Session string
}

// ended returns what is worth remembering of an attempt that does not go on: enough
// to lead people on who come back to it, and nothing that could be continued.
func (a Attempt) ended(session string) Attempt {
	return Attempt{
		State: a.State, Provider: a.Provider, Mode: a.Mode, Redirect: a.Redirect, RedirectAsked: a.RedirectAsked,
		ExpiresAt: a.ExpiresAt, LinkTo: a.LinkTo, Over: true, Session: session,
	}
}

// AttemptID names the attempt with that state. It is safe to show: the state
// cannot be computed from it.
func AttemptID(state string) string {
	sum := sha256.Sum256([]byte("attempt\x00" + state))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// newState makes 256 random bits: state must not be guessable (RFC 6749
// section 10.10), and 43 characters fit SAML's 80 bytes of RelayState.
func newState() string { return string(NewToken()) }

// newStep makes 96 random bits, which nobody but the sealed attempt ever holds.
func newStep() string {
	var b [12]byte
	rand.Read(b[:])
	return string(b[:])
}

// sealer encrypts attempts, of logins and of logouts by a key of their own, so that
// neither passes for the other. A sealed attempt is bound to its provider and
// state, so that it can be opened nowhere else (A12, A13). They are authenticated
// with it and not part of it: whoever opens it has to know them.
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
// ErrAttemptExpired and ErrAttemptOver, which are kinds of it, it returns the
// attempt all the same, for telling where to start again; it must not go on.
func (s *sealer) open(sealed, provider, state string, now time.Time) (Attempt, error) {
	if len(sealed) > MaxSealed || len(state) > sdk.MaxSubject {
		return Attempt{}, fmt.Errorf("%w: too large", ErrAttemptInvalid)
	}
	box, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || strings.ContainsAny(sealed, "\r\n") { // which the decoder skips
		return Attempt{}, fmt.Errorf("%w: not base64url", ErrAttemptInvalid)
	}
	plain, _, err := s.vault.Open(box, binding(provider, state))
	if err != nil {
		return Attempt{}, fmt.Errorf("%w: altered, or of another provider or state", ErrAttemptInvalid)
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

// binding is the additional authenticated data. Provider names hold no NUL.
func binding(provider, state string) []byte {
	return []byte("attempt\x00" + provider + "\x00" + state)
}
