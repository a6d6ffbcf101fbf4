package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
)

// signOut answers GET /logout, to which applications link. It shows a page with a button,
// because any page can make a browser request it. If someone has clicked the link in one of
// our applications, there is nothing to ask.
func (s *Server) signOut(c echo.Context) error {
	query, err := queryOnce(c)
	if err != nil {
		return err
	}
	if s.clickedInApp(c.Request()) {
		c.Request().PostForm = url.Values{"redirect": {query.Get("redirect")}} // afterLogout reads it
		ended, err := s.end(c, s.cookieTokens(c))
		if err != nil {
			return err
		}
		s.clearTokens(c, "")
		return s.logoutAtProvider(c, ended)
	}
	who, ok, err := s.principalIfAny(c)
	if err != nil {
		return err
	}
	if !ok {
		return seeOther(c, s.path(c, "/login?signed_out"))
	}
	return s.render(c, http.StatusOK, page.SignOut{
		Person: s.signedInPage(c, who).Person(), LogoutURL: s.path(c, "/auth/logout"), Redirect: query.Get("redirect"), BackURL: s.path(c, "/"),
	}, formsLeave)
}

// clickedInApp reports whether a person has followed a link in one of our applications.
// Other hosts of the site, frames, scripts and prefetching do not count (Fetch Metadata;
// Sec-Fetch-User is only sent for a user's action).
func (s *Server) clickedInApp(req *http.Request) bool {
	h := req.Header
	if req.Method != http.MethodGet || h.Get("Sec-Fetch-Site") != "same-site" || h.Get("Sec-Fetch-Mode") != "navigate" ||
		h.Get("Sec-Fetch-Dest") != "document" || h.Get("Sec-Fetch-User") != "?1" || h.Get("Sec-Purpose") != "" {
		return false
	}
	from, err := url.Parse(h.Get("Referer"))
	if err != nil || from.Host == "" {
		return false
	}
	origin := from.Scheme + "://" + from.Host + "/"
	for _, place := range s.ports.Apps.Places() {
		if strings.HasPrefix(place, origin) {
			return true
		}
	}
	return false
}

// end ends the sessions of the tokens.
func (s *Server) end(c echo.Context, found []sso.Token) (ended []sso.Ended, err error) {
	for _, token := range found {
		session, err := s.ports.Logins.Logout(c.Request().Context(), token)
		if err != nil {
			return nil, err
		}
		if session.ID != "" {
			ended = append(ended, session)
			s.logSignedOut(c, "signed out", session.Session)
		}
	}
	return ended, nil
}

// endOthers ends all other sessions of the users whose sessions have ended.
func (s *Server) endOthers(c echo.Context, ended []sso.Ended) error {
	for _, session := range ended {
		n, err := s.ports.Logins.LogoutUser(c.Request().Context(), session.UserID)
		if err != nil {
			return err
		}
		s.logger.Info("signed out everywhere", "user", session.UserID, "other_sessions", n, "ip", c.RealIP(), "request_id", requestID(c))
	}
	return nil
}
