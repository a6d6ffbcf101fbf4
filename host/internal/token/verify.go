package token

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

func invalid(reason string) error { return fmt.Errorf("%w: %s", sso.ErrTokenInvalid, reason) }

// Verify implements sso.AccessTokens. Errors name the check that failed, and nothing of
// the token. There is no leeway, because the same clocks issue and verify tokens.
func (t *Tokens) Verify(ctx context.Context, token string) (sso.AccessClaims, error) {
	claims, err := t.verifySignature(ctx, token)
	if err != nil {
		return sso.AccessClaims{}, err
	}
	var p payload
	if err := json.Unmarshal(claims, &p); err != nil {
		return sso.AccessClaims{}, invalid("claims are not in the form that this host writes")
	}
	return t.verifyClaims(p)
}

// verifySignature returns the claims of a token that one of the host's keys signed as an
// access token.
func (t *Tokens) verifySignature(ctx context.Context, token string) ([]byte, error) {
	if len(token) > maxToken {
		return nil, invalid("too long")
	}
	// The list blocks foreign tokens regardless of the key: "none", or HS256 keyed with
	// the public key (RFC 8725 section 3.1, G01).
	signed, err := jose.ParseSignedCompact(token, algorithmNames())
	if err != nil || len(signed.Signatures) != 1 {
		return nil, invalid("not a compact JWS signed with a supported algorithm")
	}
	// go-jose decodes base64url leniently and checks the signature over its own encoding,
	// so many texts would pass for one token (G08).
	if canonical, err := signed.CompactSerialize(); err != nil || canonical != token {
		return nil, invalid("not in the canonical encoding")
	}
	header := signed.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != tokenType {
		return nil, invalid("not of type " + tokenType) // RFC 9068 section 4, RFC 8725 section 3.11 (G12)
	}
	k := t.verifyingKey(ctx, header.KeyID)
	if k == nil {
		return nil, invalid("not signed by a key of this host")
	}
	// The key decides the algorithm; the header only has to match.
	if header.Algorithm != k.algorithm {
		return nil, invalid("not signed with the algorithm of its key")
	}
	claims, err := signed.Verify(k.public)
	if err != nil {
		return nil, invalid("signature does not match")
	}
	return claims, nil
}

// verifyClaims checks the expiry last, so that ErrTokenExpired is only returned for
// tokens that were valid once.
func (t *Tokens) verifyClaims(p payload) (sso.AccessClaims, error) {
	if p.Issuer != t.config.Issuer || p.Audience != t.config.Issuer {
		return sso.AccessClaims{}, invalid("issued by or for somebody else")
	}
	if p.Subject == "" || p.SessionID == "" || p.ExpiresAt == 0 {
		return sso.AccessClaims{}, invalid("sub, sid or exp missing")
	}
	expires := fromUnix(p.ExpiresAt)
	if !t.config.Now().Before(expires) {
		return sso.AccessClaims{}, sso.ErrTokenExpired
	}
	c := sso.AccessClaims{UserID: p.Subject, SessionID: p.SessionID, IssuedAt: fromUnix(p.IssuedAt), ExpiresAt: expires}
	if p.Role != nil {
		c.Role = *p.Role
	}
	return c, nil
}
