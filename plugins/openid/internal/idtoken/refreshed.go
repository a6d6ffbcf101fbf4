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

// CheckRefreshed goes through the rules of OpenID Connect Core section 12.2 for the ID
// token that came with refreshed tokens, whose signature was verified: it is about
// the login whose subject it has, and says so as the first one did. A nonce may be
// missing; one that is there is that of the login.
//
// What want asks of how the end user authenticated is for [CheckAsked]: a refreshed
// token need not repeat it.
func CheckRefreshed(token jose.Token, want Expectation, subject string) error {
	object := token.Claims
	if err := discovery.CheckIssuer(want.Issuer, object, token.Key); err != nil {
		return err
	}
	if err := discovery.CheckTenant(object, want.Tenants); err != nil {
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
	if object["nonce"] == nil {
		return nil
	}
	got, err := object.String("nonce")
	if err != nil || nonce != "" && subtle.ConstantTimeCompare([]byte(got), []byte(nonce)) != 1 {
		return sdk.InvalidResponse(ReasonNonceMismatch, "nonce is not that of the login")
	}
	return nil
}

// CheckAsked is what the operator demands of how, and where, the end user
// authenticated, for the claims of a refresh. How long ago that was is no matter then:
// it becomes longer by itself.
func CheckAsked(object claims.Object, asked url.Values, methods []string, now time.Time) error {
	params := url.Values{}
	for name, values := range asked {
		if name != "max_age" {
			params[name] = values
		}
	}
	if err := checkAsked(object, params, now); err != nil {
		return err
	}
	return checkMethods(object, methods)
}

// checkMethods is about amr (OpenID Connect Core section 2, RFC 8176).
func checkMethods(object claims.Object, demanded []string) error {
	if len(demanded) == 0 {
		return nil
	}
	used, err := object.Strings("amr")
	if err != nil {
		return sdk.InvalidResponse(ReasonAMR, "%w", err)
	}
	for _, method := range demanded {
		if !slices.Contains(used, method) {
			return sdk.InvalidResponse(ReasonAMR, "authenticated with amr %q, while required_amr asks for %q", upstream.ShownList(used), demanded)
		}
	}
	return nil
}
