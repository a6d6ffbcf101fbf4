package profile

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/doorward/doorward/plugins/oauth2/internal/fieldpath"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// The reasons of refusals in this package.
const (
	ReasonUnreachable  sdk.Reason = "profile_unreachable"
	ReasonStatus       sdk.Reason = "profile_status"
	ReasonTokenRefused sdk.Reason = "profile_token_refused" // #nosec G101 -- a reason
	ReasonForbidden    sdk.Reason = "profile_forbidden"
	ReasonRateLimited  sdk.Reason = "profile_rate_limited"
	ReasonSAMLSession  sdk.Reason = "organization_wants_saml"
	ReasonMalformed    sdk.Reason = "profile_malformed"
	ReasonAPIError     sdk.Reason = "profile_error"
	ReasonPages        sdk.Reason = "profile_pages"
	ReasonURL          sdk.Reason = "profile_url"
)

// checkStatus refuses every status except 200.
func checkStatus(what string, a upstream.Answer) error {
	text := ""
	if object, err := claims.Decode(a.Body); err == nil && a.Status != http.StatusOK {
		text = ErrorText(object)
	}
	switch {
	case a.Status == http.StatusOK:
		return nil
	case a.Status == http.StatusUnauthorized:
		return sdk.InvalidResponse(ReasonTokenRefused, "%s: the API does not accept the token (status 401)%s", what, text)
	case limited(a):
		return sdk.Unavailable(ReasonRateLimited, "%s: too many requests (status %d)%s", what, a.Status, text)
	case a.Status == http.StatusForbidden && a.Header.Get("X-GitHub-SSO") != "":
		return sdk.Denied(ReasonSAMLSession, "%s: an organization with SAML single sign-on requires a session: sign in there first (github.com/orgs/NAME/sso), authorize the app for the organization, and try again%s", what, text)
	case a.Status == http.StatusForbidden:
		return sdk.Denied(ReasonForbidden, "%s: the API refuses the request (status 403): a scope or a permission may be missing, or the user may not be allowed to use the app%s", what, text)
	case a.Redirect() != "":
		return sdk.InvalidResponse(ReasonStatus, "%s %s", what, a.Problem())
	case a.Status < 300:
		return sdk.InvalidResponse(ReasonStatus, "%s: status %d instead of 200", what, a.Status)
	case a.IsHTML():
		return sdk.Unavailable(ReasonStatus, "%s: %s", what, a.HTMLText())
	default:
		return sdk.Unavailable(ReasonStatus, "%s: status %d%s", what, a.Status, text)
	}
}

// unavailableToApp reports whether a permission is missing that the app or the user has not
// granted. A rate limit is not a missing permission: otherwise an account with groups would
// look like one without.
func unavailableToApp(a upstream.Answer) bool {
	return (a.Status == http.StatusForbidden || a.Status == http.StatusNotFound) && !limited(a) && a.Header.Get("X-GitHub-SSO") == ""
}

// limited reports whether a rate limit was reached: status 429, or GitHub's 403.
func limited(a upstream.Answer) bool {
	return a.Status == http.StatusTooManyRequests ||
		a.Status == http.StatusForbidden && (a.Header.Get("Retry-After") != "" || a.Header.Get("X-RateLimit-Remaining") == "0")
}

// texts are the paths of error texts in the responses of providers.
var texts = []fieldpath.Path{
	fieldpath.MustParse("error_description"), fieldpath.MustParse("error.message"), fieldpath.MustParse("error.error_msg"),
	fieldpath.MustParse("message"), fieldpath.MustParse("errors.0.detail"), fieldpath.MustParse("errors.0.message"),
	fieldpath.MustParse("ocs.meta.message"), fieldpath.MustParse("errmsg"), fieldpath.MustParse("error"),
}

// numbers are the paths of error numbers.
var numbers = []fieldpath.Path{
	fieldpath.MustParse("error.code"), fieldpath.MustParse("error.error_code"), fieldpath.MustParse("errcode"),
	fieldpath.MustParse("resultcode"), fieldpath.MustParse("ocs.meta.statuscode"),
}

// ErrorText returns the error text of a response, to append to an error of the plugin. It is
// limited in length, printable, and empty if the response has no error text.
func ErrorText(object claims.Object) string {
	var parts []string
	for _, list := range [][]fieldpath.Path{texts, numbers} {
		for _, path := range list {
			found, err := path.One(map[string]any(object))
			if err != nil {
				continue
			}
			if text, ok := fieldpath.Text(found); ok && text != "" {
				if _, isNumber := found.(json.Number); isNumber {
					text = "code " + text
				}
				parts = append(parts, upstream.Shown(text))
				break
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return `: the provider says "` + strings.Join(parts, ", ") + `"`
}
