package web

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// repostedField marks a form that comes from a page of ours: one that we had
// the browser post again, or a prompt, whose answers must not be repeated in a
// page.
const repostedField = "doorward_reposted"

// maxParameters bounds the parameters of a callback.
const maxParameters = 64

// callback answers GET and POST /auth/login/{provider}/callback: the browser
// comes back from the provider, or brings the answers to a prompt.
func (s *Server) callback(c echo.Context) error {
	provider, err := s.ports.Logins.Provider(c.Param("provider"))
	if err != nil {
		return err
	}
	response, err := inbound(c)
	if err != nil {
		return err
	}
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
	if out.Spent || errors.Is(err, sso.ErrAttemptInvalid) {
		s.clearAttempt(c, state)
	}
	if err != nil {
		out.Attempt.Provider = provider.Name
		return s.refuseLogin(c, out.Attempt, err)
	}
	if out.Pending != nil {
		return s.goOn(c, *out.Pending)
	}
	return s.welcome(c, out.Attempt, out.SignedIn)
}

// inbound reads a request that came by way of a provider, once and bounded.
// Query and body are never merged (B19).
func inbound(c echo.Context) (sdk.InboundRequest, error) {
	req := c.Request()
	in := sdk.InboundRequest{Method: req.Method, RawQuery: req.URL.RawQuery}
	var err error
	if in.Query, err = url.ParseQuery(req.URL.RawQuery); err != nil {
		return in, payloadError{"the query cannot be read"}
	}
	if req.Method == http.MethodPost {
		if mediaType, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type")); mediaType != echo.MIMEApplicationForm {
			return in, errUnsupported
		}
		if err := req.ParseForm(); err != nil {
			if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
				return in, err
			}
			return in, payloadError{"the form cannot be read"}
		}
		in.Form = req.PostForm
	}
	if len(in.Query)+len(in.Form) > maxParameters {
		return in, payloadError{"there are too many parameters"}
	}
	return in, nil
}

// withoutCookie deals with a response whose attempt the browser did not send
// along. A POST from the provider's site comes without our SameSite=Lax cookie,
// so the browser is asked to post the same fields again, from our own origin.
// If the cookie is missing then, or at a GET, this is not the browser that
// began the login (A10).
func (s *Server) withoutCookie(c echo.Context, p sso.Provider, response sdk.InboundRequest) error {
	if response.Method != http.MethodPost || response.Form.Has(repostedField) {
		return s.refuseLogin(c, sso.Attempt{Provider: p.Name}, errNoCookie)
	}
	return s.postAgain(c, p, "/callback", false, response)
}

func client(c echo.Context) sso.Client {
	agent := c.Request().UserAgent()
	return sso.Client{IP: c.RealIP(), UserAgent: strings.ToValidUTF8(agent[:min(len(agent), 256)], "")}
}
