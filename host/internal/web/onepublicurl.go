package web

import (
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// sentToPublicURLParameter marks a login that was already sent to PUBLIC_URL.
const sentToPublicURLParameter = "moved"

// startAtPublicURL sends a login on to PUBLIC_URL, because its provider knows this host by
// that URL only. A browser that was already sent there, but seems to be elsewhere, would be
// redirected in a loop.
func (s *Server) startAtPublicURL(c echo.Context, start sso.Start) error {
	if values, err := query(c); err == nil && values.Has(sentToPublicURLParameter) {
		return s.answerRefused(c, sso.Attempt{Provider: start.Provider}, sdk.Misconfigured("host_header",
			"a login was sent to %s, but its request arrived with the Host of %s: configure the proxy to pass on the Host header of the browser", s.urls.main.text, s.publicURL(c).text))
	}
	p, err := s.ports.Logins.Provider(start.Provider)
	if err != nil {
		return err
	}
	values := url.Values{sentToPublicURLParameter: {"1"}}
	if start.Mode != "" {
		values.Set("mode", string(start.Mode))
	}
	if start.LoginHint != "" {
		values.Set("login_hint", start.LoginHint)
	}
	if start.Consent {
		values.Set("prompt", "consent")
	}
	if start.RedirectAsked {
		shared := s.publicURL(c).cookie(s.cookieOf(modeOfStart(start, p))).Domain != ""
		values.Set("redirect", s.publicURL(c).asFrom(s.urls.main, start.Redirect, shared))
	}
	return seeOther(c, s.urls.main.text+"/auth/login/"+p.Name+"?"+values.Encode())
}

func modeOfStart(start sso.Start, p sso.Provider) sso.Mode {
	if start.Mode == "" {
		return p.Mode
	}
	return start.Mode
}

// asFrom is a target that was checked here, for a login that ends at another public URL. If
// both share the cookie, the browser comes back here. If they do not, it would come back
// signed out, so it goes to the same place at the other URL.
func (u *publicURL) asFrom(main *publicURL, target string, shared bool) string {
	path := u.withoutOrigin(target)
	if !strings.HasPrefix(path, "/") {
		return target // at an application
	}
	if shared {
		return u.origin + path
	}
	if rest, ok := strings.CutPrefix(path, u.base); ok && (rest == "" || strings.ContainsAny(rest[:1], "/?#")) {
		return main.base + rest
	}
	return path
}
