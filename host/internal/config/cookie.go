package config

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// cookieName is a token of RFC 9110, as RFC 6265 section 4.1.1 requires.
var cookieName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$")

var sameSites = map[string]http.SameSite{
	"lax": http.SameSiteLaxMode, "strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode,
}

// readSameSites reads true and false as the cookies of Express do: true is strict, and
// false omits the attribute. Doorward never omits it, because most browsers then assume
// lax, but some assume none.
func (l *loader) readSameSites(values map[string]given) {
	for _, option := range []string{"refresh_token_cookie_same_site", "session_cookie_same_site"} {
		found, ok := values[option]
		switch text := fmt.Sprint(found.value); {
		case !ok && l.isEmpty(strings.ToUpper(option)):
			l.warnOfDoubt("%s is empty and counts as lax, where Directus uses strict; write the one that you mean", strings.ToUpper(option))
		case !ok || found.broken:
		case strings.EqualFold(text, "true"):
			found.value = "strict"
		case strings.EqualFold(text, "false"):
			found.value = "lax"
			l.warnOfDoubt("%s is false and counts as lax, which most browsers use for a cookie without SameSite; write lax", found.origin)
		}
		if ok {
			values[option] = found
		}
	}
}

// isEmpty reports whether a variable is set to an empty value.
func (l *loader) isEmpty(name string) bool {
	return slices.ContainsFunc(l.layers, func(layer map[string]variable) bool {
		found, ok := layer[name]
		return ok && found.value == ""
	})
}

// cookies returns the cookies of refresh and session tokens. public is nil if it has a
// problem.
func (g *optionGroup) cookies(s Settings, public *url.URL) (refresh, session Cookie) {
	if public == nil {
		return Cookie{}, Cookie{}
	}
	refresh = g.cookie("refresh_token_cookie_", Cookie{
		s.RefreshCookieName, s.RefreshCookieDomain, s.RefreshCookieSecure, sameSites[s.RefreshCookieSameSite],
	}, public)
	session = g.cookie("session_cookie_", Cookie{
		s.SessionCookieName, s.SessionCookieDomain, s.SessionCookieSecure, sameSites[s.SessionCookieSameSite],
	}, public)
	if refresh.Name == session.Name && g.ok("session_cookie_name") {
		g.refuse("session_cookie_name", "must differ from the name of the refresh cookie")
	}
	return refresh, session
}

// warnOfLinking: a browser that returns from a provider sends no strict cookie (RFC
// 6265bis section 5.2), but linking needs the session cookie.
func (g *optionGroup) warnOfLinking(s Settings) {
	if s.AccountLinking && s.SessionCookieSameSite == "strict" {
		g.loader.warnOfDoubt("%s works only with providers that post their response: with %s=strict, browsers do not send the session cookie when they return from another site; write lax",
			g.spell("account_linking"), g.spell("session_cookie_same_site"))
	}
}

// warnOfPrefixes: browsers keep a cookie with such a name only if it arrives over https.
func (g *optionGroup) warnOfPrefixes(config *Config) {
	for _, named := range []struct{ option, name string }{
		{"session_cookie_name", config.SessionCookie.Name}, {"refresh_token_cookie_name", config.RefreshCookie.Name},
	} {
		name := strings.ToLower(named.name)
		plain := slices.IndexFunc(config.AllowedPublicURLs, func(u *url.URL) bool { return u.Scheme == "http" })
		if plain >= 0 && (strings.HasPrefix(name, "__host-") || strings.HasPrefix(name, "__secure-")) {
			g.loader.warnOfDoubt("%s begins with __Host- or __Secure-, and some browsers do not keep such a cookie from %s", g.spell(named.option), config.AllowedPublicURLs[plain])
		}
	}
}

func (g *optionGroup) cookie(prefix string, c Cookie, public *url.URL) Cookie {
	c.Secure = g.cookieSecure(prefix+"secure", c.Secure, public)
	c.Domain = g.cookieDomain(prefix+"domain", c.Domain, public.Hostname())
	if g.ok(prefix+"same_site") && c.SameSite == http.SameSiteNoneMode && !c.Secure {
		g.refuse(prefix+"same_site", "none requires https in PUBLIC_URL; write lax")
	}
	if g.ok(prefix + "name") {
		g.checkCookieName(prefix+"name", c)
	}
	return c
}

// checkCookieName refuses names that browsers refuse. For the prefixes see RFC
// 6265bis section 4.1.3.
func (g *optionGroup) checkCookieName(option string, c Cookie) {
	name := strings.ToLower(c.Name)
	switch {
	case !cookieName.MatchString(c.Name):
		g.refuse(option, "must have letters, digits, - and _ only")
	case strings.HasPrefix(name, "__host-") && (c.Domain != "" || !c.Secure):
		g.refuse(option, "with __Host- requires https in PUBLIC_URL and no cookie domain")
	case strings.HasPrefix(name, "__secure-") && !c.Secure:
		g.refuse(option, "with __Secure- requires https in PUBLIC_URL")
	}
}

// cookieSecure never lets a cookie of an https host travel over http.
func (g *optionGroup) cookieSecure(option string, wanted bool, public *url.URL) bool {
	https := public.Scheme == "https"
	if !g.isGiven(option) || !g.ok(option) {
		return https
	}
	if https && !wanted {
		g.loader.warnOfNoEffect("%s has no effect: PUBLIC_URL is https, and its cookies stay Secure", g.spell(option))
	}
	if !https && wanted {
		g.loader.warnOfDoubt("%s is true, but some browsers do not keep Secure cookies over http", g.spell(option))
	}
	return https || wanted
}

// cookieDomain accepts the host itself or a domain above it, as browsers do (RFC
// 6265 section 5.1.3).
func (g *optionGroup) cookieDomain(option, domain, host string) string {
	if domain == "" || !g.ok(option) {
		return ""
	}
	domain = strings.ToLower(strings.TrimPrefix(domain, "."))
	_, notIP := netip.ParseAddr(host)
	above := strings.HasSuffix(host, "."+domain) && strings.Contains(domain, ".")
	if above && isPublicSuffix(domain) {
		g.refuse(option, "is %s, a domain below which anybody can have a host: browsers reject cookies for it; write your own domain", domain)
		return domain
	}
	if notIP == nil || !hostName.MatchString(domain) || (domain != host && !above) {
		g.refuse(option, "must be the host name of PUBLIC_URL (%s) or a domain above it; leave it out for this host only", host)
	}
	return domain
}
