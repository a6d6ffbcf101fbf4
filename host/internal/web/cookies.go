package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// Cookie is how one of our cookies is set.
type Cookie struct {
	Name     string
	Domain   string
	Secure   bool
	SameSite http.SameSite
}

func (s *Server) setToken(c echo.Context, cookie Cookie, token sso.Token, ttl time.Duration) {
	c.SetCookie(&http.Cookie{
		Name: cookie.Name, Value: string(token), Path: "/", Domain: cookie.Domain, MaxAge: int(ttl.Seconds()),
		Secure: cookie.Secure, HttpOnly: true, SameSite: cookie.SameSite,
	})
}

func (s *Server) clearToken(c echo.Context, cookie Cookie) {
	c.SetCookie(&http.Cookie{
		Name: cookie.Name, Path: "/", Domain: cookie.Domain, MaxAge: -1,
		Secure: cookie.Secure, HttpOnly: true, SameSite: cookie.SameSite,
	})
}

// maxSameName is how many cookies of one name are looked at. A sub-domain can
// plant further ones (A08), so the first is not always ours.
const maxSameName = 4

func tokens(c echo.Context, cookie Cookie) []sso.Token {
	var list []sso.Token
	for _, found := range c.Request().CookiesNamed(cookie.Name) {
		if found.Value != "" && len(list) < maxSameName {
			list = append(list, sso.Token(found.Value))
		}
	}
	return list
}

// Attempt cookies are named after their attempt, so that two tabs can sign in
// at once. __Host- binds them to this very host, over https.
const (
	attemptPrefix       = "doorward_attempt_"
	hostPrefix          = "__Host-"
	maxAttemptsABrowser = 5
	logoutCookieLasts   = 10 * time.Minute
)

func (s *Server) attemptCookieName(id string) string {
	if s.secure() {
		return hostPrefix + attemptPrefix + id
	}
	return attemptPrefix + id
}

func (s *Server) setAttempt(c echo.Context, pending sso.Pending, ttl time.Duration) {
	s.dropOldAttempts(c)
	s.attemptCookie(c, sso.AttemptID(pending.Attempt.State), pending.Sealed, int(ttl.Seconds()))
}

func (s *Server) clearAttempt(c echo.Context, state string) {
	s.attemptCookie(c, sso.AttemptID(state), "", -1)
}

func (s *Server) attemptCookie(c echo.Context, id, value string, maxAge int) {
	c.SetCookie(&http.Cookie{
		Name: s.attemptCookieName(id), Value: value, Path: "/", MaxAge: maxAge,
		Secure: s.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// attempt returns the sealed attempt of that state, if the browser has it.
func (s *Server) attempt(c echo.Context, state string) (string, bool) {
	cookie, err := c.Cookie(s.attemptCookieName(sso.AttemptID(state)))
	if err != nil || cookie.Value == "" {
		return "", false
	}
	return cookie.Value, true
}

// dropOldAttempts keeps abandoned logins from filling the browser's cookie jar
// (A09). Browsers send older cookies first (RFC 6265 section 5.4).
func (s *Server) dropOldAttempts(c echo.Context) {
	prefix := s.attemptCookieName("")
	var ids []string
	for _, cookie := range c.Cookies() {
		if id, ok := strings.CutPrefix(cookie.Name, prefix); ok {
			ids = append(ids, id)
		}
	}
	for len(ids) >= maxAttemptsABrowser {
		s.attemptCookie(c, ids[0], "", -1)
		ids = ids[1:]
	}
}
