package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// Cookie is how a cookie is set at PUBLIC_URL.
type Cookie struct {
	Name     string
	Domain   string
	Secure   bool
	SameSite http.SameSite
}

func (s *Server) setToken(c echo.Context, cookie Cookie, token sso.Token, ttl time.Duration) {
	cookie = s.publicURL(c).cookie(cookie)
	c.SetCookie(&http.Cookie{
		Name: cookie.Name, Value: string(token), Path: "/", Domain: cookie.Domain, MaxAge: int(ttl.Seconds()),
		Secure: cookie.Secure, HttpOnly: true, SameSite: cookie.SameSite,
	})
}

func (s *Server) clearToken(c echo.Context, cookie Cookie) {
	cookie = s.publicURL(c).cookie(cookie)
	c.SetCookie(&http.Cookie{
		Name: cookie.Name, Path: "/", Domain: cookie.Domain, MaxAge: -1,
		Secure: cookie.Secure, HttpOnly: true, SameSite: cookie.SameSite,
	})
}

// maxSameName is how many cookies with one name are read. A subdomain can plant more of
// them (A08), so the first one is not always ours.
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
