package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/doorward/doorward/sdk/options"
)

// ForwardAuthSettings are the settings of forward-auth. Its apps may also stand in the
// YAML file, under forward_auth, with rules.
type ForwardAuthSettings struct {
	ForwardAuthAddress      string         `option:"forward_auth_address" doc:"host:port on which reverse proxies ask whether a request may pass to an application, such as 127.0.0.1:8056. Default: nowhere. See forward-auth"`
	ForwardAuthTrustProxy   []string       `option:"forward_auth_trust_proxy" doc:"proxies that may ask there, written as in IP_TRUST_PROXY; nobody else is answered. Default: IP_TRUST_PROXY"`
	ForwardAuthSecret       options.Secret `option:"forward_auth_secret" doc:"what a proxy must send in X-Doorward-Proxy besides, for networks where an address proves nothing; at least 16 bytes"`
	ForwardAuthApps         []string       `option:"forward_auth_apps" reload:"yes" doc:"origins of applications that everybody may use who is signed in, with commas between them; others, and rules, stand under forward_auth in the YAML file"`
	ForwardAuthUser         string         `option:"forward_auth_user" default:"id" oneof:"id|email|email-of-any-provider|subject" doc:"what Remote-User says. email and subject are for apps to which one provider leads; email-of-any-provider for providers that all have REQUIRE_VERIFIED_EMAIL, and whom you believe each other's addresses"`
	ForwardAuthAskEvery     time.Duration  `option:"forward_auth_ask_every" default:"5m" doc:"how long after one question the provider of a session that is used at an application is asked again, in the background, whether it is still good; the answer also prolongs it, and changes its groups. 10s to 24h, and at most half of SESSION_COOKIE_TTL counts"`
	ForwardAuthAssertionTTL time.Duration  `option:"forward_auth_assertion_ttl" default:"60s" doc:"lifetime of X-Doorward-Assertion; 10s to 5m"`
}

// forwardAuth checks the settings, but for the apps, and returns the proxies that may
// ask.
func (g *group) forwardAuth(config *Config) []netip.Prefix {
	s := &config.Settings
	g.checkAddress("forward_auth_address", s.ForwardAuthAddress, "127.0.0.1:8056")
	g.within("forward_auth_assertion_ttl", s.ForwardAuthAssertionTTL, 10*time.Second, 5*time.Minute, "from 10s to 5m")
	g.within("forward_auth_ask_every", s.ForwardAuthAskEvery, 10*time.Second, 24*time.Hour, "from 10s to 24h")
	if g.ok("forward_auth_secret") && s.ForwardAuthSecret != "" && len(s.ForwardAuthSecret) < 16 {
		g.refuse("forward_auth_secret", "must be at least 16 random bytes; make one with: openssl rand -base64 32")
	}
	trusted := config.TrustedProxies
	if g.isGiven("forward_auth_trust_proxy") {
		trusted = g.proxies("forward_auth_trust_proxy", s.ForwardAuthTrustProxy)
		s.ForwardAuthTrustProxy = nil // two ways to write the same are no change
		for _, prefix := range trusted {
			s.ForwardAuthTrustProxy = append(s.ForwardAuthTrustProxy, prefix.String())
		}
	}
	if s.ForwardAuthAddress != "" && len(trusted) == 0 {
		g.loader.warnOnce("FORWARD_AUTH_ADDRESS is set, and every proxy is refused there: name yours in FORWARD_AUTH_TRUST_PROXY")
	}
	return trusted
}

// loadApps puts the apps of the environment and of the YAML file into the config, when
// all else is there.
func (l *loader) loadApps(config *Config) {
	spelled := "FORWARD_AUTH_APPS"
	if e, ok := l.document.setting("forward_auth_apps"); ok {
		spelled = l.document.at(e.key, e.line)
	}
	if found, ok := l.setting("FORWARD_AUTH_APPS"); ok {
		spelled = found.origin
	}
	var apps []App
	for _, url := range config.ForwardAuthApps {
		app := App{from: map[string]string{"url": spelled}}
		if err := app.at(url); err != nil {
			l.problems.Addf(spelled, "%q %v", bounded(withoutUser(url)), err)
			continue
		}
		apps = append(apps, app)
	}
	for _, app := range append(apps, l.readApps()...) {
		if !l.fits(config, &app) {
			continue
		}
		l.namesPeople(config, &app)
		config.Apps = append(config.Apps, app)
	}
	if len(config.Apps) > 0 && config.ForwardAuthAddress == "" {
		l.warnOnce("there are applications for forward-auth, and no proxy can ask: set FORWARD_AUTH_ADDRESS")
	}
}

// fits reports whether an app can be one beside those that config has already.
func (l *loader) fits(config *Config, app *App) bool {
	refuse := func(field, format string, args ...any) bool {
		l.problems.Addf(app.from[field], format, args...)
		return false
	}
	for _, other := range config.Apps {
		switch {
		case other.Scheme == app.Scheme && other.Host == app.Host && other.Prefix == app.Prefix:
			return refuse("url", "stands twice: %s is another app already; give one of them a path prefix, or put their rules together", app.URL())
		case other.Name == app.Name:
			return refuse("name", "must differ from the name of another app, %q", app.Name)
		}
	}
	if config.PublicURL == nil {
		return false // which is a problem of its own
	}
	cookie := config.SessionCookie
	switch {
	case app.Scheme == config.PublicURL.Scheme && app.Host == config.PublicURL.Host:
		return refuse("url", "is the origin of PUBLIC_URL, where people sign in; an app needs another host or port")
	case slices.ContainsFunc(config.AllowedPublicURLs, func(u *url.URL) bool { return app.Scheme == u.Scheme && app.Host == u.Host }):
		return refuse("url", "is an origin of AUTH_ALLOWED_PUBLIC_URLS, where people sign in; an app needs another host or port")
	case app.Scheme == "http" && cookie.Secure:
		return refuse("url", "must be https: the session cookie is sent over https only")
	case !withinDomain(app.hostname(), cookie.Domain, config.PublicURL.Hostname()):
		return refuse("url", "%s", outside(app.hostname(), config.PublicURL.Hostname(), cookie.Domain))
	}
	return true
}

// withinDomain reports whether browsers send the session cookie to a host.
func withinDomain(host, domain, public string) bool {
	if domain == "" {
		return host == public
	}
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// outside says how the session cookie would reach an app, if it can.
func outside(host, public, domain string) string {
	reach := "to " + public + " only"
	if domain != "" {
		reach = "to " + domain + " and all hosts below it"
	}
	if parent := commonParent(host, public); parent != "" {
		return "is out of the reach of the session cookie, which browsers send " + reach + "; set SESSION_COOKIE_DOMAIN to " + parent +
			", if you trust all that is served below it"
	}
	return "is out of the reach of the session cookie, which browsers send " + reach + "; it has no domain in common with PUBLIC_URL (" + public +
		") that a cookie can have: serve the app, or Doorward, below the domain of the other"
}

// commonParent is the longest domain that both hosts are in, or below; empty if no
// cookie can have it.
func commonParent(a, b string) string {
	left, right := strings.Split(a, "."), strings.Split(b, ".")
	n := 0
	for n < len(left) && n < len(right) && left[len(left)-1-n] == right[len(right)-1-n] {
		n++
	}
	parent := strings.Join(left[len(left)-n:], ".")
	if n < 2 || isPublicSuffix(parent) || numericEnd.MatchString(parent) {
		return ""
	}
	return parent
}

// isPublicSuffix reports whether a domain is one below which anybody can have a host:
// browsers keep no cookie for it (RFC 6265 section 5.3).
func isPublicSuffix(domain string) bool {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix == domain
}

// namesPeople looks at what says who somebody is at an app. An e-mail address, and a
// subject, are those of somebody at one provider: whoever gets the same at another one
// would be them.
func (l *loader) namesPeople(config *Config, app *App) {
	var leads, unverified []string
	for _, p := range config.Providers {
		if len(app.Providers) > 0 && !slices.Contains(app.Providers, p.Name) {
			continue
		}
		leads = append(leads, p.Name)
		if !p.RequireVerifiedEmail {
			unverified = append(unverified, p.Name)
		}
	}
	if len(leads) <= 1 || len(unverified) == 0 {
		app.EmailOf = leads
	}
	several := strings.Join(leads, ", ")
	switch user := config.ForwardAuthUser; {
	case user == "email-of-any-provider" && len(unverified) > 0:
		l.problems.Addf("FORWARD_AUTH_USER", "is email-of-any-provider, and %s may lead to app %s with addresses that nobody has verified; set REQUIRE_VERIFIED_EMAIL for it, or write id",
			strings.Join(unverified, ", "), app.Name)
	case (user == "email" || user == "subject") && len(leads) > 1:
		l.problems.Addf("FORWARD_AUTH_USER", "is %s, and several providers lead to app %s (%s): whoever has the same at another one would be somebody else there; "+
			"name one provider in providers of the app, or write id", user, app.Name, several)
	case user == "email" && len(unverified) > 0:
		l.warnOfDanger("FORWARD_AUTH_USER is email, and provider %s leads to app %s without REQUIRE_VERIFIED_EMAIL: be sure that nobody chooses their own address there", unverified[0], app.Name)
	case len(app.EmailOf) == 0 && len(leads) > 1 && app.namesAddress():
		l.problems.Addf(app.from["users"], "has an e-mail address, and several providers lead to the app (%s): whoever gets the address at another one would be let in; "+
			"name one provider in providers, set REQUIRE_VERIFIED_EMAIL for each, or write the IDs of users", several)
	}
	for _, name := range app.Providers {
		if !slices.Contains(leads, name) {
			l.warnOnce("%s: there is no provider %q, so nobody comes through it%s", app.from["providers"], bounded(name), didYouMean(name, namesOf(config.Providers)))
		}
	}
}

func namesOf(providers []Provider) (names []string) {
	for _, p := range providers {
		names = append(names, p.Name)
	}
	return names
}

func didYouMean(name string, known []string) string {
	if near := options.Suggest(name, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// bounded keeps a long value from drowning the message about it.
func bounded(text string) string {
	if len(text) > 128 {
		return text[:128] + "…"
	}
	return text
}
