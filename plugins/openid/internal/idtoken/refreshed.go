package idtoken

import (
	"crypto/subtle"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// CheckRefreshed applies the rules of OpenID Connect Core section 12.2 to the ID token of
// refreshed tokens, whose signature was verified: it must belong to the same login, with this
// subject. The nonce may be missing or empty; otherwise it must be that of the login.
//
// How the end user authenticated is for [CheckAsked], because a refreshed token need not
// repeat it.
func CheckRefreshed(token jose.Token, want Expectation, subject string) error {
	object := token.Claims
	if err := discovery.CheckIssuer(want.Issuer, object, token.Key); err != nil {
		return err
	}
	if got, err := object.String("sub"); err != nil || got != subject {
		return sdk.InvalidResponse(ReasonSubjectMismatch, "the token is about another subject than that of the login")
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
		return sdk.InvalidResponse(ReasonLogoutToken, "the token has events, so it is not an ID token")
	}
	return checkAccessToken(token, want.AccessToken)
}

func checkSameNonce(object claims.Object, nonce string) error {
	got, err := object.String("nonce")
	if err == nil && got == "" {
		return nil
	}
	if err != nil || nonce != "" && subtle.ConstantTimeCompare([]byte(got), []byte(nonce)) != 1 {
		return sdk.InvalidResponse(ReasonNonceMismatch, "the nonce is not that of the login")
	}
	return nil
}
