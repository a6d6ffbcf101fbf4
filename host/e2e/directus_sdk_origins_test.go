package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// The origins of the browser's tests. Those below doorward.test are one site, and so are
// those below other.example.
const (
	sameSiteHost  = "https://login.doorward.test"  // admits appHere
	crossSiteHost = "https://login2.doorward.test" // with SameSite=None, admits appElsewhere
	closedHost    = "https://login3.doorward.test" // with SameSite=None, admits nobody

	appHere           = "https://app.doorward.test"
	appElsewhere      = "https://app.other.example"
	strangerHere      = "https://stranger.doorward.test"
	strangerSomewhere = "https://stranger.other.example"
)

// openTo are the settings of each host.
var openTo = map[string]map[string]string{
	sameSiteHost:  {"CORS_ENABLED": "true", "CORS_ORIGIN": appHere},
	crossSiteHost: merged(noSameSite, map[string]string{"CORS_ENABLED": "true", "CORS_ORIGIN": appElsewhere}),
	closedHost:    noSameSite,
}

var noSameSite = map[string]string{"SESSION_COOKIE_SAME_SITE": "none", "REFRESH_TOKEN_COOKIE_SAME_SITE": "none"}

// crossing is one answer of a host to a page of another origin.
type crossing struct {
	origin, method, path string
	status               int
	brought              []*http.Cookie
	allowed              string // Access-Control-Allow-Origin
	sets                 bool   // cookies
}

// origins is all of them behind one listener with TLS: hosts, and an application's page
// wherever there is none.
type origins struct {
	*behind
	site  *sdkSite
	hosts map[string]*testHost
	pages http.Handler

	mu        sync.Mutex
	crossings []crossing
	visited   map[string]*http.Request // the last of a host that no other origin asked for
}

func startOrigins(t *testing.T) *origins {
	t.Helper()
	dir := needDirectusSDK(t)
	o := &origins{behind: newPlace(t), hosts: map[string]*testHost{}, visited: map[string]*http.Request{}}
	o.site = startSDKSite(t, openidtest.Config{Name: "Example ID"}, slices.Collect(maps.Keys(openTo))...)
	for public, settings := range openTo {
		env := map[string]string{"PUBLIC_URL": public, "IP_TRUST_PROXY": "127.0.0.1"}
		for _, name := range []string{"FAKE", "FAKESESSION"} {
			provider(env, name, map[string]string{"REDIRECT_ALLOW_LIST": appHere + "/page/," + appElsewhere + "/page/"})
		}
		o.hosts[public] = o.site.startHost(t, 0, merged(env, settings))
	}
	files := http.NewServeMux()
	files.Handle("/sdk/", http.StripPrefix("/sdk/", http.FileServer(http.Dir(filepath.Join(dir, "node_modules", "@directus", "sdk", "dist")))))
	files.Handle("/page/", http.StripPrefix("/page/", http.FileServer(http.Dir(filepath.Join(dir, "page")))))
	files.Handle("/{$}", http.RedirectHandler("/page/", http.StatusSeeOther))
	o.pages = files
	o.listen(t)
	return o
}

// listen serves all origins until the test ends.
func (o *origins) listen(t *testing.T) {
	t.Helper()
	var err error
	if o.pair, err = o.authority.issue("origins", "*.doorward.test", "*.other.example"); err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.LoadX509KeyPair(o.pair.CertFile, o.pair.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(o)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that the browser kept in reserve
	server.StartTLS()
	t.Cleanup(server.Close)
	o.port = server.Listener.Addr().(*net.TCPAddr).Port
}

func (o *origins) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, ok := o.hosts["https://"+r.Host]
	if !ok {
		w.Header().Set("Cache-Control", "max-age=3600")
		o.pages.ServeHTTP(w, r)
		return
	}
	proxy := httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(&url.URL{Scheme: "http", Host: strings.TrimPrefix(host.URL, "http://")})
			pr.SetXForwarded()
			pr.Out.Host = pr.In.Host
		},
		ModifyResponse: o.note,
	}
	proxy.ServeHTTP(w, r)
}

func (o *origins) note(resp *http.Response) error {
	here, from := "https://"+resp.Request.Host, resp.Request.Header.Get("Origin")
	o.mu.Lock()
	defer o.mu.Unlock()
	if from == "" || from == here {
		o.visited[here] = resp.Request
		return nil
	}
	o.crossings = append(o.crossings, crossing{
		from, resp.Request.Method, resp.Request.URL.Path, resp.StatusCode, resp.Request.Cookies(), resp.Header.Get("Access-Control-Allow-Origin"), resp.Header.Get("Set-Cookie") != "",
	})
	return nil
}

// cookie is the value that the browser sends to the host itself.
func (o *origins) cookie(person *tab, host, name string) string {
	person.t.Helper()
	person.open(host + "/server/ping")
	o.mu.Lock()
	defer o.mu.Unlock()
	found, err := o.visited[host].Cookie(name)
	if err != nil {
		person.t.Fatalf("the cookie %s of %s: %v", name, host, err)
	}
	return found.Value
}

// take returns what was answered to other origins since it was last asked.
func (o *origins) take() []crossing {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.crossings
	o.crossings = nil
	return taken
}

// Whether a browser has cookies of other sites, by its preferences. Chromium 148 of Debian
// does not, unless told so.
const (
	cookiesOfOthers   = `{"profile": {"cookie_controls_mode": 0}}`
	noCookiesOfOthers = `{"profile": {"cookie_controls_mode": 1}}`
)

// browser finds all origins where they listen.
func (o *origins) browser(t *testing.T, preferences string) context.Context {
	t.Helper()
	profile := t.TempDir()
	if err := os.Mkdir(filepath.Join(profile, "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(preferences), 0o600); err != nil {
		t.Fatal(err)
	}
	here := fmt.Sprintf("127.0.0.1:%d", o.port)
	return startBrowser(t, o.trusting(t), chromedp.UserDataDir(profile),
		chromedp.Flag("host-resolver-rules", "MAP *.doorward.test:443 "+here+", MAP *.other.example:443 "+here))
}
