package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/dpop"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// grantContent is what Refresh and BeginLogout need from the login.
type grantContent struct {
	Issuer       string `json:"iss,omitempty"` // of the tokens; empty in sessions of older versions
	Subject      string `json:"sub"`           // of the ID token
	Identifier   string `json:"id,omitempty"`  // of the identity, if it is not sub
	Nonce        string `json:"nonce,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"` // the latest that was verified

	// Used is the fingerprint of the tokens that the session has, to recognize the tokens
	// of a later refresh.
	Used string `json:"used,omitempty"`

	// AccessToken is kept only if there is no refresh token to ask the provider with.
	AccessToken string `json:"access_token,omitempty"`
	Expires     int64  `json:"expires,omitempty"` // seconds since 1970; 0: unknown

	Key   string `json:"key,omitempty"`   // for DPoP
	Bound bool   `json:"bound,omitempty"` // the access token is bound to Key

	// Callback is the URL of the login, if a refresh must repeat it and it differs from
	// that of the provider.
	Callback string `json:"callback,omitempty"`
}

func (g grantContent) identifier() string {
	if g.Identifier != "" {
		return g.Identifier
	}
	return g.Subject
}

// claims reads the ID token of the grant, without verifying it again: it was verified when
// it arrived, and only the host has had it since.
//
// The names are those for claims.DecodeFor.
func (g grantContent) claims(names []string) (claims.Object, error) {
	parts := strings.Split(g.IDToken, ".")
	if len(parts) != 3 {
		return nil, sdk.InvalidResponse(reasonGrant, "the grant has no ID token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, sdk.InvalidResponse(reasonGrant, "the ID token of the grant: %w", err)
	}
	object, err := claims.DecodeFor(payload, names...)
	if err != nil {
		return nil, sdk.InvalidResponse(reasonGrant, "the ID token of the grant: %w", err)
	}
	return object, nil
}

// isUsed reports whether the session has these tokens already.
func (g grantContent) isUsed(t tokens) bool { return g.Used == fingerprint(t) }

// fingerprint identifies tokens without revealing them. Some responses contain only an ID
// token.
func fingerprint(t tokens) string {
	sum := sha256.Sum256([]byte(cmp.Or(t.accessToken, t.idToken)))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// grant encodes the tokens of a login that later refreshes and logouts need, as far as
// there is room for them. The claims are those of the ID token.
func (m *mechanism) grant(md discovery.Metadata, identity sdk.Identity, t tokens, object claims.Object, nonce string) ([]byte, error) {
	subject, _ := object.String("sub")
	g := grantContent{Issuer: md.Issuer, Subject: subject, Nonce: nonce, IDToken: t.idToken}
	if identity.Subject != subject {
		g.Identifier = identity.Subject
	}
	if m.preset.RefreshAtCallback && t.callback != m.callback {
		g.Callback = t.callback
	}
	if m.options.NoRefresh {
		return g.encode()
	}
	return g.with(t).encode()
}

// with returns the grant with new tokens.
func (g grantContent) with(t tokens) grantContent {
	g.RefreshToken, g.Used, g.Bound = t.refreshToken, fingerprint(t), t.bound
	g.AccessToken, g.Expires = "", 0
	if t.refreshToken == "" {
		g.AccessToken = t.accessToken
		if !t.expires.IsZero() {
			g.Expires = t.expires.Unix()
		}
	}
	if g.Key == "" && !t.key.IsZero() {
		g.Key, _ = t.key.Text()
	}
	return g
}

// encode leaves out the ID token, and then the access token, if there is no room for them.
func (g grantContent) encode() ([]byte, error) {
	data, err := json.Marshal(g)
	for _, token := range []*string{&g.IDToken, &g.AccessToken} {
		if err == nil && len(data) > sdk.MaxGrant {
			*token = ""
			data, err = json.Marshal(g)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("encoding the grant: %w", err)
	}
	return data, nil
}

func (g grantContent) dpopKey() (dpop.Key, error) {
	key, err := dpop.ParseKey(g.Key)
	if err != nil {
		return dpop.Key{}, sdk.InvalidResponse(reasonGrant, "the grant has %w", err)
	}
	return key, nil
}
