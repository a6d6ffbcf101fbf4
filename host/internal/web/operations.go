package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
)

// ping answers /server/ping.
func ping(c echo.Context) error { return c.String(http.StatusOK, "pong") }

// keys answers /.well-known/jwks.json (RFC 7517 section 5).
func (s *Server) keys(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=300")
	return c.Blob(http.StatusOK, "application/jwk-set+json", s.ports.Keys(c.Request().Context()))
}

func queryOf(name, value string) string { return url.Values{name: {value}}.Encode() }
