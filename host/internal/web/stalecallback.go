package web

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
)

// staleCallback answers a response to an attempt that cannot continue. People return to a
// form that they left open, with the back button, or with a second click. They are never
// sent back to the application with a reason: it may have signed them in long ago.
func (s *Server) staleCallback(c echo.Context, attempt sso.Attempt, state, sealed string, err error) error {
	before, ok := s.ports.Logins.Ended(attempt.Provider, state, sealed)
	if ok {
		attempt = before
	}
	if attempt.LinkTo != "" {
		return s.staleLinkCallback(c, attempt, err)
	}
	if errors.Is(err, sso.ErrAttemptOver) {
		if who, signedIn := s.sessionHolder(c); signedIn {
			return s.afterCompletedLogin(c, attempt, who, err)
		}
	}
	return s.answerRefused(c, attempt, err)
}

// afterCompletedLogin answers people who return to a login that was completed. The response
// is not read again, so it may be about another user than the one who is signed in: the
// page shows who is signed in before they continue. Only the browser that holds the login's
// session is told where that login led.
func (s *Server) afterCompletedLogin(c echo.Context, attempt sso.Attempt, who sso.Principal, err error) error {
	if wantsHTML(c) {
		return s.alreadySignedIn(c, http.StatusOK, attempt, who, err)
	}
	if target := redirectOf(attempt, who); target != "" {
		return seeOther(c, target)
	}
	return s.answerRefused(c, attempt, err)
}

// redirectOf is the redirect of a login that started the session of who; otherwise empty.
func redirectOf(attempt sso.Attempt, who sso.Principal) string {
	if attempt.Session == "" || attempt.Session != who.Session.ID {
		return ""
	}
	return attempt.Redirect
}

func (s *Server) alreadySignedIn(c echo.Context, status int, attempt sso.Attempt, who sso.Principal, err error) error {
	s.sampled.debug(c, attempt.Provider, "returned to a login that cannot continue, but is signed in", "session", who.Session.ID, "error", oneLine(err))
	view := page.AlreadySignedIn{
		Name:        strings.TrimSpace(who.User.FirstName + " " + who.User.LastName),
		Email:       who.User.Email,
		ContinueURL: cmp.Or(redirectOf(attempt, who), s.path(c, "/")),
		AgainURL:    s.restartURL(c, attempt),
	}
	return s.render(c, status, view, formsStay)
}

// sessionHolder returns the holder of the one valid session in the browser's cookies. If
// more than one is valid, a subdomain has planted one, and nobody can tell which (A08).
func (s *Server) sessionHolder(c echo.Context) (sso.Principal, bool) {
	var who sso.Principal
	good := 0
	for _, token := range s.cookieTokens(c) {
		if p, err := s.ports.Logins.Holder(c.Request().Context(), token); err == nil {
			who, good = p, good+1
		}
	}
	return who, good == 1
}
