package openidtest

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// idToken makes an ID token (OpenID Connect Core section 2).
func (p *Provider) idToken(l *login, accessToken string) (string, error) {
	alg := jose.SignatureAlgorithm(l.client.IDTokenSignedResponseAlg)
	claims := p.idTokenClaims(l, alg, accessToken)
	for _, b := range p.active(l) {
		if b.claims != nil {
			b.claims(l, claims)
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encoding claims: %w", err)
	}
	for _, b := range p.active(l) {
		if b.payload != nil {
			payload = b.payload(payload)
		}
	}
	s := p.newSigning(l, alg, payload)
	for _, b := range p.active(l) {
		if b.jws == nil {
			continue
		}
		if err := b.jws(s); err != nil {
			return "", fmt.Errorf("%s: %w", b.name, err)
		}
	}
	if is := p.config.Quirk.SignWithSecret; is != nil && is(l.form) {
		if err := signWithHMAC(func(*signing) ([]byte, error) { return []byte(l.client.Secret), nil })(s); err != nil {
			return "", err
		}
	}
	return s.token()
}

func (p *Provider) idTokenClaims(l *login, alg jose.SignatureAlgorithm, accessToken string) map[string]any {
	now := p.Now()
	claims := map[string]any{}
	if l.client.ClaimsInIDToken {
		claims = p.released(l)
	}
	for _, name := range []string{"acr", "amr"} {
		if value, ok := l.claims[name]; ok {
			claims[name] = value
		}
	}
	maps.Copy(claims, map[string]any{
		"iss":     p.issuer,
		"sub":     l.subject,
		"aud":     l.client.ID,
		"exp":     now.Add(IDTokenLifetime).Unix(),
		"iat":     now.Unix(),
		"at_hash": accessTokenHash(alg, accessToken),
		"sid":     l.session,
	})
	if l.request.maxAge {
		claims["auth_time"] = l.at.Unix()
	}
	// A refreshed ID token should have no nonce (section 12.2).
	if l.request.nonce != "" && !l.refreshed {
		claims["nonce"] = l.request.nonce
	}
	return claims
}

// accessTokenHash is at_hash (OpenID Connect Core section 3.1.3.6): the left
// half of the hash of the signature algorithm, which is SHA-512 for Ed25519.
func accessTokenHash(alg jose.SignatureAlgorithm, accessToken string) string {
	if alg == jose.EdDSA {
		sum := sha512.Sum512([]byte(accessToken))
		return encode(sum[:len(sum)/2])
	}
	sum := sha256.Sum256([]byte(accessToken))
	return encode(sum[:len(sum)/2])
}

// claimsByScope is OpenID Connect Core section 5.4.
var claimsByScope = map[string][]string{
	"profile": {
		"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile",
		"picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
	},
	"email":   {"email", "email_verified"},
	"address": {"address"},
	"phone":   {"phone_number", "phone_number_verified"},
}

// released are the person's claims that the granted scope covers, and all claims that
// belong to no standard scope.
func (l *login) released() map[string]any {
	claims := maps.Clone(l.claims)
	for scope, names := range claimsByScope {
		if slices.Contains(l.request.scope, scope) {
			continue
		}
		for _, name := range names {
			delete(claims, name)
		}
	}
	delete(claims, "acr")
	delete(claims, "amr")
	return claims
}

// offline reports whether a refresh token is issued for the login (section 11).
func (p *Provider) offline(l *login) bool {
	if offline := p.config.Quirk.Offline; offline != nil {
		return offline(l.request.all)
	}
	return slices.Contains(l.request.scope, "offline_access")
}
