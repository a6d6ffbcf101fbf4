package e2e

import (
	"cmp"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Traefik and Envoy are not packages of the distributions that the tests run on. These
// simulations use the settings of the files in docs/forward-auth, and behave as the
// source and the documentation of the proxies say about checks.

// asking is a proxy in front of the applications that asks Doorward first.
type asking struct {
	t     *testing.T
	g     *guarded
	check *http.Client

	// question returns the request to Doorward, and taken handles the response. It returns
	// false if it has sent a response to the client.
	question func(r *http.Request) *http.Request
	passed   func(w http.ResponseWriter, r *http.Request, said *http.Response) bool
}

// start serves all names in docs/forward-auth until the test ends.
func (a *asking) start() {
	a.t.Helper()
	pair, err := tls.LoadX509KeyPair(a.g.pair.CertFile, a.g.pair.KeyFile)
	if err != nil {
		a.t.Fatal(err)
	}
	a.check = &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	server := httptest.NewUnstartedServer(a)
	server.Listener.Close()
	if server.Listener, err = new(net.ListenConfig).Listen(a.t.Context(), "tcp", a.g.address()); err != nil {
		a.t.Fatal(err)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	a.t.Cleanup(server.Close)
	a.t.Cleanup(a.check.CloseIdleConnections)
}

func (a *asking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := map[string]string{"sso.example.org": a.g.place.host(), "wiki.example.org": a.g.wiki.address, "files.example.org": a.g.files.address}[r.Host]
	if to == "" {
		http.NotFound(w, r)
		return
	}
	if r.Host != "sso.example.org" {
		said, err := a.check.Do(a.question(r).WithContext(r.Context())) //nolint:bodyclose // below
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		defer said.Body.Close()
		if !a.passed(w, r, said) {
			return
		}
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(&url.URL{Scheme: "http", Host: to})
		p.Out.Host = p.In.Host
		p.Out.Header["X-Forwarded-For"] = []string{outsideAddress}
	}}
	proxy.ServeHTTP(w, r)
}

// refused sends a response unchanged to the browser.
func refused(w http.ResponseWriter, said *http.Response, status int) bool {
	for name, values := range said.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	_, _ = io.Copy(w, said.Body)
	return false
}

func newQuestion(t *testing.T, method, address string) *http.Request {
	question, err := http.NewRequestWithContext(t.Context(), method, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	question.Header.Set("User-Agent", "")
	return question
}

// traefikFile contains the settings of traefik.yaml that the simulation uses.
type traefikFile struct {
	HTTP struct {
		Middlewares map[string]struct {
			ForwardAuth struct {
				Address             string   `yaml:"address"`
				TrustForwardHeader  bool     `yaml:"trustForwardHeader"`
				AuthResponseHeaders []string `yaml:"authResponseHeaders"`
				AuthRequestHeaders  []string `yaml:"authRequestHeaders"`
			} `yaml:"forwardAuth"`
		} `yaml:"middlewares"`
		Routers map[string]struct {
			Middlewares []string `yaml:"middlewares"`
		} `yaml:"routers"`
	} `yaml:"http"`
}

// startTraefik follows ForwardAuth of Traefik 3.7 (pkg/middlewares/auth/forward.go).
func startTraefik(t *testing.T, g *guarded) {
	t.Helper()
	var file traefikFile
	if err := yaml.Unmarshal([]byte(forwardAuthFile(t, "traefik.yaml", "127.0.0.1:8056", g.checks)), &file); err != nil {
		t.Fatal(err)
	}
	for _, app := range []string{"wiki", "files"} {
		if got := file.HTTP.Routers[app].Middlewares; !slices.Equal(got, []string{"doorward"}) {
			t.Fatalf("the middlewares of %s are %q", app, got)
		}
	}
	auth := file.HTTP.Middlewares["doorward"].ForwardAuth
	if auth.TrustForwardHeader {
		t.Fatal("the client's X-Forwarded-… would be believed")
	}
	traefik := &asking{t: t, g: g}
	// Always GET, with the listed headers and Traefik's own X-Forwarded-… headers. Host is
	// the host of the check. Hop-by-hop headers, such as Upgrade, are not sent.
	traefik.question = func(r *http.Request) *http.Request {
		question := newQuestion(t, http.MethodGet, auth.Address)
		for _, name := range auth.AuthRequestHeaders {
			if values := r.Header.Values(name); len(values) > 0 {
				question.Header[http.CanonicalHeaderKey(name)] = values
			}
		}
		for name, value := range map[string]string{
			"Method": r.Method, "Proto": "https", "Host": r.Host, "Port": "443", "Uri": r.URL.RequestURI(), "For": outsideAddress,
		} {
			question.Header.Set("X-Forwarded-"+name, value)
		}
		return question
	}
	// 2xx passes, with the listed headers of the response instead of those of the client.
	// All other responses go to the browser, with a Location that is made absolute.
	traefik.passed = func(w http.ResponseWriter, r *http.Request, said *http.Response) bool {
		if said.StatusCode/100 != 2 {
			if location, err := said.Location(); err == nil {
				said.Header.Set("Location", location.String())
			}
			return refused(w, said, said.StatusCode)
		}
		for name := range r.Header { // aliasHeadersStrategy: delete
			if strings.ContainsAny(name, "_.") {
				delete(r.Header, name)
			}
		}
		for _, name := range auth.AuthResponseHeaders {
			r.Header.Del(name)
			for _, value := range said.Header.Values(name) {
				r.Header.Add(name, value)
			}
		}
		return true
	}
	traefik.start()
}

// envoyMatch is a string matcher.
type envoyMatch struct {
	Exact  string `yaml:"exact"`
	Prefix string `yaml:"prefix"`
}

func matches(patterns []envoyMatch, name string) bool {
	return slices.ContainsFunc(patterns, func(m envoyMatch) bool {
		return m.Exact == strings.ToLower(name) || m.Prefix != "" && strings.HasPrefix(strings.ToLower(name), m.Prefix)
	})
}

type envoyPatterns struct {
	Patterns []envoyMatch `yaml:"patterns"`
}

// envoyAuthz contains the settings of the filter in envoy.yaml that the simulation uses.
type envoyAuthz struct {
	Type             string        `yaml:"@type"`
	FailureModeAllow bool          `yaml:"failure_mode_allow"`
	AllowedHeaders   envoyPatterns `yaml:"allowed_headers"`
	HTTPService      struct {
		ServerURI  struct{ URI string } `yaml:"server_uri"`
		PathPrefix string               `yaml:"path_prefix"`
		Request    struct {
			HeadersToAdd []struct{ Key, Value string } `yaml:"headers_to_add"`
		} `yaml:"authorization_request"`
		Response struct {
			AllowedUpstreamHeaders envoyPatterns `yaml:"allowed_upstream_headers"`
		} `yaml:"authorization_response"`
	} `yaml:"http_service"`
}

// filterOf finds the settings of the filter anywhere in the file.
func filterOf(t *testing.T, text string) (authz envoyAuthz) {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	var look func(n *yaml.Node)
	look = func(n *yaml.Node) {
		var found envoyAuthz
		if n.Kind == yaml.MappingNode && n.Decode(&found) == nil && strings.HasSuffix(found.Type, "ext_authz.v3.ExtAuthz") {
			authz = found
		}
		for _, child := range n.Content {
			look(child)
		}
	}
	look(&root)
	if authz.Type == "" || authz.FailureModeAllow {
		t.Fatalf("the filter in envoy.yaml: %+v", authz)
	}
	return authz
}

// startEnvoy follows the HTTP service of ext_authz
// (api/envoy/extensions/filters/http/ext_authz/v3/ext_authz.proto).
func startEnvoy(t *testing.T, g *guarded) {
	t.Helper()
	authz := filterOf(t, forwardAuthFile(t, "envoy.yaml", "127.0.0.1:8056", g.checks, "port_value: 8056", "port_value: "+portOf(t, g.checks)))
	service := authz.HTTPService
	envoy := &asking{t: t, g: g}
	// The method, the Host and the target of the request, after the prefix. The headers are
	// Authorization and the allowed headers. There is no body.
	envoy.question = func(r *http.Request) *http.Request {
		question := newQuestion(t, r.Method, service.ServerURI.URI+service.PathPrefix+r.RequestURI)
		question.Host = r.Host
		for name, values := range r.Header {
			if name == "Authorization" || matches(authz.AllowedHeaders.Patterns, name) {
				question.Header[name] = values
			}
		}
		for _, add := range service.Request.HeadersToAdd {
			question.Header.Set(add.Key, add.Value)
		}
		return question
	}
	// Only 200 passes. Allowed headers of the response replace those of the client, and
	// headers that the response lists for removal are removed. 5xx is an error: 403.
	envoy.passed = func(w http.ResponseWriter, r *http.Request, said *http.Response) bool {
		switch {
		case said.StatusCode >= 500:
			w.WriteHeader(http.StatusForbidden)
			return false
		case said.StatusCode != http.StatusOK:
			return refused(w, said, said.StatusCode)
		}
		for name, values := range said.Header {
			if matches(service.Response.AllowedUpstreamHeaders.Patterns, name) {
				r.Header[name] = values
			}
		}
		for name := range strings.SplitSeq(said.Header.Get("X-Envoy-Auth-Headers-To-Remove"), ",") {
			r.Header.Del(strings.TrimSpace(name))
		}
		return true
	}
	envoy.start()
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if number, atoiErr := strconv.Atoi(port); cmp.Or(err, atoiErr) != nil || number == 0 {
		t.Fatalf("the address %q", address)
	}
	return port
}

// The contracts of Traefik and Envoy.
func TestForwardAuthByContracts(t *testing.T) {
	for name, start := range map[string]func(*testing.T, *guarded){"Traefik": startTraefik, "Envoy": startEnvoy} {
		t.Run(name, func(t *testing.T) {
			g := startGuarded(t)
			start(t, g)
			alice, session := g.signedIn(t, "alice")
			p := &passage{t: t, g: g, session: session, user: g.userID(t, alice)}
			t.Run("nothing is sent twice", func(t *testing.T) { p.in(t).identity() })
			t.Run("FA03 FA04 forged ways", func(t *testing.T) { p.in(t).forgedWays() })
			t.Run("FA41 forged identity", func(t *testing.T) {
				p.in(t).forged([]string{"Remote-User: evil", "REMOTE-GROUPS: evil", "remote-email: evil", "Remote-Name: evil\r\nRemote-Name: evil", "X-Doorward-Assertion: evil"})
			})
			if name == "Envoy" { // Traefik cannot always remove one of two values
				t.Run("FA45 Authorization", func(t *testing.T) { p.in(t).authorization() })
			}
			t.Run("programs", func(t *testing.T) { p.in(t).programs("Sec-Fetch-Mode: websocket") })
			if err := g.host.Stop(); err != nil {
				t.Fatal(err)
			}
			p.stopped("GET /x", p.cookie())
		})
	}
}
