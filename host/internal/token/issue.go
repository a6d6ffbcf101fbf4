package token

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// maxToken bounds a token in bytes: it must fit into a request header.
const maxToken = 4096

// payload is the claims of a token: those required by RFC 9068 section 2.2, sid of OpenID
// Connect Front-Channel Logout section 3, and those that clients of Directus read.
type payload struct {
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"`
	ClientID  string `json:"client_id"` // the host, as the token is issued to it
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
	ID        string `json:"jti"`
	SessionID string `json:"sid"`

	UserID      string  `json:"id"`
	Role        *string `json:"role"` // null: no role
	AppAccess   bool    `json:"app_access"`
	AdminAccess bool    `json:"admin_access"`

	groupClaims
}

// Issue implements sso.AccessTokens. Times are truncated to whole seconds. The error is
// about incomplete claims, an invalid lifetime, or the store.
func (t *Tokens) Issue(ctx context.Context, claims sso.AccessClaims) (string, error) {
	if err := checkClaims(claims); err != nil {
		return "", fmt.Errorf("issuing an access token: %w", err)
	}
	r, err := t.forSigning(ctx)
	if err != nil {
		return "", err
	}
	signing, p := r.signing(t.config.Algorithm, t.config.Now()), t.payload(claims)
	token, err := sign(signing, p)
	if errors.Is(err, errTooLong) && p.Groups != nil {
		p.groupClaims = groupClaims{Elsewhere: true}
		token, err = sign(signing, p)
	}
	if err != nil {
		return "", fmt.Errorf("issuing an access token: %w", err)
	}
	return token, nil
}

func checkClaims(c sso.AccessClaims) error {
	if c.UserID == "" || c.SessionID == "" || c.IssuedAt.IsZero() {
		return errors.New("user, session or time missing")
	}
	lifetime := c.ExpiresAt.Sub(c.IssuedAt)
	if lifetime <= 0 || lifetime > MaxLifetime {
		return fmt.Errorf("the lifetime is %v and must be more than 0 and at most %v", lifetime, MaxLifetime)
	}
	return nil
}

func (t *Tokens) payload(c sso.AccessClaims) payload {
	p := payload{
		Issuer: t.config.Issuer, Audience: t.config.Issuer, ClientID: t.config.Issuer,
		Subject: c.UserID, UserID: c.UserID, SessionID: c.SessionID, ID: newID(),
		IssuedAt: c.IssuedAt.Unix(), ExpiresAt: c.ExpiresAt.Unix(), groupClaims: groupClaimsOf(c.Groups),
	}
	if c.Role != "" {
		p.Role = &c.Role
	}
	return p
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func sign(k *key, p payload) (string, error) {
	if k == nil {
		return "", errors.New("there is no signing key")
	}
	claims, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("encoding the claims: %w", err)
	}
	signed, err := k.signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("serializing: %w", err)
	}
	if len(token) > maxToken {
		return "", fmt.Errorf("%w: it has %d bytes, at most %d are allowed: use a shorter role", errTooLong, len(token), maxToken)
	}
	return token, nil
}

// errTooLong: the token has more than maxToken bytes.
var errTooLong = errors.New("token is too long")

func fromUnix(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
