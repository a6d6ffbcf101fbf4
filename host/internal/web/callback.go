package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
	"github.com/doorward/doorward/sdk"
)

// repostedField marks a form that comes from our own page: either one that we made the
// browser post again, or a prompt, whose answers must not be repeated in a page.
const repostedField = "doorward_reposted"

// callback answers GET and POST /auth/login/{provider}/callback: the browser returns from
// the provider, or brings the answers to a prompt.
func (s *Server) callback(c echo.Context) error {
	provider, err := s.ports.Logins.Provider(c.Param("provider"))
	if err != nil {
		return err
	}
	response := inbound(c)
	state, err := stateOf(response, provider)
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
		return s.callbackWithoutCookie(c, provider, response)
	}
	response.Form.Del(repostedField)
	out, err := s.tryAnswer(c, sso.Answer{
		Provider: provider.Name, State: state, Sealed: sealed, Response: response, Client: client(c),
		Replaces: s.cookieTokens(c), MayLink: true,
	})
	if errors.Is(err, sso.ErrAttemptInvalid) {
		out.Attempt.Provider = provider.Name
		return s.staleCallback(c, out.Attempt, state, sealed, err)
	}
	if out.Over != "" {
		s.keepAttempt(c, state, out.Over, overCookieTTL)
	}
	if out.Attempt.LinkTo != "" && err != nil {
		return s.refuseLink(c, provider.Name, err)
	}
	if errors.Is(err, sso.ErrBusy) || errors.Is(err, errLimited) {
		// This does not lead back to the application: the provider's answer is still valid,
		// and so is what was entered. Reloading this page continues the login.
		return s.answerRefused(c, out.Attempt, err)
	}
	if err != nil {
		return s.refuseLogin(c, out.Attempt, err)
	}
	if out.Attempt.LinkTo != "" {
		return s.continueLink(c, out)
	}
	if out.Pending != nil {
		return s.showStep(c, *out.Pending)
	}
	return s.finishLogin(c, out.Attempt, out.SignedIn)
}

// callbackWithoutCookie handles a response whose attempt cookie the browser did not send. A
// POST from the provider's site comes without our SameSite=Lax cookie, so the browser is
// made to post the same fields again, from our own origin. If the cookie is missing then,
// or at a GET, this browser did not begin the login (A10), or has begun several others
// since.
func (s *Server) callbackWithoutCookie(c echo.Context, p sso.Provider, response sdk.InboundRequest) error {
	if response.Method == http.MethodPost && !response.Form.Has(repostedField) {
		return s.postAgain(c, p, "/callback", false, response)
	}
	attempt := sso.Attempt{Provider: p.Name}
	if len(s.attemptCookies(c)) > 0 {
		return s.refuseLogin(c, attempt, errDropped)
	}
	if who, ok := s.sessionHolder(c); ok && wantsHTML(c) {
		return s.alreadySignedIn(c, http.StatusUnauthorized, attempt, who, errNoCookie)
	}
	return s.refuseLogin(c, attempt, errNoCookie)
}

// postAgain answers a POST from another site, which comes without our SameSite=Lax cookies,
// with a page that posts the same fields from our own origin.
func (s *Server) postAgain(c echo.Context, p sso.Provider, to string, signingOut bool, request sdk.InboundRequest) error {
	fields := []page.HiddenField{{Name: repostedField, Value: "1"}}
	for name, values := range request.Form {
		for _, value := range values {
			fields = append(fields, page.HiddenField{Name: name, Value: value})
		}
	}
	action := s.path(c, "/auth/login/"+p.Name+to)
	if request.RawQuery != "" { // the state may be in it
		action += "?" + request.RawQuery // as it came: encoded again, it could be too long
	}
	return s.stream(c, page.Submit{Provider: p.Label, SigningOut: signingOut, Action: action, Fields: fields}, formsLeave)
}

// finishLogin ends a successful login.
func (s *Server) finishLogin(c echo.Context, attempt sso.Attempt, done *sso.SignedIn) error {
	s.logSignedIn(c, attempt.Provider, done)
	if done.Mode == sso.ModeJSON && !attempt.RedirectAsked {
		return s.answerJSON(c, done)
	}
	s.setSignedInCookie(c, done)
	if !done.PasswordExpiresAt.IsZero() {
		return s.render(c, http.StatusOK, page.PasswordExpires{
			At: done.PasswordExpiresAt, In: done.PasswordExpiresAt.Sub(done.Session.CreatedAt), ContinueURL: attempt.Redirect,
		}, formsStay)
	}
	return seeOther(c, attempt.Redirect)
}

// answerJSON returns all tokens in the body. The new session replaces those that the
// browser had.
func (s *Server) answerJSON(c echo.Context, done *sso.SignedIn) error {
	s.clearTokens(c, "")
	return c.JSON(http.StatusOK, data{tokenBody(done)})
}

func (s *Server) logSignedIn(c echo.Context, provider string, done *sso.SignedIn) {
	s.config.Tally.SignedIn(provider)
	s.logger.Info("signed in", "provider", provider, "user", done.User.ID, "session", done.Session.ID,
		"mode", string(done.Mode), "ip", c.RealIP(), "request_id", requestID(c))
	if done.Claimed {
		s.logger.Info("account claimed by its first login", "provider", provider, "user", done.User.ID, "request_id", requestID(c))
	}
	if done.Linked {
		s.logger.Info("identity linked to an account by its verified e-mail address", "provider", provider, "user", done.User.ID, "request_id", requestID(c))
	}
	for _, text := range done.LeftOut {
		s.logger.Warn("identity was tidied", "provider", provider, "user", done.User.ID, "what", text, "request_id", requestID(c))
	}
}

func client(c echo.Context) sso.Client {
	agent := c.Request().UserAgent()
	return sso.Client{IP: c.RealIP(), UserAgent: strings.ToValidUTF8(agent[:min(len(agent), 256)], "")}
}
