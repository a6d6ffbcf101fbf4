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

// The reasons of refusals here.
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

// checkStatus refuses every status but 200.
func checkStatus(what string, a upstream.Answer) error {
	text := ""
	if object, err := claims.Decode(a.Body); err == nil && a.Status != http.StatusOK {
		text = Said(object)
	}
	switch {
	case a.Status == http.StatusOK:
		return nil
	case a.Status == http.StatusUnauthorized:
		return sdk.InvalidResponse(ReasonTokenRefused, "%s: the API does not accept the token (status 401)%s", what, text)
	case limited(a):
		return sdk.Unavailable(ReasonRateLimited, "%s: too many requests (status %d)%s", what, a.Status, text)
	case a.Status == http.StatusForbidden && a.Header.Get("X-GitHub-SSO") != "":
		return sdk.Denied(ReasonSAMLSession, "%s: an organization with SAML single sign-on wants a session: sign in there (github.com/orgs/NAME/sso) first, authorize the app for it, and try again%s", what, text)
	case a.Status == http.StatusForbidden:
		return sdk.Denied(ReasonForbidden, "%s: the API refuses (status 403): is a scope or a permission missing, or is the user not admitted to the app?%s", what, text)
	case a.Redirect() != "":
		return sdk.InvalidResponse(ReasonStatus, "%s %s", what, a.Problem())
	case a.Status < 300:
		return sdk.InvalidResponse(ReasonStatus, "%s: status %d in place of 200", what, a.Status)
	case a.IsHTML():
		return sdk.Unavailable(ReasonStatus, "%s: %s", what, a.HTMLText())
	default:
		return sdk.Unavailable(ReasonStatus, "%s: status %d%s", what, a.Status, text)
	}
}

// nothingForUs: a permission that the app or the user has not given. A limit of
// requests is no such thing: taken for one, a full account would look like an empty
// one.
func nothingForUs(a upstream.Answer) bool {
	return (a.Status == http.StatusForbidden || a.Status == http.StatusNotFound) && !limited(a) && a.Header.Get("X-GitHub-SSO") == ""
}

// limited reports whether the answer says to come back later: 429, or GitHub's 403.
func limited(a upstream.Answer) bool {
	return a.Status == http.StatusTooManyRequests ||
		a.Status == http.StatusForbidden && (a.Header.Get("Retry-After") != "" || a.Header.Get("X-RateLimit-Remaining") == "0")
}

// where providers put the text of an error.
var texts = []fieldpath.Path{
	fieldpath.MustParse("error_description"), fieldpath.MustParse("error.message"), fieldpath.MustParse("error.error_msg"),
	fieldpath.MustParse("message"), fieldpath.MustParse("errors.0.detail"), fieldpath.MustParse("errors.0.message"),
	fieldpath.MustParse("ocs.meta.message"), fieldpath.MustParse("errmsg"), fieldpath.MustParse("error"),
}

// and its number.
var numbers = []fieldpath.Path{
	fieldpath.MustParse("error.code"), fieldpath.MustParse("error.error_code"), fieldpath.MustParse("errcode"),
	fieldpath.MustParse("resultcode"), fieldpath.MustParse("ocs.meta.statuscode"),
}

// Said is what an answer says of an error, to be appended to an error of ours:
// bounded, printable, and empty if it says nothing.
func Said(object claims.Object) string {
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
