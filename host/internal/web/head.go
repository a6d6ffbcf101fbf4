package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Mail scanners and link checkers send HEAD to any link they find, including the links of a
// login. HEAD must be safe (RFC 9110 section 9.2.1): where GET begins a login or spends a
// code, HEAD answers what can be said without doing so.

// headLogin answers HEAD /auth/login/{provider}: 200 where GET would call the mechanism,
// and the same error where GET would fail before that. No login starts, no cookie is set,
// and the plugin is not called.
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

// headCallback answers HEAD on the URLs that providers send to: 200 if the provider exists.
// The query is not read: a scanner that follows the link before the browser does would use
// up its code.
func (s *Server) headCallback(c echo.Context) error {
	if _, err := s.ports.Logins.Provider(c.Param("provider")); err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}
