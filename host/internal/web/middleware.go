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

// identifyRequest gives each request an ID that we choose: an ID chosen by the client could
// forge log lines.
func (s *Server) identifyRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		var b [8]byte
		rand.Read(b[:])
		c.Response().Header().Set(requestIDHeader, hex.EncodeToString(b[:]))
		return next(c)
	}
}

func requestID(c echo.Context) string { return c.Response().Header().Get(requestIDHeader) }

// contentPolicy is the Content-Security-Policy of all answers except pages, which set their
// own.
const contentPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secureHeaders sets the headers that every answer has, including errors and redirects
// (ASVS 3.4). It runs before routing, so that it covers everything. The values are made
// once: applications check the session with every request, and setting headers was a tenth
// of the cost.
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

// dropSlash removes one slash at the end of a Directus path: some clients write it, and
// Directus ignores it. No other path has two spellings.
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

// logRequest writes one line for each request, at debug: handlers log what matters to
// operators. The query is left out because it contains codes.
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

// nameRequest records for whom providers are called, so that waiting clients take turns,
// and the ID of the request, for the audit of what it changes.
func nameRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		address, _ := netip.ParseAddr(c.RealIP()) // on error, the address is unknown
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

// fromAnotherSite reports whether another site made a browser send the request (A17).
// SameSite cookies are missing from most of these; this check covers the rest. Programs
// other than browsers send neither header. Sec-Fetch-Site counts first, because a browser
// writes "Origin: null" where the referrer policy hides it (Fetch standard, "append a
// request Origin header"). Of our public URLs, only the one that the request came to is the
// same site.
func (s *Server) fromAnotherSite(c echo.Context) bool {
	h := c.Request().Header
	site, origin := h.Get("Sec-Fetch-Site"), h.Get("Origin")
	if site != "" {
		return site != "same-origin" && site != "none"
	}
	return origin != "" && origin != s.publicURL(c).origin
}
