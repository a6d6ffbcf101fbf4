package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// repostedField marks a form that comes from a page of ours: one that we had
// the browser post again, or a prompt, whose answers must not be repeated in a
// page.
const repostedField = "doorward_reposted"

// callback answers GET and POST /auth/login/{provider}/callback: the browser
// comes back from the provider, or brings the answers to a prompt.
func (s *Server) callback(c echo.Context) error {
	provider, err := s.ports.Logins.Provider(c.Param("provider"))
	if err != nil {
		return err
	}
	response := inbound(c)
	state, err := stateOf(response, provider.StateParameters)
	if err != nil && mayBeUnsolicited(provider, response) {
		return s.unsolicited(c, provider, response)
	}
	if err != nil {
		return s.refuseLogin(c, sso.Attempt{Provider: provider.Name}, err)
	}
	sealed, ok := s.attempt(c, state)
	if !ok && mayBeUnsolicited(provider, response) {
		return s.unsolicited(c, provider, response)
	}
	if !ok {
		return s.withoutCookie(c, provider, response)
	}
	response.Form.Del(repostedField)
	out, err := s.ports.Logins.Continue(c.Request().Context(), sso.Answer{
		Provider: provider.Name, State: state, Sealed: sealed, Response: response, Client: client(c),
		Replaces: s.cookieTokens(c),
	})
	if errors.Is(err, sso.ErrAttemptInvalid) {
		out.Attempt.Provider = provider.Name
		return s.cameBack(c, out.Attempt, state, sealed, err)
	}
	if out.Over != "" {
		s.keepAttempt(c, state, out.Over, overLasts)
	}
	if errors.Is(err, sso.ErrBusy) {
		// Not back to the application: the answer of the provider is still good, and
		// loading this page again goes on with it.
		return s.tellRefused(c, out.Attempt, err)
	}
	if err != nil {
		return s.refuseLogin(c, out.Attempt, err)
	}
	if out.Pending != nil {
		return s.goOn(c, *out.Pending)
	}
	return s.welcome(c, out.Attempt, out.SignedIn)
}

// withoutCookie deals with a response whose attempt the browser did not send
// along. A POST from the provider's site comes without our SameSite=Lax cookie,
// so the browser is asked to post the same fields again, from our own origin.
// If the cookie is missing then, or at a GET, this is not the browser that
// began the login (A10), or one that began several others since.
func (s *Server) withoutCookie(c echo.Context, p sso.Provider, response sdk.InboundRequest) error {
	if response.Method == http.MethodPost && !response.Form.Has(repostedField) {
		return s.postAgain(c, p, "/callback", false, response)
	}
	attempt := sso.Attempt{Provider: p.Name}
	if len(s.attemptCookies(c)) > 0 {
		return s.refuseLogin(c, attempt, errDropped)
	}
	if who, ok := s.holder(c); ok && wantsHTML(c) {
		return s.alreadySignedIn(c, http.StatusUnauthorized, attempt, who, errNoCookie)
	}
	return s.refuseLogin(c, attempt, errNoCookie)
}

func client(c echo.Context) sso.Client {
	agent := c.Request().UserAgent()
	return sso.Client{IP: c.RealIP(), UserAgent: strings.ToValidUTF8(agent[:min(len(agent), 256)], "")}
}
