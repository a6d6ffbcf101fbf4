package idtoken

import (
	"crypto/subtle"
	"net/url"
	"slices"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// Times in an ID token.
const (
	// ClockSkew is how far the provider's clock and ours may differ.
	ClockSkew = time.Minute

	// MaxAge is how old an ID token may be that was issued for a code
	// just now. Microsoft dates its tokens back by five minutes.
	MaxAge = 10 * time.Minute
)

// Expectation is what an ID token must fit.
type Expectation struct {
	Issuer           string // of the discovery document
	ClientID         string
	TrustedAudiences []string
	Tenants          discovery.Tenants
	Nonce            string // of this login

	// NonceMayBeMissing: a token without a nonce is not bound to the login, and accepted.
	NonceMayBeMissing bool

	AccessToken string // that came with it; empty: none did

	// Asked are the parameters of the authentication request that demand
	// something of the provider.
	Asked url.Values

	// Methods must all stand in amr.
	Methods []string

	Now time.Time
}

// Check goes through the rules of OpenID Connect Core section 3.1.3.7, in its order,
// for a token whose signature was verified.
func Check(token jose.Token, want Expectation) error {
	object := token.Claims
	if err := discovery.CheckIssuer(want.Issuer, object, token.Key); err != nil {
		return err
	}
	if err := want.Tenants.Check(object); err != nil {
		return err
	}
	if err := CheckAudience(object, want.ClientID, want.TrustedAudiences); err != nil {
		return err
	}
	if err := checkTimes(object, want.Now); err != nil {
		return err
	}
	if err := checkNonce(object, want); err != nil {
		return err
	}
	if err := checkSubject(object); err != nil {
		return err
	}
	// A logout token is signed with the same key for the same audience (RFC
	// 8725 section 3.12, Back-Channel Logout section 2.4).
	if object["events"] != nil {
		return sdk.InvalidResponse(ReasonLogoutToken, "a token with events is no ID token")
	}
	if err := checkAsked(object, want.Asked, want.Now); err != nil {
		return err
	}
	if err := checkMethods(object, want.Methods); err != nil {
		return err
	}
	return checkAccessToken(token, want.AccessToken)
}

// CheckAudience is rules 3 to 5. A token for several audiences is accepted only
// if the operator trusts the others, which may hold the token too. An azp, which the
// second errata leave to extensions, must be our client where it is there: it says
// whom the token was issued to.
func CheckAudience(object claims.Object, clientID string, trusted []string) error {
	audience, err := object.Strings("aud")
	if err != nil {
		return sdk.InvalidResponse(ReasonAudienceMismatch, "%w", err)
	}
	if !slices.Contains(audience, clientID) {
		return sdk.InvalidResponse(ReasonAudienceMismatch, "meant for %q, not for the client %q", upstream.ShownList(audience), clientID)
	}
	party, err := object.String("azp")
	if err != nil || object["azp"] != nil && party != clientID {
		return sdk.InvalidResponse(ReasonPartyMismatch, "issued to %q, not to the client %q", upstream.Shown(party), clientID)
	}
	for _, other := range audience {
		if other != clientID && !slices.Contains(trusted, other) {
			return sdk.InvalidResponse(ReasonAudienceUntrusted, "meant for %q, too: have the provider issue it for us alone, or list that in trusted_audiences", upstream.Shown(other))
		}
	}
	return nil
}

// checkTimes is rules 9 and 10, and nbf.
func checkTimes(object claims.Object, now time.Time) error {
	if err := CheckExpires(object, now); err != nil {
		return err
	}
	issued, err := object.Time("iat")
	switch {
	case err != nil:
		return sdk.InvalidResponse(ReasonIssuedAt, "%w", err)
	case issued.IsZero():
		return sdk.InvalidResponse(ReasonIssuedAt, "no iat")
	case issued.After(now.Add(ClockSkew)):
		return sdk.InvalidResponse(ReasonIssuedAt, "issued %v in the future: are both clocks right?", issued.Sub(now))
	case now.Sub(issued) > MaxAge:
		return sdk.InvalidResponse(ReasonIssuedAt, "issued %v ago, although it is for a code of just now: are both clocks right?", now.Sub(issued))
	}
	return CheckNotBefore(object, now)
}

// CheckExpires is rule 9.
func CheckExpires(object claims.Object, now time.Time) error {
	expires, err := object.Time("exp")
	switch {
	case err != nil:
		return sdk.InvalidResponse(ReasonExpired, "%w", err)
	case expires.IsZero():
		return sdk.InvalidResponse(ReasonExpired, "no exp")
	case !now.Before(expires.Add(ClockSkew)):
		return sdk.InvalidResponse(ReasonExpired, "expired %v ago: are both clocks right?", now.Sub(expires))
	}
	return nil
}

// CheckNotBefore is about nbf, which the specification leaves out (RFC 7519 section
// 4.1.5).
func CheckNotBefore(object claims.Object, now time.Time) error {
	notBefore, err := object.Time("nbf")
	switch {
	case err != nil:
		return sdk.InvalidResponse(ReasonNotYetValid, "%w", err)
	case notBefore.After(now.Add(ClockSkew)):
		return sdk.InvalidResponse(ReasonNotYetValid, "valid only in %v: are both clocks right?", notBefore.Sub(now))
	}
	return nil
}

// checkNonce is rule 11. It ties the token to this login, so that neither a
// replayed token nor an injected code signs anybody in.
func checkNonce(object claims.Object, want Expectation) error {
	if object["nonce"] == nil && want.NonceMayBeMissing {
		return nil
	}
	got, err := object.String("nonce")
	if err != nil || want.Nonce == "" || subtle.ConstantTimeCompare([]byte(got), []byte(want.Nonce)) != 1 {
		return sdk.InvalidResponse(ReasonNonceMismatch, "nonce is missing or not that of the login")
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

// checkAccessToken is OpenID Connect Core section 3.1.3.8. Without at_hash, which
// the code flow may leave out, the access token is as good as the TLS connection.
func checkAccessToken(token jose.Token, accessToken string) error {
	if token.Claims["at_hash"] == nil || accessToken == "" {
		return nil
	}
	hash, err := token.Claims.String("at_hash")
	if err != nil || !token.HashFits(hash, accessToken) {
		return sdk.InvalidResponse(ReasonAtHash, "issued for another access token")
	}
	return nil
}
