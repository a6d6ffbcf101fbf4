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

// staleCallback answers a response to an attempt that cannot go on. People come back to
// a form that they left open, by the back button, or with a second click. They never
// go back to the application with a reason: that may have signed them in long since.
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

// afterCompletedLogin answers whoever comes back to a login that was completed. The response is
// not looked at again, so it may tell of somebody else than is signed in: people are
// shown who that is before they go on. Where the login led is told only to the
// browser that holds its session.
func (s *Server) afterCompletedLogin(c echo.Context, attempt sso.Attempt, who sso.Principal, err error) error {
	if wantsHTML(c) {
		return s.alreadySignedIn(c, http.StatusOK, attempt, who, err)
	}
	if target := redirectOf(attempt, who); target != "" {
		return seeOther(c, target)
	}
	return s.answerRefused(c, attempt, err)
}

// redirectOf is where a login led that started the session of who; else empty.
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

// sessionHolder returns who holds the one good session that the browser's cookies name. If
// more than one is good, a sub-domain has planted one, and nobody can tell which
// (A08).
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
