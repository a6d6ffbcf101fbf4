package main

import (
	"context"
	"crypto/subtle"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// Times in an ID token.
const (
	// clockSkew is how far the provider's clock and ours may differ.
	clockSkew = time.Minute

	// maxIDTokenAge is how old an ID token may be that was issued for a code
	// just now. Microsoft dates its tokens back by five minutes.
	maxIDTokenAge = 10 * time.Minute
)

// verifyIDToken checks an ID token as OpenID Connect Core section 3.1.3.7 says
// and returns its claims.
//
// go-oidc parses the token, checks its signature with our keys, and then its own
// share of the claims. It reads claims with encoding/json and leaves out azp,
// iat, nonce, sub and the type of the token, so the same payload is read again
// strictly and checked rule by rule. Both must agree.
func (m *mechanism) verifyIDToken(ctx context.Context, md metadata, t tokens, nonce string) (claims.Object, error) {
	header, err := parseCompact(t.idToken, m.options.IDTokenAlg)
	if err != nil {
		return nil, err
	}
	signature := &signatureCheck{keys: m.keys(md), header: header}
	token, refused := m.libraryVerifier(md, signature).Verify(ctx, t.idToken)
	if signature.err != nil {
		return nil, signature.err
	}
	if signature.payload == nil {
		return nil, sdk.InvalidResponse(reasonLibrary, "the OpenID library refuses the token")
	}
	object, err := claims.Decode(signature.payload)
	if err != nil {
		return nil, sdk.InvalidResponse(reasonJWTClaims, "%w", err)
	}
	if err := m.checkIDToken(md, object, signature.key, nonce); err != nil {
		return nil, err
	}
	if refused != nil {
		return nil, sdk.InvalidResponse(reasonLibrary, "the OpenID library refuses the claims")
	}
	// OpenID Connect Core section 3.1.3.8. Without at_hash, which the code flow
	// may leave out, the access token is as good as the TLS connection.
	if object.Has("at_hash") && token.VerifyAccessToken(t.accessToken) != nil {
		return nil, sdk.InvalidResponse(reasonAtHash, "issued for another access token")
	}
	return object, nil
}

func (m *mechanism) libraryVerifier(md metadata, keys oidc.KeySet) *oidc.IDTokenVerifier {
	return oidc.NewVerifier(md.issuer, keys, &oidc.Config{
		ClientID:             m.options.ClientID,
		SupportedSigningAlgs: []string{m.options.IDTokenAlg},
		// checkIssuer does it where the issuer is a template.
		SkipIssuerCheck: isTemplate(md.issuer),
		// go-oidc grants exp no leeway.
		Now: func() time.Time { return m.now().Add(-clockSkew) },
	})
}

// signatureCheck is the oidc.KeySet of one token. It keeps what go-oidc does not
// hand on: the payload as signed, the key, and the error with its reason.
type signatureCheck struct {
	keys    *keyStore
	header  joseHeader
	payload []byte
	key     publicKey
	err     error
}

func (c *signatureCheck) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	c.payload, c.key, c.err = c.keys.verify(ctx, raw, c.header)
	return c.payload, c.err
}

// checkIDToken goes through the rules in the order of the specification.
func (m *mechanism) checkIDToken(md metadata, object claims.Object, key publicKey, nonce string) error {
	now := m.now()
	if err := checkIssuer(md.issuer, object, key); err != nil {
		return err
	}
	if err := m.checkAudience(object); err != nil {
		return err
	}
	if err := checkTimes(object, now); err != nil {
		return err
	}
	if err := checkNonce(object, nonce); err != nil {
		return err
	}
	if err := checkSubject(object); err != nil {
		return err
	}
	// A logout token is signed with the same key for the same audience (RFC
	// 8725 section 3.12, Back-Channel Logout section 2.4).
	if object.Has("events") {
		return sdk.InvalidResponse(reasonLogoutToken, "a token with events is no ID token")
	}
	return m.checkAsked(object, now)
}

// checkAudience is rules 3 to 5. A token for several audiences is accepted only
// if the operator trusts the others, which may hold the token too, and if it
// says that it was issued to us.
func (m *mechanism) checkAudience(object claims.Object) error {
	audience, err := object.Strings("aud")
	if err != nil {
		return sdk.InvalidResponse(reasonAudienceMismatch, "%w", err)
	}
	clientID := m.options.ClientID
	if !slices.Contains(audience, clientID) {
		return sdk.InvalidResponse(reasonAudienceMismatch, "meant for %q, not for the client %q", shownList(audience), clientID)
	}
	party, err := object.String("azp")
	if err != nil || object.Has("azp") && party != clientID {
		return sdk.InvalidResponse(reasonPartyMismatch, "issued to %q, not to the client %q", shown(party), clientID)
	}
	for _, other := range audience {
		switch {
		case other == clientID:
		case party == "":
			return sdk.InvalidResponse(reasonPartyMissing, "meant for %q, and no azp says which of them it was issued to", shownList(audience))
		case !slices.Contains(m.options.TrustedAudiences, other):
			return sdk.InvalidResponse(reasonAudienceUntrusted, "meant for %q, too: have the provider issue it for us alone, or list that in trusted_audiences", shown(other))
		}
	}
	return nil
}

// checkTimes is rules 9 and 10, and nbf.
func checkTimes(object claims.Object, now time.Time) error {
	if err := checkExpires(object, now); err != nil {
		return err
	}
	issued, err := object.Time("iat")
	switch {
	case err != nil:
		return sdk.InvalidResponse(reasonIssuedAt, "%w", err)
	case issued.IsZero():
		return sdk.InvalidResponse(reasonIssuedAt, "no iat")
	case issued.After(now.Add(clockSkew)):
		return sdk.InvalidResponse(reasonIssuedAt, "issued %v in the future: are both clocks right?", issued.Sub(now))
	case now.Sub(issued) > maxIDTokenAge:
		return sdk.InvalidResponse(reasonIssuedAt, "issued %v ago, although it is for a code of just now: are both clocks right?", now.Sub(issued))
	}
	return checkNotBefore(object, now)
}

func checkExpires(object claims.Object, now time.Time) error {
	expires, err := object.Time("exp")
	switch {
	case err != nil:
		return sdk.InvalidResponse(reasonExpired, "%w", err)
	case expires.IsZero():
		return sdk.InvalidResponse(reasonExpired, "no exp")
	case !now.Before(expires.Add(clockSkew)):
		return sdk.InvalidResponse(reasonExpired, "expired %v ago: are both clocks right?", now.Sub(expires))
	}
	return nil
}

func checkNotBefore(object claims.Object, now time.Time) error {
	notBefore, err := object.Time("nbf")
	switch {
	case err != nil:
		return sdk.InvalidResponse(reasonNotYetValid, "%w", err)
	case notBefore.After(now.Add(clockSkew)):
		return sdk.InvalidResponse(reasonNotYetValid, "valid only in %v: are both clocks right?", notBefore.Sub(now))
	}
	return nil
}

// checkNonce is rule 11. It ties the token to this login, so that neither a
// replayed token nor an injected code signs anybody in.
func checkNonce(object claims.Object, nonce string) error {
	got, err := object.String("nonce")
	if err != nil || nonce == "" || subtle.ConstantTimeCompare([]byte(got), []byte(nonce)) != 1 {
		return sdk.InvalidResponse(reasonNonceMismatch, "nonce is missing or not that of the login")
	}
	return nil
}

// checkSubject is OpenID Connect Core section 2: sub is there, as a string.
func checkSubject(object claims.Object) error {
	subject, err := object.String("sub")
	if err != nil {
		return sdk.InvalidResponse(claims.ReasonSubjectInvalid, "%w", err)
	}
	if object["sub"] == nil {
		return sdk.InvalidResponse(claims.ReasonSubjectMissing, "no sub")
	}
	if err := claims.CheckSubject(subject); err != nil {
		return sdk.InvalidResponse(claims.ReasonSubjectInvalid, "sub %w", err)
	}
	return nil
}

// checkAsked is rules 12 and 13, and Google's hd: what the operator demanded in
// the request must have been done. The request passes through the browser, where
// anybody can take the demand out of it.
func (m *mechanism) checkAsked(object claims.Object, now time.Time) error {
	params := m.options.params()
	if values := strings.Fields(params.Get("acr_values")); len(values) > 0 {
		acr, err := object.String("acr")
		if err != nil || !slices.Contains(values, acr) {
			return sdk.InvalidResponse(reasonACR, "authenticated with acr %q, while params ask for one of %q", shown(acr), values)
		}
	}
	if age := params.Get("max_age"); age != "" {
		if err := checkAuthTime(object, age, now); err != nil {
			return err
		}
	}
	if domain := params.Get("hd"); domain != "" {
		hosted, err := object.String("hd")
		if err != nil || hosted == "" || domain != "*" && hosted != domain {
			return sdk.InvalidResponse(reasonHostedDomain, "an account of the domain %q, while params ask for %q", shown(hosted), domain)
		}
	}
	return nil
}

func checkAuthTime(object claims.Object, maxAge string, now time.Time) error {
	seconds, err := strconv.ParseUint(maxAge, 10, 31)
	if err != nil {
		return sdk.Misconfigured("options", "params: max_age is not a number of seconds")
	}
	at, err := object.Time("auth_time")
	if err != nil || at.Unix() <= 0 {
		return sdk.InvalidResponse(reasonAuthTime, "no auth_time, while params ask for max_age")
	}
	if now.Sub(at) > time.Duration(seconds)*time.Second+clockSkew {
		return sdk.InvalidResponse(reasonAuthTime, "authenticated %v ago, while params ask for at most %d seconds", now.Sub(at), seconds)
	}
	return nil
}
