package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/doorward/doorward/sdk/contract"
)

// CORSSettings are what pages of other origins are allowed to do, under the names of
// Directus.
type CORSSettings struct {
	CORSEnabled        bool     `option:"cors_enabled" default:"false" doc:"Let scripts on pages of other origins use the API, as CORS_ORIGIN says. See endpoints.md."`
	CORSOrigin         []string `option:"cors_origin" default:"false" doc:"The origins of these pages, such as https://app.example.org, separated by commas. Each is trusted like a page of PUBLIC_URL to act for the signed-in user. With CORS_CREDENTIALS=false, true or * is also possible: any origin, for requests that need no cookie."`
	CORSMethods        []string `option:"cors_methods" default:"GET,POST,PATCH,DELETE" doc:"The value of Access-Control-Allow-Methods."`
	CORSAllowedHeaders []string `option:"cors_allowed_headers" default:"Content-Type,Authorization" doc:"The value of Access-Control-Allow-Headers."`
	CORSExposedHeaders []string `option:"cors_exposed_headers" default:"Content-Range,Retry-After,X-Request-Id" doc:"The value of Access-Control-Expose-Headers."`
	CORSCredentials    bool     `option:"cors_credentials" default:"true" doc:"Accept cookies that browsers send with requests from these pages. Set it to false if their scripts sign in with mode json only."`
	CORSMaxAge         int      `option:"cors_max_age" default:"18000" doc:"How many seconds browsers may remember what a page is allowed to do. They use at most 7200 (Chromium) or 86400 (Firefox)."`
}

// CORS is what pages of other origins are allowed to do. The zero value allows nothing.
type CORS struct {
	Origins []string // as browsers write them in the header Origin, RFC 6454 section 6.2
	Any     bool     // every origin, without Credentials

	Credentials                             bool
	Methods, AllowedHeaders, ExposedHeaders []string
	MaxAge                                  time.Duration
}

// longestMaxAge is one day in seconds, the longest that any browser remembers.
const longestMaxAge = 86_400

// cors checks the settings. Without CORS_ENABLED the others have no effect.
func (g *optionGroup) cors(s *Settings, public *url.URL, allowed []*url.URL) CORS {
	if !s.CORSEnabled {
		g.warnOfCORSWithoutEffect()
		return CORS{}
	}
	c := CORS{
		Credentials: s.CORSCredentials, MaxAge: Seconds(min(max(0, s.CORSMaxAge), longestMaxAge)),
		Methods:        g.tokens("cors_methods", s.CORSMethods),
		AllowedHeaders: g.tokens("cors_allowed_headers", s.CORSAllowedHeaders),
		ExposedHeaders: g.tokens("cors_exposed_headers", s.CORSExposedHeaders),
	}
	for i, method := range c.Methods {
		c.Methods[i] = strings.ToUpper(method) // browsers distinguish patch from PATCH
	}
	g.corsOrigins(&c, s.CORSOrigin)
	s.CORSOrigin = slices.Clip(c.Origins) // another spelling is not a change
	if c.Any {
		s.CORSOrigin = append(s.CORSOrigin, "*")
	}
	switch {
	case len(s.CORSOrigin) == 0 && g.ok("cors_origin"):
		g.loader.warnOfDoubt("%s is true, but no other origin is allowed: name your applications in CORS_ORIGIN, such as https://app.example.org", g.spell("cors_enabled"))
	case c.Any && c.Credentials && g.ok("cors_origin") && g.ok("cors_credentials"):
		g.refuse("cors_origin", "lets every page of the web act for the signed-in user; name the origins of your applications, such as https://app.example.org, "+
			"or write CORS_CREDENTIALS=false if they use tokens and no cookies")
	}
	if public != nil && g.ok("auth_allowed_public_urls") {
		g.warnOfOrigins(c, *s, public, allowed)
	}
	return c
}

func (g *optionGroup) warnOfCORSWithoutEffect() {
	if g.isGiven("cors_enabled") {
		return // it was turned off, and the rest was kept
	}
	for _, option := range []string{"cors_origin", "cors_methods", "cors_allowed_headers", "cors_exposed_headers", "cors_credentials", "cors_max_age"} {
		if g.isGiven(option) {
			g.loader.warnOfNoEffect("%s has no effect without CORS_ENABLED=true", g.spell(option))
		}
	}
}

// headerToken is a method or the name of a header (RFC 9110 section 5.6.2).
var headerToken = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

func (g *optionGroup) tokens(option string, list []string) (tokens []string) {
	for _, entry := range list {
		entry = strings.TrimSpace(entry)
		if g.ok(option) && !headerToken.MatchString(entry) {
			g.refuse(option, "must be names separated by commas, such as Content-Type,Authorization")
		}
		tokens = append(tokens, entry)
	}
	return tokens
}

// corsOrigins puts the entries of CORS_ORIGIN into c.
func (g *optionGroup) corsOrigins(c *CORS, list []string) {
	const option = "cors_origin"
	if !g.ok(option) || len(list) == 1 && isFalse(list[0]) {
		return
	}
	for _, entry := range list {
		entry = strings.TrimSpace(entry)
		if entry == "*" || strings.EqualFold(entry, "true") {
			c.Any = true
			continue
		}
		origin, err := parseOrigin(entry)
		if err != nil {
			g.refuse(option, "has %q, which %v", bounded(withoutUser(entry)), err)
			continue
		}
		if strings.HasSuffix(entry, "/") {
			g.loader.warnOfDoubt("%s has %s/; browsers write origins without a trailing slash, and it is read as %[2]s", g.spell(option), origin)
		}
		c.Origins = append(c.Origins, origin)
	}
}

// withoutUser removes a possible password.
func withoutUser(entry string) string {
	if at := strings.LastIndexByte(entry, '@'); at >= 0 {
		return "…" + entry[at:]
	}
	return entry
}

// parseOrigin reads an origin as browsers serialise it.
func parseOrigin(entry string) (string, error) {
	switch {
	case strings.EqualFold(entry, "null"):
		return "", errors.New("is the origin of files and of frames that anybody can create; serve the application from its own address")
	case strings.ContainsAny(entry, `*\^$()|{}+`) || strings.HasPrefix(entry, "/"):
		return "", errors.New("is a pattern; anyone who gets a matching host could act for the signed-in user: write each origin out, such as https://app.example.org")
	}
	u, err := url.Parse(entry)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "", fmt.Errorf("is not an origin; write it with its scheme, such as %s", withScheme(entry))
	}
	host, err := publicHost(u)
	switch {
	case err != nil:
		return "", err
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(entry, "#"):
		return "", errors.New("is more than an origin; write scheme, host and port only")
	case strings.Trim(u.Path, "/") != "":
		return "", fmt.Errorf("has a path, but browsers send only the origin, so all pages of that host could use it; write %s://%s", u.Scheme, host)
	case u.Scheme == "http" && !contract.IsLoopback(u.Hostname()):
		return "", fmt.Errorf("must be https: over http anyone on the network can put their own script into the page; write https://%s", host)
	}
	return u.Scheme + "://" + host, nil
}

// withScheme returns the origin that was probably meant by one without a scheme.
func withScheme(entry string) string {
	if u, err := url.Parse("https://" + entry); err == nil {
		if host, err := publicHost(u); err == nil {
			return "https://" + host
		}
	}
	return "https://app.example.org"
}

// warnOfOrigins names settings that browsers ignore or that allow more than intended.
func (g *optionGroup) warnOfOrigins(c CORS, s Settings, public *url.URL, allowed []*url.URL) {
	if c.Credentials && (slices.Contains(c.AllowedHeaders, "*") || slices.Contains(c.ExposedHeaders, "*")) {
		g.loader.warnOfDoubt("browsers take * for the name of a header while CORS_CREDENTIALS is true; write out the names of your headers")
	}
	publicURLs := "PUBLIC_URL"
	if len(allowed) > 0 {
		publicURLs += " or any of AUTH_ALLOWED_PUBLIC_URLS"
	}
	cookiesStay := s.SessionCookieSameSite != "none" && s.RefreshCookieSameSite != "none"
	for _, origin := range c.Origins {
		u, err := url.Parse(origin)
		if err != nil {
			continue
		}
		switch {
		case u.Scheme == "http" && !contract.IsLoopback(public.Hostname()):
			g.loader.warnOfDoubt("%s has %s, which is each visitor's own machine: any program that serves a page there can act for them; leave it out in production",
				g.spell("cors_origin"), origin)
		case c.Credentials && cookiesStay && !sameSite(u, public) && !slices.ContainsFunc(allowed, func(other *url.URL) bool { return sameSite(u, other) }):
			g.loader.warnOfDoubt("%s has %s, which is not on the same site as %s: browsers send no cookies from there, and only mode json works. "+
				"Write CORS_CREDENTIALS=false if the application uses mode json; otherwise SESSION_COOKIE_SAME_SITE=none, or REFRESH_TOKEN_COOKIE_SAME_SITE=none for mode cookie, "+
				"which need https in PUBLIC_URL and a browser that does not block cookies of other sites", g.spell("cors_origin"), origin, publicURLs)
		}
	}
}

// sameSite decides whether browsers send SameSite cookies (HTML Standard, "same site").
func sameSite(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && siteOf(a.Hostname()) == siteOf(b.Hostname())
}

func siteOf(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	site, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return host
	}
	return site
}
