package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
	"github.com/doorward/doorward/sdk"
)

// logout answers POST /auth/logout: the session ends on the server, and the cookies in the
// request are removed. A browser then continues to the provider, to sign out there too;
// programs get 204.
func (s *Server) logout(c echo.Context) error {
	body, found, err := s.readTokenRequest(c)
	if err != nil {
		return err
	}
	ours := s.cookiesCount(c)
	if ours { // a cookie that is removed must not leave its session behind
		found = append(found, s.cookieTokens(c)...)
	}
	ended, err := s.end(c, found)
	if err != nil {
		return err
	}
	if body.Everywhere {
		if err := s.endOthers(c, ended); err != nil {
			return err
		}
	}
	if ours {
		s.clearTokens(c, "")
	}
	if !wantsHTML(c) {
		return c.NoContent(http.StatusNoContent)
	}
	return s.logoutAtProvider(c, ended)
}

func (s *Server) logSignedOut(c echo.Context, what string, session sso.Session) {
	s.logger.Info(what, "provider", session.Provider, "user", session.UserID, "session", session.ID,
		"ip", c.RealIP(), "request_id", requestID(c))
}

// logoutAtProvider sends the browser to the first provider that has a session to end. A
// provider that cannot be asked must not keep anyone signed in here, and here the session
// has already ended.
func (s *Server) logoutAtProvider(c echo.Context, ended []sso.Ended) error {
	for _, session := range ended {
		pending, ok, err := s.ports.Logins.BeginLogout(c.Request().Context(), session, s.publicURL(c).text, s.afterLogout(c, session.Provider))
		if err != nil {
			s.sampled.warn(c, session.Provider, "signed out here, but not at the identity provider", "error", oneLine(err))
			return seeOther(c, s.path(c, "/login?signed_out=partial"))
		}
		if ok {
			s.keepAttempt(c, pending.Attempt.State, pending.Sealed, logoutCookieTTL)
			return s.sendToProvider(c, session.Provider, pending.Step)
		}
	}
	if len(ended) > 0 {
		return seeOther(c, s.afterLogout(c, ended[0].Provider))
	}
	return seeOther(c, s.path(c, "/login?signed_out"))
}

// afterLogout is where the form asks to go, if a login is allowed to go there. Another
// target is not a reason to refuse: signing out comes first.
func (s *Server) afterLogout(c echo.Context, provider string) string {
	target := c.Request().PostForm.Get("redirect")
	p, err := s.ports.Logins.Provider(provider)
	if target == "" || err != nil {
		return s.path(c, "/login?signed_out")
	}
	checked, err := s.publicURL(c).redirects.resolve(p, target)
	if err != nil {
		return s.path(c, "/login?signed_out")
	}
	return checked
}

// sendToProvider takes the browser to the provider with a step of a logout.
func (s *Server) sendToProvider(c echo.Context, provider string, step sdk.Step) error {
	switch step := step.(type) {
	case sdk.Redirect:
		return seeOther(c, step.URL)
	case sdk.FormPost:
		return s.stream(c, page.Submit{
			Provider: s.labelOf(provider), SigningOut: true, Action: step.URL, Fields: hiddenFields(step.Fields),
		}, formsLeave)
	default:
		return sso.ErrPluginFault
	}
}

func hiddenFields(list []sdk.FormField) []page.HiddenField {
	fields := make([]page.HiddenField, 0, len(list))
	for _, f := range list {
		fields = append(fields, page.HiddenField{Name: f.Name, Value: f.Value})
	}
	return fields
}

// receiveLogout answers GET and POST /auth/login/{provider}/logout: the provider requests a
// logout, or answers one that we requested. The request comes through the browser, or from
// the provider directly.
func (s *Server) receiveLogout(c echo.Context) error {
	provider, err := s.ports.Logins.Provider(c.Param("provider"))
	if err != nil {
		return err
	}
	request := inbound(c)
	if request.Method == http.MethodGet && request.RawQuery == "" && wantsHTML(c) {
		// It requests nothing: Amazon Cognito returns a browser like this, without the
		// state, from a logout that we requested.
		return seeOther(c, s.path(c, "/login?signed_out"))
	}
	state, sealed := s.logoutUnderWay(c, provider, request)
	// A POST by the browser comes from the provider's site, without our cookies: neither
	// that of the logout nor that of the session that is to end.
	if sealed == "" && fromBrowser(c) && request.Method == http.MethodPost && !request.Form.Has(repostedField) {
		return s.postAgain(c, provider, "/logout", true, request)
	}
	request.Form.Del(repostedField)
	done, err := s.ports.Logins.ReceiveLogout(c.Request().Context(), sso.LogoutMessage{
		Provider: provider.Name, Request: request, State: state, Sealed: sealed,
	})
	if sealed != "" && !errors.Is(err, sso.ErrBusy) && !isOtherAttempt(err) {
		s.dropAttempt(c, state)
	}
	if err != nil {
		return s.refuseLogout(c, provider, err)
	}
	for _, session := range done.Ended {
		s.logSignedOut(c, "signed out by the provider", session)
	}
	s.clearEnded(c)
	return s.answerLogout(c, provider, done)
}

// isOtherAttempt reports whether the browser's attempt with this state is not a logout, or
// not one at this provider: it may be a login, which continues.
func isOtherAttempt(err error) bool {
	return errors.Is(err, sso.ErrAttemptInvalid) && !errors.Is(err, sso.ErrAttemptOver) && !errors.Is(err, sso.ErrAttemptExpired)
}

// logoutUnderWay finds the logout of ours that a message answers. The provider can send a
// state of its own, so an unknown state is not an error.
func (s *Server) logoutUnderWay(c echo.Context, p sso.Provider, request sdk.InboundRequest) (state, sealed string) {
	state, err := stateOf(request, p)
	if err != nil {
		return "", ""
	}
	sealed, ok := s.attempt(c, state)
	if !ok {
		return "", ""
	}
	return state, sealed
}

func (s *Server) answerLogout(c echo.Context, p sso.Provider, done sso.LoggedOut) error {
	switch {
	case done.Framed:
		allowFrame(c)
		return c.NoContent(http.StatusOK)
	case done.Reply != nil:
		return s.sendToProvider(c, p.Name, done.Reply)
	case done.Outcome == sdk.LogoutPartial:
		return seeOther(c, s.path(c, "/login?signed_out=partial"))
	case done.Outcome == sdk.LogoutDone:
		return seeOther(c, done.Redirect)
	case fromBrowser(c):
		return seeOther(c, s.path(c, "/login?signed_out"))
	}
	return c.NoContent(http.StatusOK)
}

// fromBrowser distinguishes a browser from a provider that calls this host directly, which
// must not get 200 before anything was done. The Accept header is not enough: Java's HTTP
// client asks for text/html by default. A browser says where a form that it posts comes
// from (Fetch standard, "append a request Origin header").
func fromBrowser(c echo.Context) bool {
	req := c.Request()
	return wantsHTML(c) && (req.Method != http.MethodPost || req.Header.Get("Origin") != "" || req.Header.Get("Sec-Fetch-Site") != "")
}

// allowFrame lets any site show the answer in a frame: the provider does so while it signs
// someone out (OpenID Connect Front-Channel Logout 1.0 section 3). It is only for an answer
// without content, where there is nothing to click on.
func allowFrame(c echo.Context) {
	c.Response().Header().Del("X-Frame-Options")
	c.Response().Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors *")
}

// clearEnded removes our cookies whose sessions have ended. A cookie that cannot be looked
// up stays.
func (s *Server) clearEnded(c echo.Context) {
	ctx := c.Request().Context()
	sessionEnded := func(token sso.Token) bool {
		_, err := s.ports.Logins.Authenticate(ctx, token)
		return errors.Is(err, sso.ErrSessionInvalid)
	}
	refreshEnded := func(token sso.Token) bool {
		return errors.Is(s.ports.Logins.Refreshable(ctx, token, sso.ModeCookie), sso.ErrSessionInvalid)
	}
	s.clearIf(c, s.config.SessionCookie, sessionEnded)
	s.clearIf(c, s.config.RefreshCookie, refreshEnded)
}

func (s *Server) clearIf(c echo.Context, cookie Cookie, ended func(sso.Token) bool) {
	found := tokens(c, cookie)
	for _, token := range found {
		if !ended(token) {
			return
		}
	}
	if len(found) > 0 {
		s.clearToken(c, cookie)
	}
}

// errLogoutMessage means that a logout message was refused. A provider that calls directly
// gets 400 (OpenID Connect Back-Channel Logout 1.0 section 2.8).
var errLogoutMessage = errors.New("logout message refused")

func (s *Server) refuseLogout(c echo.Context, p sso.Provider, err error) error {
	log := s.sampled.warn
	if errors.Is(err, sso.ErrBusy) {
		log = s.sampled.debug // a flood, which has its own line in the log
	}
	log(c, p.Name, "logout by the provider refused", "reason", string(sdk.ReasonOf(err)), "error", oneLine(err))
	if errors.Is(err, sdk.ErrInvalidResponse) || errors.Is(err, sso.ErrSpent) || errors.Is(err, sso.ErrAttemptInvalid) {
		return errors.Join(errLogoutMessage, err)
	}
	return err
}
