package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Mail scanners and programs that check links send HEAD to whatever they find,
// also to the links of a login. It must be safe (RFC 9110 section 9.2.1): where
// GET begins a login or spends a code, HEAD answers what can be told without.

// headLogin answers HEAD /auth/login/{provider}: 200 where GET would ask the
// mechanism, and the error that GET would be answered before it does. No login
// starts, no cookie is set, and the plugin hears nothing.
func (s *Server) headLogin(c echo.Context) error {
	start, err := s.readStart(c)
	if err != nil {
		return err
	}
	if err := s.ports.Logins.Available(start.Provider); err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}

// headCallback answers HEAD on the URLs that providers send to: 200 if there is
// such a provider. What the query holds is not looked at: a scanner that follows
// the link before the browser does would use up its code.
func (s *Server) headCallback(c echo.Context) error {
	if _, err := s.ports.Logins.Provider(c.Param("provider")); err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}
