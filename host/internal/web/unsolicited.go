package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// unsolicited signs in with a response that no login of ours asked for, if the provider is
// allowed to send such responses. RelayState can name the target, if a login is allowed to
// go there. Providers also write other values into it, which are not addresses.
func (s *Server) unsolicited(c echo.Context, p sso.Provider, response sdk.InboundRequest) error {
	if !response.Form.Has(repostedField) {
		// Then the browser sends its cookies: those of a login that did ask for it, and
		// that of the session that the new one replaces.
		return s.postAgain(c, p, "/callback", false, response)
	}
	response.Form.Del(repostedField)
	attempt := sso.Attempt{Provider: p.Name, Redirect: s.path(c, "/")}
	if relay := response.Form.Get("RelayState"); isAddress(relay) {
		if checked, err := s.publicURL(c).redirects.resolve(p, relay); err == nil {
			attempt.Redirect = checked
		}
	}
	done, err := s.tryUnsolicited(c, sso.Unsolicited{
		Provider: p.Name, Redirect: attempt.Redirect, PublicURL: s.publicURL(c).text, Response: response, Client: client(c), Replaces: s.cookieTokens(c),
	})
	if err != nil {
		return s.refuseLogin(c, attempt, err)
	}
	return s.finishLogin(c, attempt, done)
}

// isAddress distinguishes an address from a word: as a relative URL, any word leads to a
// page of ours that does not exist.
func isAddress(relay string) bool {
	return strings.HasPrefix(relay, "/") || strings.Contains(relay, "://")
}

// mayBeUnsolicited reports whether a response without a cookie may be one that nobody asked
// for. It must be a POST: a link that signs in could be sent to anyone.
func mayBeUnsolicited(p sso.Provider, response sdk.InboundRequest) bool {
	return p.AllowUnsolicited && response.Method == http.MethodPost &&
		len(statesIn(response.Query, p))+len(statesIn(response.Form, p)) <= 1
}
