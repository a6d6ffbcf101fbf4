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
	// ClockSkew is how far the clocks of the provider and of this machine may differ.
	ClockSkew = time.Minute

	// MaxAge is how old an ID token may be that was just issued for a code. Microsoft dates
	// its tokens back by five minutes.
	MaxAge = 10 * time.Minute
)

// Expectation is what an ID token must match.
type Expectation struct {
	Issuer           string // of the discovery document
	ClientID         string
	TrustedAudiences []string
	Tenants          discovery.Tenants
	Nonce            string // of this login

	// NonceMayBeMissing accepts a token without a nonce, which is not bound to the login.
	NonceMayBeMissing bool

	AccessToken string // the one that came with it; empty: none

	// Asked are the parameters of the authentication request, some of which require
	// something of the provider.
	Asked url.Values

	// Methods must all be in amr.
	Methods []string

	Now time.Time
}

// Check applies the rules of OpenID Connect Core section 3.1.3.7, in that order, to a token
// whose signature was verified.
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
	// A logout token is signed with the same key for the same audience (RFC 8725 section 3.12,
	// Back-Channel Logout section 2.4).
	if object["events"] != nil {
		return sdk.InvalidResponse(ReasonLogoutToken, "the token has events, so it is not an ID token")
	}
	if err := checkAsked(object, want.Asked, want.Now); err != nil {
		return err
	}
	if err := checkMethods(object, want.Methods); err != nil {
		return err
	}
	return checkAccessToken(token, want.AccessToken)
}

// CheckAudience checks rules 3 to 5. A token for several audiences is accepted only if the
// operator trusts the others, because they can have the token, too. The second errata leave
// azp to extensions; if there is one, it must be the client ID, because it says to whom the
// token was issued.
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
			return sdk.InvalidResponse(ReasonAudienceUntrusted, "also meant for %q: configure the provider to issue it only for this client, or list the other audience in trusted_audiences", upstream.Shown(other))
		}
	}
	return nil
}

// checkTimes checks rules 9 and 10, and nbf.
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
		return sdk.InvalidResponse(ReasonIssuedAt, "issued %v ago, but the code was redeemed just now: are both clocks right?", now.Sub(issued))
	}
	return CheckNotBefore(object, now)
}

// CheckExpires checks rule 9.
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

// CheckNotBefore checks nbf (RFC 7519 section 4.1.5), which the rules of OpenID Connect do
// not mention.
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

// checkNonce checks rule 11. The nonce binds the token to this login, so that neither a
// replayed token nor an injected code can sign anybody in.
func checkNonce(object claims.Object, want Expectation) error {
	if object["nonce"] == nil && want.NonceMayBeMissing {
		return nil
	}
	got, err := object.String("nonce")
	if err != nil || want.Nonce == "" || subtle.ConstantTimeCompare([]byte(got), []byte(want.Nonce)) != 1 {
		return sdk.InvalidResponse(ReasonNonceMismatch, "the nonce is missing or not that of the login")
	}
	return nil
}

// checkSubject checks that there is a sub and that it is a string (OpenID Connect Core
// section 2).
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

// checkAccessToken checks at_hash (OpenID Connect Core section 3.1.3.8). In the code flow it
// may be missing; then only TLS protects the access token.
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
