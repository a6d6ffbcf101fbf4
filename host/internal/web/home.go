package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
)

// home answers GET /: who is signed in, or the way to sign in.
func (s *Server) home(c echo.Context) error {
	who, err := s.principal(c)
	if !wantsHTML(c) {
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, data{bodyOf(who)})
	}
	if err != nil {
		if answerTo(err).status >= http.StatusInternalServerError {
			return err
		}
		return seeOther(c, s.path(c, "/login")+reasonQuery(c))
	}
	return s.render(c, http.StatusOK, s.signedInPage(c, who), formsLeave) // signing out can lead to the provider
}

func (s *Server) signedInPage(c echo.Context, who sso.Principal) page.SignedIn {
	return page.SignedIn{
		Name: strings.TrimSpace(who.User.FirstName + " " + who.User.LastName), Email: who.User.Email, Role: who.User.Role,
		Provider: s.labelOf(who.Session.Provider), Since: who.Session.CreatedAt, Expires: who.Session.ExpiresAt, LogoutURL: s.path(c, "/auth/logout"), AccountURL: s.path(c, accountPath),
	}
}

func (s *Server) labelOf(provider string) string {
	if p, err := s.ports.Logins.Provider(provider); err == nil {
		return p.Label
	}
	return provider
}
