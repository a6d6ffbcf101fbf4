package idtoken

import (
	"crypto/subtle"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// CheckRefreshed goes through the rules of OpenID Connect Core section 12.2 for the ID
// token that came with refreshed tokens, whose signature was verified: it is about
// the login whose subject it has, and says so as the first one did. A nonce may be
// missing, or be empty, which names no other login; one that is there is that of the login.
//
// What want asks of how the end user authenticated is for [CheckAsked]: a refreshed
// token need not repeat it.
func CheckRefreshed(token jose.Token, want Expectation, subject string) error {
	object := token.Claims
	if err := discovery.CheckIssuer(want.Issuer, object, token.Key); err != nil {
		return err
	}
	if got, err := object.String("sub"); err != nil || got != subject {
		return sdk.InvalidResponse(ReasonSubjectMismatch, "about another subject than the login")
	}
	if err := CheckAudience(object, want.ClientID, want.TrustedAudiences); err != nil {
		return err
	}
	if err := checkTimes(object, want.Now); err != nil {
		return err
	}
	if err := checkSameNonce(object, want.Nonce); err != nil {
		return err
	}
	if object["events"] != nil {
		return sdk.InvalidResponse(ReasonLogoutToken, "a token with events is no ID token")
	}
	return checkAccessToken(token, want.AccessToken)
}

func checkSameNonce(object claims.Object, nonce string) error {
	got, err := object.String("nonce")
	if err == nil && got == "" {
		return nil
	}
	if err != nil || nonce != "" && subtle.ConstantTimeCompare([]byte(got), []byte(nonce)) != 1 {
		return sdk.InvalidResponse(ReasonNonceMismatch, "nonce is not that of the login")
	}
	return nil
}
