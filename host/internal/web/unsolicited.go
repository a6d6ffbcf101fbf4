package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// unsolicited signs in by a response that no login of ours asked for, where the
// provider may send such. RelayState may name the place to go to, if a login may
// go there; what providers write into it by themselves is no address.
func (s *Server) unsolicited(c echo.Context, p sso.Provider, response sdk.InboundRequest) error {
	if !response.Form.Has(repostedField) {
		// The cookies come along then: those of a login that did ask, and that of
		// the session that the new one replaces.
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

// isAddress tells an address from a word: as a relative URL, any word leads to
// some page of ours that does not exist.
func isAddress(relay string) bool {
	return strings.HasPrefix(relay, "/") || strings.Contains(relay, "://")
}

// mayBeUnsolicited reports whether a response that no cookie belongs to may be one
// that nobody asked for. It must be a POST: a link that signs in could be sent to
// anybody.
func mayBeUnsolicited(p sso.Provider, response sdk.InboundRequest) bool {
	return p.AllowUnsolicited && response.Method == http.MethodPost &&
		len(statesIn(response.Query, p))+len(statesIn(response.Form, p)) <= 1
}
