package web_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web"
	"github.com/doorward/doorward/sdk"
)

// anonymous is an expensive request that anyone can send.
type anonymous struct {
	route    string // method and path as in routes.go
	name     string
	status   int
	requests [][]byte // by turns
}

// samlInbound is the size that plugins/saml says it must receive.
const samlInbound = 528_388

// saml is posting with the further capabilities of a SAML mechanism.
type saml struct{ posting }

func (saml) Metadata(context.Context) (sdk.Document, error) {
	return sdk.Document{ContentType: "application/samlmetadata+xml", Content: []byte(strings.Repeat("<x/>", 1000))}, nil
}

func (saml) ReceiveLogout(context.Context, sdk.LogoutMessage) (sdk.Logout, error) {
	return sdk.Logout{}, sdk.InvalidResponse("unsigned", "not signed")
}

func newCostlySite(t testing.TB) *site {
	provider := func(name, driver string) sso.Provider {
		return sso.Provider{Name: name, Driver: driver, Label: "Provider " + name, Mode: sso.ModeSession, LoginTimeout: 5 * time.Minute}
	}
	d := directory{mechanisms: map[string]sdk.Mechanism{"op": redirecting{}, "dir": prompting{}, "saml": saml{}}}
	federation := provider("saml", "saml")
	federation.MaxInbound, federation.AllowUnsolicited = samlInbound, true
	d.list = []sso.Provider{provider("op", "openid"), provider("dir", "ldap"), federation}
	for i := range 17 {
		name := fmt.Sprint("more", i)
		d.list = append(d.list, provider(name, "openid"))
		d.mechanisms[name] = redirecting{}
	}
	s := newSiteConfigured(t, "", d, func(c *web.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.CORS = web.CORS{Origins: []string{application}, Credentials: true}
	})
	s.logger.SetLevel(hclog.Info)
	return s
}

// raw is a request as a client writes it.
func raw(method, target, body string, header ...string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method, target)
	for i := 0; i < len(header); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", header[i], header[i+1])
	}
	if method == http.MethodPost {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	return []byte(b.String() + "\r\n" + body)
}

// What a header can hold: 32 KB with everything else.
const headerRoom = 30 << 10

var (
	forHTML  = []string{"Accept", "text/html"}
	asForm   = []string{"Content-Type", "application/x-www-form-urlencoded"}
	asJSON   = []string{"Content-Type", "application/json"}
	ownPage  = []string{"Sec-Fetch-Site", "same-origin"}
	nested   = `{"x":` + strings.Repeat("[", 8000) + strings.Repeat("]", 8000) + `}`
	manyKeys = strings.TrimSuffix(strings.Repeat("a=b&", 64), "&")
)

func with(lists ...[]string) []string { return slices.Concat(lists...) }

// garbageCookies are as many of each kind as are read, and as many others as there is room
// for.
func garbageCookies() []string {
	var list []string
	for i := range 8 {
		token := base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf("%032d", i)))
		list = append(list, "directus_session_token="+token, "directus_refresh_token="+token)
	}
	for i := range 64 {
		list = append(list, fmt.Sprintf("doorward_attempt_%d=x", i))
	}
	text := strings.Join(list, ";")
	others := 1024 - len(list)
	return []string{"Cookie", text + strings.Repeat(";"+strings.Repeat("a", (headerRoom-len(text))/others-1), others)}
}

// hops is an endless chain of proxies.
func hops() []string {
	return []string{"X-Forwarded-For", strings.TrimSuffix(strings.Repeat("127.0.0.1,", headerRoom/10), ",")}
}

// largestBearer is an access token of this host, except for its signature.
func largestBearer(t testing.TB, s *site) string {
	var keys struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal([]byte(s.browser(t).get("/.well-known/jwks.json").body), &keys); err != nil || len(keys.Keys) == 0 {
		t.Fatalf("keys: %v", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	head := encode([]byte(`{"alg":"EdDSA","kid":"`+keys.Keys[0].Kid+`","typ":"at+jwt"}`)) + "."
	tail := "." + encode(make([]byte, 64))
	const largest = 4 << 10
	room := (largest - len(head) - len(tail)) / 4 * 3
	claims := `{"iss":"` + strings.Repeat("x", room-10) + `"}`
	return head + encode([]byte(claims)) + tail
}

// attempts begins logins, and returns a request for each that opens it and fails.
func attempts(t testing.TB, s *site, n int) [][]byte {
	var list [][]byte
	for range n {
		b := s.browser(t)
		a := b.get("/auth/login/op")
		target, err := url.Parse(a.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		var cookie string
		for _, c := range a.Cookies() {
			cookie = c.Name + "=" + c.Value
		}
		list = append(list, raw("GET", "/auth/login/op/callback?code=forged&state="+target.Query().Get("state"), "", with(forHTML, []string{"Cookie", cookie})...))
	}
	return list
}

// dearest lists the most expensive known requests of each route.
func dearest(t testing.TB, s *site) []anonymous {
	cookies, proxies := garbageCookies(), hops()
	one := func(route, name string, status int, target, body string, header ...string) anonymous {
		method, path, _ := strings.Cut(route, " ")
		if target == "" || target[0] == '?' {
			target = path + target
		}
		return anonymous{route, name, status, [][]byte{raw(method, target, body, header...)}}
	}
	longPath := strings.Repeat("%20", headerRoom/3)
	quotes := func(n int) string { return "SAMLResponse=" + strings.Repeat(`"`, n-13) }
	base64Body := func(n int) string {
		return "SAMLResponse=" + strings.Repeat("abcdefghijklmnopqrstuvwxyz%2BABC", (n-13)/32)
	}
	jwt := []string{"Authorization", "Bearer " + largestBearer(t, s)}
	long := url.Values{"redirect": {"/" + strings.Repeat("a", 2000)}}.Encode()

	list := []anonymous{
		one("GET /", "garbage cookies", 302, "", "", with(forHTML, cookies)...),
		one("GET /", "forged bearer", 302, "", "", with(forHTML, jwt)...),
		one("GET /", "as many proxies as fit", 302, "", "", with(forHTML, proxies)...),
		one("GET /login", "20 providers", 200, "", "", forHTML...),
		one("GET /login", "20 providers, with a redirect", 200, "?redirect=%2Fapp", "", forHTML...),
		one("GET /login", "a redirect of 2 KB", 200, "?"+long, "", forHTML...),
		one("GET /login", "many parameters", 400, "?"+strings.Repeat("a&", 8<<10), "", forHTML...),
		one("GET /logout", "garbage cookies", 302, "", "", with(forHTML, cookies)...),
		one("GET /invitation", "one that was never made", 401, "?token="+string(sso.NewInvitationToken()), "", with(forHTML, cookies)...),
		one("POST /invitation", "one that was never made", 401, "", "provider=op&token="+string(sso.NewInvitationToken()), with(forHTML, asForm, cookies)...),
		one("GET /denied", "a redirect of 2 KB", 400, "?"+long, "", with(forHTML, cookies)...),
		one("GET /account", "garbage cookies", 302, "", "", with(forHTML, cookies)...),
		one("POST /account/end", "garbage cookies", 303, "", "session=x", with(forHTML, asForm, ownPage, cookies)...),
		one("POST /account/end-others", "many parameters", 303, "", manyKeys, with(forHTML, asForm, ownPage, cookies)...),
		one("POST /account/link", "a form of escapes", 303, "", "provider="+strings.Repeat("%41", 1300), with(forHTML, asForm, ownPage, cookies)...),
		one("POST /account/unlink", "1 MB", 413, "", strings.Repeat("a", 1<<20), with(forHTML, asForm, ownPage)...),
		one("GET /auth", "20 providers", 200, "?"+manyKeys, ""),
		one("POST /auth/login", "", 404, "", nested, asJSON...),
		one("GET /auth/login/:provider", "redirect", 302, "/auth/login/op?login_hint="+strings.Repeat("a", 300), "", with(forHTML, cookies)...),
		one("GET /auth/login/:provider", "form", 200, "/auth/login/saml", "", forHTML...),
		one("GET /auth/login/:provider", "prompt", 200, "/auth/login/dir", "", with(forHTML, cookies)...),
		one("GET /auth/login/:provider", "a redirect of 2 KB", 302, "/auth/login/op?"+long, "", forHTML...),
		one("POST /auth/login/:provider", "wrong password", 401, "/auth/login/dir", `{"identifier":"ada","password":"wrong"}`, asJSON...),
		one("POST /auth/login/:provider", "nested JSON", 400, "/auth/login/dir", nested, asJSON...),
		one("POST /auth/login/:provider", "form", 400, "/auth/login/dir", strings.Repeat("%41", 5400), with(forHTML, asForm)...),
		{"GET /auth/login/:provider/callback", "an attempt that fails", 401, attempts(t, s, 300)},
		one("GET /auth/login/:provider/callback", "no attempt", 401, "/auth/login/op/callback?state=x", "", with(forHTML, cookies)...),
		one("GET /auth/login/:provider/callback", "no state, many parameters", 400, "/auth/login/op/callback?"+manyKeys, "", forHTML...),
		one("GET /auth/login/:provider/callback", "too many parameters", 400, "/auth/login/op/callback?"+strings.Repeat("a&", 8<<10), "", forHTML...),
		one("POST /auth/login/:provider/callback", "post again, 16 KB of quotes", 200, "/auth/login/op/callback", "state=x&a="+strings.Repeat(`"`, 16<<10-10), with(forHTML, asForm)...),
		one("POST /auth/login/:provider/callback", "post again, 64 parameters", 200, "/auth/login/op/callback", "state=x&"+manyKeys[4:], with(forHTML, asForm, cookies)...),
		one("POST /auth/login/:provider/callback", "1 MB", 413, "/auth/login/op/callback", strings.Repeat("a", 1<<20), with(forHTML, asForm)...),
		one("GET /auth/login/:provider/acs", "no attempt", 401, "/auth/login/saml/acs?RelayState=x", "", with(forHTML, cookies)...),
		one("POST /auth/login/:provider/acs", "post again, 20 KB of base64", 200, "/auth/login/saml/acs", base64Body(20<<10), with(forHTML, asForm)...),
		one("POST /auth/login/:provider/acs", "post again, 516 KB of base64", 200, "/auth/login/saml/acs", base64Body(samlInbound), with(forHTML, asForm)...),
		one("POST /auth/login/:provider/acs", "post again, 516 KB of quotes", 200, "/auth/login/saml/acs", quotes(samlInbound), with(forHTML, asForm)...),
		one("POST /auth/login/:provider/acs", "nobody asked for, 516 KB", 401, "/auth/login/saml/acs", "doorward_reposted=1&"+base64Body(samlInbound-20), with(forHTML, asForm)...),
		one("POST /auth/login/:provider/acs", "1 MB", 413, "/auth/login/saml/acs", strings.Repeat("a", 1<<20), with(forHTML, asForm)...),
		one("GET /auth/login/:provider/logout", "forged", 400, "/auth/login/saml/logout?SAMLRequest=x", "", with(forHTML, cookies)...),
		one("POST /auth/login/:provider/logout", "forged, 516 KB", 400, "/auth/login/saml/logout", base64Body(samlInbound), with(asForm, cookies)...),
		one("POST /auth/login/:provider/logout", "post again, 516 KB of quotes", 200, "/auth/login/saml/logout", quotes(samlInbound), with(forHTML, asForm, []string{"Origin", "https://idp.example"})...),
		one("GET /auth/login/:provider/metadata", "", 200, "/auth/login/saml/metadata", ""),
		one("POST /auth/refresh", "garbage cookies", 401, "", "", with(forHTML, cookies)...),
		one("POST /auth/refresh", "nested JSON", 400, "", nested, asJSON...),
		one("POST /auth/refresh", "a form of escapes", 400, "", "mode=json&x="+strings.Repeat("%41", 5400), with(forHTML, asForm)...),
		one("POST /auth/logout", "garbage cookies", 303, "", "", with(forHTML, cookies)...),
		one("OPTIONS /auth/refresh", "a preflight, 30 KB of names of headers", 204, "", "", with(fromApplication, []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", strings.Repeat("a,", headerRoom/2)})...),
		one("OPTIONS /auth/refresh", "a stranger's preflight", 204, "", "", "Origin", "https://"+strings.Repeat("a", headerRoom), "Access-Control-Request-Method", "POST"),
		one("GET /users/me", "garbage cookies", 401, "", "", with(forHTML, cookies)...),
		one("GET /users/me", "forged bearer", 403, "", "", with(forHTML, jwt)...),
		one("GET /users/me", "a bearer of 30 KB", 401, "", "", "Authorization", "Bearer "+strings.Repeat("a.", headerRoom/2)),
		one("GET /users/me", "a token of 30 KB", 401, "", "", "Authorization", "Bearer "+strings.Repeat("a", headerRoom)),
		one("PATCH /users/me", "garbage cookies", 401, "", "", with(forHTML, cookies)...),
		one("PATCH /users/me", "forged bearer", 403, "", "", with(forHTML, jwt)...),
		one("GET /roles/me", "forged bearer", 403, "?fields="+strings.Repeat("a,", 100), "", with(forHTML, jwt)...),
		one("GET /policies/me/globals", "garbage cookies", 401, "", "", with(forHTML, cookies)...),
		one("POST /utils/resolve-redirect", "a redirect of 2 KB", 200, "", `{"provider":"op","redirect":"/`+strings.Repeat("a", 2000)+`"}`, asJSON...),
		one("POST /utils/resolve-redirect", "nested JSON", 200, "", nested, asJSON...),
		one("GET /.well-known/jwks.json", "", 200, "", ""),
		one("GET /.well-known/oauth-authorization-server", "", 200, "", ""),
		one("GET /.well-known/oauth-authorization-server/*", "none such", 404, "/.well-known/oauth-authorization-server/"+longPath, "", forHTML...),
		one("GET /server/ping", "cookies", 200, "", "", with(cookies)...),
		one("GET /server/ping", "as many cookies as fit", 200, "", "", "Cookie", strings.Repeat("a=;", headerRoom/3)),
		one("GET /server/health", "", 200, "", ""),
		one("GET /server/info", "", 200, "", ""),
		one("GET /assets/:name", "none such", 404, "/assets/"+longPath, "", forHTML...),
		one("GET no route", "a path of 30 KB", 404, "/"+longPath, "", forHTML...),
		one("HEAD /auth/login/:provider", "", 200, "/auth/login/op?"+manyKeys[:3], ""),
		one("HEAD /auth/login/:provider/callback", "", 200, "/auth/login/op/callback?"+manyKeys, ""),
		one("HEAD /auth/login/:provider/acs", "", 200, "/auth/login/op/acs?"+manyKeys, ""),
		one("HEAD /auth/login/:provider/logout", "", 200, "/auth/login/op/logout?"+manyKeys, ""),
	}
	return list
}

// TestEveryRouteHasACost keeps a new route from being forgotten, and the requests
// from being refused before they cost anything.
func TestEveryRouteHasACost(t *testing.T) {
	s := newCostlySite(t)
	list := dearest(t, s)
	for _, route := range s.server.Routes() {
		method := route.Method
		found := slices.ContainsFunc(list, func(a anonymous) bool { return a.route == method+" "+route.Path })
		if method == http.MethodHead && !safe[route.Path] {
			continue // it is GET
		}
		if !found {
			t.Errorf("%s %s has no row in the table of costs", method, route.Path)
		}
	}
	meter := newCostMeter(t, s.Listener.Addr().String())
	for _, a := range list {
		if _, got := meter.send(t, 1, a.requests...); got[a.status] != 1 {
			t.Errorf("%s, %s: status %v, want %d", a.route, a.name, got, a.status)
		}
	}
}

// BenchmarkAnonymousCosts measures what anyone can make the host do, in CPU time, as
// multiples of GET /server/ping in the same run.
func BenchmarkAnonymousCosts(b *testing.B) {
	s := newCostlySite(b)
	meter := newCostMeter(b, s.Listener.Addr().String())
	ping := raw("GET", "/server/ping", "")
	meter.send(b, 2000, ping)
	for _, a := range dearest(b, s) {
		b.Run(a.route+", "+a.name, func(b *testing.B) {
			var total, pings time.Duration
			for b.Loop() { // by turns, so that whatever else the machine does hits both
				one, _ := meter.send(b, 5*costRequests, ping)
				pings += one
				one, got := meter.send(b, costRequests, a.requests...)
				if len(a.requests) == 1 && got[a.status] != costRequests {
					b.Fatalf("status %v, want %d", got, a.status)
				}
				total += one
			}
			b.ReportMetric(float64(total.Microseconds())/float64(b.N), "cpu-µs")
			b.ReportMetric(float64(total)/float64(pings), "pings")
		})
	}
}

// costRequests is how many requests one measurement sends.
const costRequests = 300
