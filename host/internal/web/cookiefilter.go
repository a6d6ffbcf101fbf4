package web

import (
	"strings"

	"github.com/labstack/echo/v4"
)

const (
	// maxCookies is more than a browser keeps for a site, which is about 200. All cookies
	// of a request with more are dropped; net/http does the same at 3000.
	maxCookies = 1024

	// maxAttemptCookies is more than this host ever leaves in a browser.
	maxAttemptCookies = 32
)

// filterCookies removes all cookies of a request except those with our names, of which it
// keeps a few each. Applications on the same host name have cookies too, and anyone can
// send thousands. Without the filter they are all parsed, several times.
func (s *Server) filterCookies(next echo.HandlerFunc) echo.HandlerFunc {
	session, refresh := s.config.SessionCookie.Name, s.config.RefreshCookie.Name
	return func(c echo.Context) error {
		header := c.Request().Header
		lines := header["Cookie"]
		if len(lines) == 0 {
			return next(c)
		}
		if countCookies(lines) > maxCookies {
			header.Del("Cookie")
			return next(c)
		}
		attempt, device := s.attemptCookieName(c, ""), s.deviceCookieName(c)
		var kept []string
		counts := [4]int{}
		keep := func(kind, most int, cookie string) {
			if counts[kind]++; counts[kind] <= most {
				kept = append(kept, cookie)
			}
		}
		for _, line := range lines {
			for cookie := range strings.SplitSeq(line, ";") {
				cookie = strings.TrimLeft(cookie, " \t")
				switch name, _, _ := strings.Cut(cookie, "="); {
				case name == session:
					keep(0, maxSameName, cookie)
				case name == refresh:
					keep(1, maxSameName, cookie)
				case strings.HasPrefix(name, attempt):
					keep(2, maxAttemptCookies, cookie)
				case name == device:
					keep(3, 1, cookie)
				}
			}
		}
		header["Cookie"] = []string{strings.Join(kept, "; ")}
		return next(c)
	}
}

func countCookies(lines []string) int {
	n := len(lines)
	for _, line := range lines {
		n += strings.Count(line, ";")
	}
	return n
}
