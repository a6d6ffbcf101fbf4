package sso

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
)

// MaxSealed bounds a sealed attempt in bytes, so that it fits into a cookie:
// browsers keep 4096 bytes of name, value and attributes.
const MaxSealed = 3800

// ErrAttemptTooLarge: redirect and memory together do not fit into a cookie.
var ErrAttemptTooLarge = errors.New("login attempt is too large, use a shorter redirect")

// Attempt is a login in progress. The browser keeps it, sealed; the host keeps
// nothing.
type Attempt struct {
	// State is what the provider returns. It stays the same for all steps.
	State string `json:"s"`

	// Step is a random name for the step that is awaited now, so that each is
	// continued at most once.
	Step string `json:"i"`

	Provider      string    `json:"p"`
	Mode          Mode      `json:"m"`
	Redirect      string    `json:"r"`           // checked when the login started, never read from a request again (B10)
	RedirectAsked bool      `json:"a,omitempty"` // false: the client left the redirect to us
	ExpiresAt     time.Time `json:"e"`

	// CallbackURL is where the provider was told to send the browser. It must be the
	// same when a code is exchanged (RFC 6749 section 4.1.3), whatever is configured
	// by then.
	CallbackURL string `json:"c,omitempty"`

	// Fields names what the prompt asked for, and Optional what of it may be
	// left empty; no fields when a response of the provider is awaited.
	Fields   []string `json:"f,omitempty"`
	Optional []string `json:"o,omitempty"`

	Memory []byte `json:"-"`
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

// sealer encrypts attempts, of logins and of logouts by a key of their own, so that
// neither passes for the other. A sealed attempt is bound to its provider and
// state, so that it can be opened nowhere else (A12, A13).
type sealer struct{ aead cipher.AEAD }

func newSealer(secret []byte, purpose string) (*sealer, error) {
	aead, err := newAEAD(secret, "doorward "+purpose+" v1")
	if err != nil {
		return nil, err
	}
	return &sealer{aead: aead}, nil
}

func (s *sealer) seal(a Attempt) (string, error) {
	rest, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("encoding the attempt: %w", err)
	}
	// The memory stands before the JSON as raw bytes: as a JSON string it would
	// take a third more of the little room that a cookie has.
	plain := binary.BigEndian.AppendUint16(nil, uint16(len(a.Memory)))
	plain = append(append(plain, a.Memory...), rest...)
	sealed := base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, binding(a.Provider, a.State)))
	if len(sealed) > MaxSealed {
		return "", ErrAttemptTooLarge
	}
	return sealed, nil
}

// open returns the attempt of that provider and state, or ErrAttemptInvalid.
func (s *sealer) open(sealed, provider, state string, now time.Time) (Attempt, error) {
	if len(sealed) > MaxSealed || len(state) > sdk.MaxSubject {
		return Attempt{}, fmt.Errorf("%w: too large", ErrAttemptInvalid)
	}
	box, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || strings.ContainsAny(sealed, "\r\n") { // which the decoder skips
		return Attempt{}, fmt.Errorf("%w: not base64url", ErrAttemptInvalid)
	}
	plain, err := s.aead.Open(nil, nil, box, binding(provider, state))
	if err != nil {
		return Attempt{}, fmt.Errorf("%w: altered, or of another provider or state", ErrAttemptInvalid)
	}
	a, err := decodeAttempt(plain)
	if err != nil {
		return Attempt{}, fmt.Errorf("%w: %w", ErrAttemptInvalid, err)
	}
	if a.Provider != provider || subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) != 1 {
		return Attempt{}, fmt.Errorf("%w: of another provider or state", ErrAttemptInvalid)
	}
	if !now.Before(a.ExpiresAt) {
		return Attempt{}, fmt.Errorf("%w: expired", ErrAttemptInvalid)
	}
	return a, nil
}

func decodeAttempt(plain []byte) (Attempt, error) {
	if len(plain) < 2 {
		return Attempt{}, errors.New("too short")
	}
	size := int(binary.BigEndian.Uint16(plain))
	plain = plain[2:]
	if size > len(plain) {
		return Attempt{}, errors.New("too short")
	}
	a := Attempt{Memory: plain[:size:size]}
	if err := json.Unmarshal(plain[size:], &a); err != nil {
		return Attempt{}, err
	}
	return a, nil
}

// binding is the additional authenticated data. Provider names hold no NUL.
func binding(provider, state string) []byte {
	return []byte("attempt\x00" + provider + "\x00" + state)
}

func randomID() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
