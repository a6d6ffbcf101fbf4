package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/doorward/doorward/host/internal/config"
)

// domain is a host whose session cookie reaches example.org.
var domain = []string{"PUBLIC_URL=https://login.example.org", "SESSION_COOKIE_DOMAIN=example.org", "FORWARD_AUTH_ADDRESS=127.0.0.1:0", "IP_TRUST_PROXY=loopback"}

var onlyExported = cmpopts.IgnoreUnexported(config.App{})

func TestApps(t *testing.T) {
	c := newSetup(t, append(domain, "FORWARD_AUTH_APPS=https://a.example.org, https://B.example.org:443/", "AUTH_PROVIDERS=corp", "AUTH_CORP_DRIVER=openid")...).yaml(t, `
forward_auth:
  apps:
    - name: wiki
      url: https://wiki.example.org
      roles: editor
      groups: [staff, 42]
      users: [alice@example.org, {env: BOB}]
      allow: [{providers: [corp]}, {groups: admins, users: u-1}]
      preflight: true
      public:
        - path: /health
          methods: [GET, POST]
        - path: /assets/
    - url: https://wiki.example.org/chiefs/
      groups: [chiefs]
    - url: https://bücher.example.org:8443
`)
	c.environ = append(c.environ, "BOB=bob-id")
	got := c.mustLoad(t).Apps
	corp := []string{"corp"}
	want := []config.App{
		{Name: "a.example.org", Scheme: "https", Host: "a.example.org", Prefix: "/", EmailOf: corp},
		{Name: "b.example.org", Scheme: "https", Host: "b.example.org", Prefix: "/", EmailOf: corp},
		{
			Name: "wiki", Scheme: "https", Host: "wiki.example.org", Prefix: "/", EmailOf: corp, Preflight: true,
			AppSubject: config.AppSubject{Roles: []string{"editor"}, Groups: []string{"staff", "42"}, Users: []string{"alice@example.org", "bob-id"}},
			Allow:      []config.AppSubject{{Providers: corp}, {Groups: []string{"admins"}, Users: []string{"u-1"}}},
			Public:     []config.PublicPath{{Path: "/health", Methods: []string{"GET", "POST"}}, {Path: "/assets/"}},
		},
		{Name: "wiki.example.org/chiefs", Scheme: "https", Host: "wiki.example.org", Prefix: "/chiefs/", EmailOf: corp, AppSubject: config.AppSubject{Groups: []string{"chiefs"}}},
		{Name: "xn--bcher-kva.example.org:8443", Scheme: "https", Host: "xn--bcher-kva.example.org:8443", Prefix: "/", EmailOf: corp},
	}
	if diff := cmp.Diff(want, got, onlyExported); diff != "" {
		t.Errorf("apps (-want +got):\n%s", diff)
	}
}

// FA60: an invalid rule keeps the host from starting, and the error says what to change.
func TestFA60AppsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ yaml, want string }{
		"key":                    {"{url: https://w.example.org, group: [x]}", "forward_auth.apps[0].group (doorward.yaml:1): there is no such key; did you mean groups?"},
		"key of French":          {"{url: https://w.example.org, rolles: [x]}", "did you mean roles?"},
		"no URL":                 {"{name: w}", "forward_auth.apps[0] (doorward.yaml:1): needs url"},
		"URL":                    {"{url: w.example.org}", "forward_auth.apps[0].url (doorward.yaml:1): must be the origin of an app"},
		"wildcard":               {"{url: 'https://*.example.org'}", "must name one host; wildcards are not supported"},
		"query":                  {"{url: 'https://w.example.org/?x'}", "must have no user, query or fragment"},
		"user":                   {"{url: 'https://u@w.example.org/'}", "must have no user, query or fragment"},
		"path without a slash":   {"{url: https://w.example.org/x}", "must end in a slash if it has a path: write https://w.example.org/x/"},
		"path with dots":         {"{url: https://w.example.org/x/../}", "must have no segment that ends in a dot"},
		"encoded path":           {"{url: https://w.example.org/%78/}", "must be a plain path"},
		"group without a name":   {"{url: https://w.example.org, groups: [a, '']}", "forward_auth.apps[0].groups (doorward.yaml:1): must contain texts of one line that are not empty"},
		"group of two lines":     {`{url: https://w.example.org, groups: ["a\nb"]}`, "must contain texts of one line"},
		"empty list":             {"{url: https://w.example.org, groups: []}", "is an empty list, which could mean everybody or nobody"},
		"no alternatives":        {"{url: https://w.example.org, allow: []}", "forward_auth.apps[0].allow (doorward.yaml:1): is an empty list, which could mean everybody or nobody"},
		"nothing for allow":      {"{url: https://w.example.org, allow: }", "forward_auth.apps[0].allow (doorward.yaml:1): is an empty list, which could mean everybody or nobody"},
		"empty alternative":      {"{url: https://w.example.org, allow: [{}]}", "forward_auth.apps[0].allow[0] (doorward.yaml:1): admits everybody"},
		"key in an alternative":  {"{url: https://w.example.org, allow: [{usres: x}]}", "forward_auth.apps[0].allow[0].usres (doorward.yaml:1): there is no such key; did you mean users?"},
		"not a mapping":          {"https://w.example.org", "must be a mapping"},
		"subject at public path": {"{url: https://w.example.org, public: [{path: /x, groups: [a]}]}", "a public path is for everybody and has no rules"},
		"no public path":         {"{url: https://w.example.org, public: [{methods: [GET]}]}", "path must be a plain path"},
		"public path, regex":     {"{url: https://w.example.org, public: [{path: '/x.*['}]}", "path must be a plain path"},
		"public path elsewhere":  {"{url: https://w.example.org/x/, public: [{path: /y}]}", "/y is not below the path of the app, /x/"},
		"method":                 {"{url: https://w.example.org, public: [{path: /x, methods: [get]}]}", `methods must be in capitals, such as GET, not "get"`},
		"preflight":              {"{url: https://w.example.org, preflight: 'yes'}", "forward_auth.apps[0].preflight (doorward.yaml:1): must be true or false"},
		"twice":                  {"{url: https://w.example.org}, {name: x, url: https://W.example.org.:443/}", "must have a host name"},
		"twice, spelled other":   {"{url: https://w.example.org}, {name: x, url: https://W.example.org:443/}", "forward_auth.apps[1].url (doorward.yaml:1): is used twice: https://w.example.org/ is already another app"},
		"name twice":             {"{name: x, url: https://w.example.org}, {name: x, url: https://v.example.org}", "forward_auth.apps[1].name (doorward.yaml:1): must differ"},
		"ourselves":              {"{url: https://login.example.org}", "is the origin of PUBLIC_URL"},
		"http":                   {"{url: http://w.example.org}", "must be https: the session cookie is sent over https only"},
		"another domain":         {"{url: https://w.example.com}", "it has no domain in common with PUBLIC_URL (login.example.org)"},
		"a look-alike":           {"{url: https://wexample.org}", "does not get the session cookie, which browsers send to example.org and all hosts below it"},
	} {
		t.Run(name, func(t *testing.T) {
			newSetup(t, domain...).yaml(t, "forward_auth: {apps: ["+tc.yaml+"]}").refused(t, tc.want)
		})
	}
	for yaml, want := range map[string]string{
		"forward_auth: {app: []}":                      "forward_auth.app (doorward.yaml:1): there is no such key; did you mean apps?",
		"forward_auth: {address: 'x:1'}":               "forward_auth.address (doorward.yaml:1): is a setting: write forward_auth_address at the top level of the file",
		"forward_auth: []":                             "forward_auth (doorward.yaml:1): must be a mapping",
		"forward_auth: {apps: {url: 'https://x'}}":     "forward_auth.apps (doorward.yaml:1): must be a list",
		"forwardauth: {apps: []}":                      "did you mean forward_auth?",
		"forward_auth_apps: ['https://x.example.com']": "forward_auth_apps (doorward.yaml:1): does not get the session cookie",
	} {
		newSetup(t, domain...).yaml(t, yaml).refused(t, want)
	}
	newSetup(t, "PUBLIC_URL=https://login.example.org", "FORWARD_AUTH_APPS=https://wiki.example.org").refused(t,
		"FORWARD_AUTH_APPS: does not get the session cookie, which browsers send to login.example.org only; set SESSION_COOKIE_DOMAIN to example.org")
	newSetup(t, "PUBLIC_URL=https://a.github.io", "FORWARD_AUTH_APPS=https://b.github.io").refused(t, "FORWARD_AUTH_APPS: does not get the session cookie, which browsers send to a.github.io only; it has no domain in common")
	newSetup(t, "PUBLIC_URL=https://a.github.io", "SESSION_COOKIE_DOMAIN=github.io").refused(t, "SESSION_COOKIE_DOMAIN: is github.io, a domain below which anybody can have a host")
	newSetup(t, append(domain, "FORWARD_AUTH_ADDRESS=8056")...).refused(t, "FORWARD_AUTH_ADDRESS: must be a host and a port, such as 127.0.0.1:8056")
	newSetup(t, append(domain, "FORWARD_AUTH_SECRET=short")...).refused(t, "FORWARD_AUTH_SECRET: must be at least 16 random bytes")
	newSetup(t, append(domain, "FORWARD_AUTH_ASSERTION_TTL=1h")...).refused(t, "FORWARD_AUTH_ASSERTION_TTL: must be from 10s to 5m")
	newSetup(t, append(domain, "FORWARD_AUTH_ASK_EVERY=1s")...).refused(t, "FORWARD_AUTH_ASK_EVERY: must be from 10s to 24h")
	newSetup(t, append(domain, "FORWARD_AUTH_TRUST_PROXY=true")...).refused(t, `FORWARD_AUTH_TRUST_PROXY: cannot trust "true"`)
}

// A cookie without a domain reaches an app on the same host, because cookies ignore ports.
func TestAppsOfLoopback(t *testing.T) {
	c := newSetup(t, "PUBLIC_URL=http://localhost:8055", "FORWARD_AUTH_APPS=http://localhost:3000", "FORWARD_AUTH_ADDRESS=127.0.0.1:0", "IP_TRUST_PROXY=loopback").mustLoad(t)
	if len(c.Apps) != 1 || c.Apps[0].Host != "localhost:3000" || len(c.Warnings) != 0 {
		t.Errorf("apps %+v, warnings %q", c.Apps, c.Warnings)
	}
	newSetup(t, "PUBLIC_URL=http://localhost:8055", "FORWARD_AUTH_APPS=http://app.localhost:3000", "FORWARD_AUTH_ADDRESS=127.0.0.1:0").refused(t, "does not get the session cookie")
}

// FA61: an address or a subject identifies a user at one provider only.
func TestFA61WhatSaysWho(t *testing.T) {
	two := append(domain, "FORWARD_AUTH_APPS=https://w.example.org", "AUTH_PROVIDERS=corp,other", "AUTH_CORP_DRIVER=openid", "AUTH_OTHER_DRIVER=openid")
	verified := append(two, "AUTH_CORP_REQUIRE_VERIFIED_EMAIL=true", "AUTH_OTHER_REQUIRE_VERIFIED_EMAIL=true")
	with := func(environ []string, more ...string) setup {
		return newSetup(t, append(append([]string{}, environ...), more...)...)
	}
	with(two, "FORWARD_AUTH_USER=email").refused(t, "FORWARD_AUTH_USER: is email, but several providers give access to app w.example.org (corp, other)")
	with(verified, "FORWARD_AUTH_USER=email").refused(t, "FORWARD_AUTH_USER: is email, but several providers give access")
	with(two, "FORWARD_AUTH_USER=subject").refused(t, "FORWARD_AUTH_USER: is subject, but several providers give access")
	with(two, "FORWARD_AUTH_USER=email-of-any-provider").refused(t, "FORWARD_AUTH_USER: is email-of-any-provider, but corp, other can give access")
	with(verified, "FORWARD_AUTH_USER=email-of-any-provider").mustLoad(t)
	if c := with(two).mustLoad(t); c.Apps[0].EmailOf != nil {
		t.Errorf("addresses of %v count", c.Apps[0].EmailOf)
	}
	users := "forward_auth: {apps: [{url: https://u.example.org, users: [alice@example.org]}]}"
	with(two).yaml(t, users).refused(t, "forward_auth.apps[0].users (doorward.yaml:1): has an e-mail address, but several providers give access to the app (corp, other)")
	with(verified).yaml(t, users).mustLoad(t)
	with(two).yaml(t, "forward_auth: {apps: [{url: https://u.example.org, providers: corp, users: [alice@example.org]}]}").mustLoad(t)
	c := with(two).yaml(t, "forward_auth: {apps: [{url: https://u.example.org, providers: crop}]}").mustLoad(t)
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], `forward_auth.apps[0].providers (doorward.yaml:1): there is no provider "crop", so nobody can sign in through it; did you mean corp?`) {
		t.Errorf("warnings %q", c.Warnings)
	}
	one := append(domain, "FORWARD_AUTH_APPS=https://w.example.org", "AUTH_PROVIDERS=corp", "AUTH_CORP_DRIVER=openid", "FORWARD_AUTH_USER=email")
	if c := with(one).mustLoad(t); len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "without REQUIRE_VERIFIED_EMAIL") {
		t.Errorf("warnings %q", c.Warnings)
	}
}

// FA02: nobody is allowed to ask unless a proxy is named.
func TestWhoMayAsk(t *testing.T) {
	for name, tc := range map[string]struct {
		environ []string
		want    int
		warned  string
	}{
		"those of IP_TRUST_PROXY": {[]string{"IP_TRUST_PROXY=10.0.0.1,10.0.0.2"}, 2, ""},
		"others":                  {[]string{"IP_TRUST_PROXY=10.0.0.1,10.0.0.2", "FORWARD_AUTH_TRUST_PROXY=10.0.0.3"}, 1, ""},
		"none":                    {nil, 0, "every proxy is refused there"},
		"none, and said so":       {[]string{"IP_TRUST_PROXY=10.0.0.1", "FORWARD_AUTH_TRUST_PROXY=false"}, 0, "every proxy is refused there"},
	} {
		c := newSetup(t, append(tc.environ, "FORWARD_AUTH_ADDRESS=127.0.0.1:0")...).mustLoad(t)
		if got := strings.Join(c.Warnings, "\n"); len(c.ForwardAuthProxies) != tc.want || !strings.Contains(got, tc.warned) || (got == "") != (tc.warned == "") {
			t.Errorf("%s: trusts %v, warns %q", name, c.ForwardAuthProxies, got)
		}
	}
}
