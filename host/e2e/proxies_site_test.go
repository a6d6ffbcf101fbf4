package e2e

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/plugins/saml/samltest"
)

// corpDomain is a domain that never exists in the DNS (RFC 6761 section 6.5), so only the
// proxies can resolve its names.
const corpDomain = ".corp.example"

// corpSite is a provider of each mechanism behind a firewall that admits only proxies.
type corpSite struct {
	t        *testing.T
	ca       *authority
	slapd    *slapd // nil without a directory
	port     int    // of the host
	fronts   map[string]*firewall
	settings map[string]map[string]string // of each provider
}

// corpProviders are the names of the site's providers.
var corpProviders = []string{"openid", "oauth2", "saml", "starttls", "plain", "ldaps"}

// startCorpSite runs these providers, or all. With the domain "", their host name is
// localhost, for proxies that receive addresses.
func startCorpSite(t *testing.T, domain string, providers ...string) *corpSite {
	t.Helper()
	if len(providers) == 0 {
		providers = corpProviders
	}
	ca, err := newAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &corpSite{t: t, ca: ca, port: freePort(t), fronts: map[string]*firewall{}, settings: map[string]map[string]string{}}
	for _, name := range providers {
		switch name {
		case "openid":
			s.addOpenID(s.name(name, domain))
		case "oauth2":
			s.addOAuth2(s.name(name, domain))
		case "saml":
			s.addSAML(s.name(name, domain))
		default:
			s.addDirectory(name, s.name("ldap", domain))
		}
	}
	return s
}

func (s *corpSite) name(name, domain string) string {
	if domain == "" {
		return "localhost"
	}
	return name + domain
}

// front is the TLS server in front of a provider.
func (s *corpSite) front(provider, name string) *firewall {
	s.t.Helper()
	pair, err := s.ca.issue(provider, name)
	if err != nil {
		s.t.Fatal(err)
	}
	certificate, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
	if err != nil {
		s.t.Fatal(err)
	}
	s.fronts[provider] = startFirewall(s.t, name, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	return s.fronts[provider]
}

func (s *corpSite) callback(provider string) string {
	return localURL("localhost", s.port) + "/auth/login/" + provider + "/callback"
}

func (s *corpSite) addOpenID(name string) {
	s.t.Helper()
	front := s.front("openid", name)
	client := openidtest.Client{ID: "doorward", Secret: newClientSecret(), RedirectURIs: []string{s.callback("openid"), s.callback("corp")}}
	fake, err := openidtest.New(openidtest.Config{Issuer: front.URL(), AutoApprove: true, Clients: []openidtest.Client{client}})
	if err != nil {
		s.t.Fatal(err)
	}
	front.protects(serve(s.t, fake))
	s.settings["openid"] = map[string]string{
		"DRIVER": "openid", "ISSUER_URL": front.URL(), "CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret,
		"CLIENT_HTTP_CA": s.ca.CA, "ALLOW_PUBLIC_REGISTRATION": "true",
	}
}

func (s *corpSite) addOAuth2(name string) {
	s.t.Helper()
	front := s.front("oauth2", name)
	client := oauth2test.Client{ID: "doorward", Secret: newClientSecret(), RedirectURIs: []string{s.callback("oauth2")}}
	fake := oauth2test.Start(s.t, oauth2test.Config{Kind: oauth2test.Generic, AutoApprove: true, Clients: []oauth2test.Client{client}})
	front.protects(strings.TrimPrefix(fake.Base(), "http://"))
	options := map[string]string{"DRIVER": "oauth2", "CLIENT_HTTP_CA": s.ca.CA, "ALLOW_PUBLIC_REGISTRATION": "true"}
	for option, value := range fake.Options(client) {
		options[strings.ToUpper(option)] = strings.Replace(value.(string), fake.Base(), front.URL(), 1)
	}
	s.settings["oauth2"] = options
}

func (s *corpSite) addSAML(name string) {
	s.t.Helper()
	front := s.front("saml", name)
	idp := samltest.New(samltest.Config{URL: front.URL(), AutoApprove: true, Users: []samltest.User{{NameID: "alice"}}})
	front.protects(serve(s.t, idp))
	s.settings["saml"] = map[string]string{
		"DRIVER": "saml", "IDP_METADATA_URL": idp.MetadataURL(), "CLIENT_HTTP_CA": s.ca.CA, "ALLOW_PUBLIC_REGISTRATION": "true",
	}
}

// addDirectory adds a provider with OpenLDAP, which all such providers share.
func (s *corpSite) addDirectory(provider, name string) {
	s.t.Helper()
	if s.slapd == nil {
		s.slapd = startSlapd(s.t, slapdConfig{Certificate: name})
	}
	front := startFirewall(s.t, name, nil).protects(s.slapd.Address())
	s.fronts[provider] = front
	options := map[string]string{"client_url": "ldap://" + front.Address()}
	switch provider {
	case "plain":
		options["start_tls"], options["allow_insecure_plaintext"] = "false", "true"
	case "ldaps":
		options["client_url"] = "ldaps://" + front.Address()
		front.protects("127.0.0.1:" + strconv.Itoa(s.slapd.TLSPort))
	}
	settings := map[string]string{"DRIVER": "ldap"}
	for option, value := range s.slapd.options(options) {
		settings[strings.ToUpper(option)] = value
	}
	s.settings[provider] = settings
}

// serve runs a handler on loopback until the test ends.
func serve(t testing.TB, handler http.Handler) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, listener, handler)
	return listener.Addr().String()
}

// serveOn serves what a listener accepts until the test ends.
func serveOn(t testing.TB, listener net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: firewallBound, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
}

// proxySpec is the specification of a proxy that can reach all providers.
func (s *corpSite) proxySpec(scheme, user, password string) proxySpec {
	spec := proxySpec{Scheme: scheme, User: user, Password: password}
	for _, front := range s.fronts {
		spec.Names, spec.Ports = append(spec.Names, front.Name), append(spec.Ports, front.Port)
	}
	return spec
}

// in is the site for a subtest.
func (s *corpSite) in(t *testing.T) *corpSite {
	in := *s
	in.t = t
	return &in
}

// names are those of the site's providers.
func (s *corpSite) names() []string { return slices.Sorted(maps.Keys(s.fronts)) }

// host runs Doorward with the providers of the site.
func (s *corpSite) host(more map[string]string, proxies ...*proxy) *testHost {
	s.t.Helper()
	env := map[string]string{"AUTH_PROVIDERS": strings.Join(s.names(), ",")}
	for name, settings := range s.settings {
		provider(env, strings.ToUpper(name), settings)
	}
	maps.Copy(env, more)
	host := startHost(s.t, HostConfig{Port: s.port, Env: env})
	for _, p := range proxies {
		p.keepSecret(host.secrets)
	}
	return host
}

// person has a browser that reaches the providers without a proxy.
func (s *corpSite) person(host *testHost) *agent {
	s.t.Helper()
	a := newAgent(s.t, host, "alice")
	ports := map[string]bool{}
	for _, front := range s.fronts {
		ports[strconv.Itoa(front.Port)] = true
	}
	inside := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(personLeavesFrom)}}
	transport := &http.Transport{TLSClientConfig: s.ca.trust(""), DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if _, port, _ := net.SplitHostPort(address); ports[port] {
			return inside.DialContext(ctx, network, "127.0.0.1:"+port)
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	s.t.Cleanup(transport.CloseIdleConnections)
	a.client.Transport = transport
	return a
}

// login has somebody sign in, and returns the error code, or "".
func (s *corpSite) login(host *testHost, name string) string {
	s.t.Helper()
	if s.settings[name]["DRIVER"] == "ldap" {
		got := program{s.t, host, name}.login("alice", s.slapd.Password)
		if got.status != http.StatusOK {
			return got.code()
		}
		return ""
	}
	person := s.person(host)
	got := person.signIn(host.URL + "/auth/login/" + name + "?" + url.Values{"mode": {"session"}, "redirect": {"/app"}}.Encode())
	target := got.location()
	switch {
	case target == nil:
		return fmt.Sprint(got.status, " ", got.body)
	case target.Path == "/app" && person.cookie(sessionCookie) != "":
		return ""
	}
	return cmp.Or(target.Query().Get("reason"), "redirected to "+target.String())
}

// signIn is a login that must succeed.
func (s *corpSite) signIn(host *testHost, name string) {
	s.t.Helper()
	if problem := s.login(host, name); problem != "" {
		s.t.Errorf("signing in at %s: %s", name, problem)
	}
}
