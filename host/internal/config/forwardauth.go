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

// ForwardAuthSettings are the settings of forward-auth. Its apps can also be in the YAML
// file, under forward_auth, with rules.
type ForwardAuthSettings struct {
	ForwardAuthAddress      string         `option:"forward_auth_address" doc:"The host:port on which reverse proxies ask whether a request may pass to an application, such as 127.0.0.1:8056. Default: off. See forward-auth."`
	ForwardAuthTrustProxy   []string       `option:"forward_auth_trust_proxy" doc:"Proxies that may ask there, in the form of IP_TRUST_PROXY. Nobody else gets an answer. Default: IP_TRUST_PROXY."`
	ForwardAuthSecret       options.Secret `option:"forward_auth_secret" doc:"A secret that a proxy must also send, in X-Doorward-Proxy, for networks where an address proves nothing. At least 16 bytes."`
	ForwardAuthApps         []string       `option:"forward_auth_apps" reload:"yes" doc:"The origins of applications that every signed-in user may use, separated by commas. Applications with rules are listed under forward_auth in the YAML file."`
	ForwardAuthUser         string         `option:"forward_auth_user" default:"id" oneof:"id|email|email-of-any-provider|subject" doc:"The content of Remote-User. email and subject are for applications that one provider leads to. email-of-any-provider is for providers that all have REQUIRE_VERIFIED_EMAIL and that you trust with each other's addresses."`
	ForwardAuthAskEvery     time.Duration  `option:"forward_auth_ask_every" default:"5m" doc:"How often the provider of a session that is used at an application is asked, in the background, whether the session is still valid. The answer also prolongs the session and updates its groups. 10s to 24h, and at most half of SESSION_COOKIE_TTL counts."`
	ForwardAuthAssertionTTL time.Duration  `option:"forward_auth_assertion_ttl" default:"60s" doc:"The lifetime of X-Doorward-Assertion, 10s to 5m."`
}

// forwardAuth checks all settings but the apps, and returns the proxies that are allowed
// to ask.
func (g *optionGroup) forwardAuth(config *Config) []netip.Prefix {
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
		s.ForwardAuthTrustProxy = nil // another spelling is not a change
		for _, prefix := range trusted {
			s.ForwardAuthTrustProxy = append(s.ForwardAuthTrustProxy, prefix.String())
		}
	}
	if s.ForwardAuthAddress != "" && len(trusted) == 0 {
		g.loader.warnOfDoubt("FORWARD_AUTH_ADDRESS is set, but every proxy is refused there: name yours in FORWARD_AUTH_TRUST_PROXY")
	}
	return trusted
}

// loadApps adds the apps of the environment and of the YAML file to the config, when
// everything else is loaded.
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
		if !l.canAdd(config, &app) {
			continue
		}
		l.checkUserIdentity(config, &app)
		config.Apps = append(config.Apps, app)
	}
	if len(config.Apps) > 0 && config.ForwardAuthAddress == "" {
		l.warnOfDoubt("there are applications for forward-auth, but no proxy can ask: set FORWARD_AUTH_ADDRESS")
	}
}

// canAdd reports whether an app can be added to those of config.
func (l *loader) canAdd(config *Config, app *App) bool {
	refuse := func(field, format string, args ...any) bool {
		l.problems.Addf(app.from[field], format, args...)
		return false
	}
	for _, other := range config.Apps {
		switch {
		case other.Scheme == app.Scheme && other.Host == app.Host && other.Prefix == app.Prefix:
			return refuse("url", "is used twice: %s is already another app; give one of them a path prefix, or combine their rules", app.URL())
		case other.Name == app.Name:
			return refuse("name", "must differ from the name of another app, %q", app.Name)
		}
	}
	if config.PublicURL == nil {
		return false // it has its own problem
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
		return refuse("url", "%s", unreachable(app.hostname(), config.PublicURL.Hostname(), cookie.Domain))
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

// unreachable says how the session cookie could reach an app, if it can.
func unreachable(host, public, domain string) string {
	reach := "to " + public + " only"
	if domain != "" {
		reach = "to " + domain + " and all hosts below it"
	}
	if parent := commonParent(host, public); parent != "" {
		return "does not get the session cookie, which browsers send " + reach + "; set SESSION_COOKIE_DOMAIN to " + parent +
			" if you trust everything that is served below it"
	}
	return "does not get the session cookie, which browsers send " + reach + "; it has no domain in common with PUBLIC_URL (" + public +
		") that a cookie can have: serve the app, or Doorward, below the domain of the other"
}

// commonParent is the longest domain that is or contains both hosts; empty if no cookie
// can have it.
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

// isPublicSuffix reports whether anybody can have a host below a domain: browsers reject
// cookies for it (RFC 6265 section 5.3).
func isPublicSuffix(domain string) bool {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix == domain
}

// checkUserIdentity checks what identifies a user at an app. An e-mail address and a subject
// belong to a user of one provider: anyone who gets the same at another provider would be
// taken for that user.
func (l *loader) checkUserIdentity(config *Config, app *App) {
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
		l.problems.Addf("FORWARD_AUTH_USER", "is email-of-any-provider, but %s can give access to app %s with addresses that nobody has verified; set REQUIRE_VERIFIED_EMAIL for it, or write id",
			strings.Join(unverified, ", "), app.Name)
	case (user == "email" || user == "subject") && len(leads) > 1:
		l.problems.Addf("FORWARD_AUTH_USER", "is %s, but several providers give access to app %s (%s): anyone who has the same value at another provider would be taken for somebody else; "+
			"name one provider in providers of the app, or write id", user, app.Name, several)
	case user == "email" && len(unverified) > 0:
		l.warnOfDanger("FORWARD_AUTH_USER is email, and provider %s gives access to app %s without REQUIRE_VERIFIED_EMAIL: make sure that nobody can choose their own address there", unverified[0], app.Name)
	case len(app.EmailOf) == 0 && len(leads) > 1 && app.hasEmailUser():
		l.problems.Addf(app.from["users"], "has an e-mail address, but several providers give access to the app (%s): anyone who gets the address at another provider would be admitted; "+
			"name one provider in providers, set REQUIRE_VERIFIED_EMAIL for each, or write the IDs of users", several)
	}
	for _, name := range app.Providers {
		if !slices.Contains(leads, name) {
			l.warnOfDoubt("%s: there is no provider %q, so nobody can sign in through it%s", app.from["providers"], bounded(name), didYouMean(name, namesOf(config.Providers)))
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

// bounded shortens a long value in a message.
func bounded(text string) string {
	if len(text) > 128 {
		return text[:128] + "…"
	}
	return text
}
