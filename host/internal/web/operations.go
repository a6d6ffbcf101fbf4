package web

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
)

// ping answers /server/ping.
func ping(c echo.Context) error { return c.String(http.StatusOK, "pong") }

const healthTimeout = 8 * time.Second // longer than the store waits for a lock

// health answers /server/health: 200 while people can sign in, 503 if the store
// fails. A provider that is unavailable is a warning: the others go on.
func (s *Server) health(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), healthTimeout)
	defer cancel()
	status, code := "ok", http.StatusOK
	for _, p := range s.ports.Logins.Providers() {
		if s.ports.Logins.Available(p.Name) != nil {
			status = "warn"
		}
	}
	if err := s.ports.Storage(ctx); err != nil {
		s.logger.Error("store does not work", "error", oneLine(err))
		status, code = "error", http.StatusServiceUnavailable
	}
	c.Response().Header().Set(echo.HeaderContentType, "application/health+json")
	return c.JSON(code, map[string]string{"status": status})
}

// keys answers /.well-known/jwks.json (RFC 7517 section 5).
func (s *Server) keys(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=300")
	return c.Blob(http.StatusOK, "application/jwk-set+json", s.ports.Keys(c.Request().Context()))
}

func queryOf(name, value string) string { return url.Values{name: {value}}.Encode() }
