package web

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

const requestIDHeader = "X-Request-Id"

// identifyRequest gives each request an ID of our own: one that a client may
// choose could forge log lines.
func (s *Server) identifyRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		var b [8]byte
		rand.Read(b[:])
		c.Response().Header().Set(requestIDHeader, hex.EncodeToString(b[:]))
		return next(c)
	}
}

func requestID(c echo.Context) string { return c.Response().Header().Get(requestIDHeader) }

// contentPolicy is the Content-Security-Policy of everything but pages, which
// set their own.
const contentPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secureHeaders sets what every answer carries, errors and redirects included
// (ASVS 3.4). It runs before routing, so that nothing escapes it. The values
// are made once: a session check is asked for with every request of an
// application, and setting headers was a tenth of its cost.
func (s *Server) secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	always := map[string]string{
		"Content-Security-Policy":      contentPolicy,
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	}
	values := http.Header{}
	for name, value := range always {
		values.Set(name, value)
	}
	stayHTTPS := []string{"max-age=31536000"}
	return func(c echo.Context) error {
		maps.Copy(c.Response().Header(), values)
		if s.publicURL(c).secure {
			c.Response().Header()["Strict-Transport-Security"] = stayHTTPS
		}
		return next(c)
	}
}

// dropSlash has a path of Directus with one slash at its end mean the path without: some
// clients write it, and Directus reads it like that. No other path is read in two ways.
func dropSlash(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		path, slash := strings.CutSuffix(u.Path, "/")
		if slash && u.RawPath == "" && !strings.HasSuffix(path, "/") && isOfDirectus(path) {
			u.Path = path
		}
		return next(c)
	}
}

func isOfDirectus(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return slices.Contains([]string{"auth", "users", "roles", "utils", "server"}, first)
}

// logRequest writes one line for each request, at debug: what matters to an
// operator is logged by the handlers. The query is left out, it holds codes.
func (s *Server) logRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !s.logger.IsDebug() {
			return next(c)
		}
		begun := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		s.logger.Debug("request", "method", c.Request().Method, "path", c.Request().URL.EscapedPath(),
			"status", c.Response().Status, "ms", time.Since(begun).Milliseconds(), "ip", c.RealIP(), "request_id", requestID(c))
		return nil
	}
}

// errPanic marks a recovered panic; its text goes to the log only.
var errPanic = errors.New("panic")

func recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%w: a value of type %T\n%s", errPanic, r, debug.Stack())
			}
		}()
		return next(c)
	}
}

// nameRequest says on whose behalf providers are asked, so that those who wait for
// one are served by turns, and which request it was that changed something.
func nameRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		address, _ := netip.ParseAddr(c.RealIP()) // else it is not known
		request := sso.Request{Address: address, ID: requestID(c)}
		c.SetRequest(c.Request().WithContext(sso.WithRequest(c.Request().Context(), request)))
		return next(c)
	}
}

func limitBody(limit int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			req := c.Request()
			if req.ContentLength > limit {
				return echo.ErrStatusRequestEntityTooLarge
			}
			req.Body = http.MaxBytesReader(c.Response(), req.Body, limit)
			return next(c)
		}
	}
}

// sameOrigin refuses a request that another site made a browser send.
func (s *Server) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.fromAnotherSite(c) {
			return errCrossSite
		}
		return next(c)
	}
}

// fromAnotherSite reports whether another site made a browser send the request
// (A17). SameSite cookies do not come along with most of those; this closes the
// rest. Programs other than browsers send neither header. Sec-Fetch-Site counts
// first, because a browser writes "Origin: null" where the referrer policy hides
// it (Fetch standard, "append a request Origin header"). Of our public URLs only the
// one that the request came to is the same site.
func (s *Server) fromAnotherSite(c echo.Context) bool {
	h := c.Request().Header
	site, origin := h.Get("Sec-Fetch-Site"), h.Get("Origin")
	if site != "" {
		return site != "same-origin" && site != "none"
	}
	return origin != "" && origin != s.publicURL(c).origin
}
