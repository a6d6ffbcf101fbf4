package forwardauth_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/forwardauth"
	"github.com/doorward/doorward/host/internal/sso"
)

// The rows are attacks on forward-auth that were seen in the field. S is the cookie of
// alice, who is in no important group; without it nobody is signed in.

const (
	S  = "\x00S" // stands for the cookie of alice
	no = ""
)

// row is a request with its expected answer. For 200, user is the user that the app is
// told.
type row struct {
	id, name string
	q        question
	status   int
	user     string
}

func run(t *testing.T, rows []row) {
	t.Helper()
	r := newRig(t)
	cookie := r.alice()
	for _, row := range rows {
		for i, h := range row.q.headers {
			row.q.headers[i] = strings.ReplaceAll(h, S, cookie)
		}
		r.ask(row.q).check(t, row.id+" "+row.name, row.status, row.user)
	}
}

// Who may ask, and which values count. As in all of these tests, each answer is also
// checked for what caches and the application's origin could make of it (FA53, FA54).
func TestRowsOfSources(t *testing.T) {
	good := func(change ...string) question { return forward(append([]string{"Cookie: " + S}, change...)...) }
	run(t, []row{
		{"FA00", "base", good(), 200, "alice"},
		{"FA00", "base of nginx", nginx("Cookie: " + S), 200, "alice"},
		{"FA00", "base of Envoy", envoy("GET /forward-auth/envoy/x", "Cookie: "+S), 200, "alice"},
		{"FA00", "nobody", forward(), 401, no},
		{"FA03", "a client's X-Original-URL beside", forward("X-Original-URL: https://app.test/health", "X-Original-Method: GET"), 401, no},
		{"FA03", "a client's X-Forwarded-Uri beside", nginx("X-Forwarded-Uri: /health", "X-Forwarded-Host: app.test", "X-Forwarded-Method: GET"), 401, no},
		{"FA03", "a client's headers beside, Envoy", envoy("GET /forward-auth/envoy/x", "X-Forwarded-Uri: /health", "X-Original-URL: https://app.test/health"), 401, no},
		{"FA04", "underscores", forward("X_Forwarded_Uri: /health"), 401, no},
		{"FA04", "dots", forward("X.Forwarded.Uri: /health"), 401, no},
		{"FA04", "capitals are the same header, twice", forward("+X-FORWARDED-URI: /health"), 400, no},
		{"FA06", "Host twice", good("+X-Forwarded-Host: admin.test"), 400, no},
		{"FA06", "Host twice, the other way round", good("X-Forwarded-Host: admin.test", "+X-Forwarded-Host: app.test"), 400, no},
		{"FA06", "Uri twice", good("+X-Forwarded-Uri: /health"), 400, no},
		{"FA06", "Method twice", good("+X-Forwarded-Method: GET"), 400, no},
		{"FA06", "Proto twice", good("+X-Forwarded-Proto: https"), 400, no},
		{"FA06", "nginx, URL twice", nginx("Cookie: "+S, "+X-Original-URL: https://app.test/health"), 403, no},
		{"FA06", "nginx, method twice", nginx("Cookie: "+S, "+X-Original-Method: GET"), 403, no},
		{"FA06", "Envoy, Proto twice", envoy("GET /forward-auth/envoy/x", "Cookie: "+S, "+X-Forwarded-Proto: http"), 400, no},
		{"FA06", "Authorization twice", good("Authorization: Basic eA==", "+Authorization: Basic eQ=="), 401, no},
		{"FA07", "list of hosts", good("X-Forwarded-Host: app.test, admin.test"), 400, no},
		{"FA07", "list of protos", good("X-Forwarded-Proto: https,http"), 400, no},
		{"FA30", "unknown host, known path", forward("X-Forwarded-Host: evil.test"), 403, no},
		{"FA14", "unknown host", good("X-Forwarded-Host: evil.test"), 403, no},
		{"FA14", "unknown host, a page", forward(append([]string{"X-Forwarded-Host: evil.test"}, browser...)...), 403, no},
		{"FA35", "our own", forward(append([]string{"X-Forwarded-Host: sso.test", "X-Forwarded-Uri: /auth/login/corp"}, browser...)...), 403, no},
	})
	var rows []row
	for _, h := range []string{
		"X-Forwarded-Prefix: /public", "X-Forwarded-Path: /health", "X-Replaced-Path: /health", "Forwarded: host=admin.test", "X-Rewrite-URL: /health",
		"X-Original-URI: /health", "X-Forwarded-Server: admin.test", "X-Forwarded-Port: 1", "X-HTTP-Method-Override: POST",
	} {
		rows = append(rows, row{"FA05", h, good(h), 200, "alice"}, row{"FA05", h + ", nobody", forward(h), 401, no})
	}
	for _, name := range []string{"X-Forwarded-Method", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Uri"} {
		rows = append(rows, row{"FA08", "no " + name, good("-" + name), 400, no}, row{"FA08", "empty " + name, good(name + ":"), 400, no},
			row{"FA08", "blank " + name, good(name + ":  \t "), 400, no})
	}
	for _, name := range []string{"X-Original-Method", "X-Original-URL"} {
		rows = append(rows, row{"FA08", "no " + name, nginx("Cookie: "+S, "-"+name), 403, no}, row{"FA08", "empty " + name, nginx("Cookie: "+S, name+":"), 403, no})
	}
	rows = append(rows, row{"FA08", "Envoy, no Proto", envoy("GET /forward-auth/envoy/x", "Cookie: "+S, "-X-Forwarded-Proto"), 400, no})
	for _, address := range []string{"a", "unknown", "1.2.3.4, evil", strings.Repeat("9", 10<<10), "::ffff:1.2.3.4%eth0"} {
		rows = append(rows, row{"FA13", address[:min(len(address), 20)], good("X-Forwarded-For: " + address), 200, "alice"})
	}
	for _, agent := range []string{"GoogleHC/1.0", "kube-probe/1.30", "", strings.Repeat("a", 8<<10)} {
		rows = append(rows, row{"FA56", agent[:min(len(agent), 20)], forward("User-Agent: " + agent), 401, no})
	}
	rows = append(rows, row{"FA56", "the path of a health check", forward("X-Forwarded-Uri: /server/ping"), 401, no})
	run(t, rows)
}

// Valid forms of a host, a scheme and a method.
func TestRowsOfSpelling(t *testing.T) {
	host := func(name string) question { return forward("Cookie: "+S, "X-Forwarded-Host: "+name) }
	rows := []row{
		{"FA09", "admin", host("admin.test"), 403, no},
		{"FA09", "admin in capitals", host("ADMIN.test"), 403, no},
		{"FA09", "capitals", host("APP.Test"), 200, "alice"},
		{"FA09", "a dot behind", host("app.test."), 200, "alice"},
		{"FA09", "the default port", host("app.test:443"), 200, "alice"},
		{"FA09", "all of it", host("APP.test.:443"), 200, "alice"},
		{"FA10", "another port", host("app.test:8443"), 403, no},
		{"FA10", "port 80 over https", host("app.test:80"), 403, no},
		{"FA12", "an A-label", host("xn--bcher-kva.test"), 200, "alice"},
		{"FA12", "a U-label", host("bücher.test"), 200, "alice"},
		{"FA12", "a U-label in capitals", host("BÜCHER.test"), 400, no},
		{"FA12", "IPv6", host("[::1]"), 403, no},
		{"FA12", "IPv4", host("127.0.0.1"), 403, no},
		{"FA15", "http to an https app", forward("Cookie: "+S, "X-Forwarded-Proto: http"), 403, no},
		{"FA15", "ws to an https app", forward("Cookie: "+S, "X-Forwarded-Proto: ws"), 403, no},
		{"FA15", "wss", forward("Cookie: "+S, "X-Forwarded-Proto: wss"), 200, "alice"},
		{"FA15", "ws to an http app", forward("Cookie: "+S, "X-Forwarded-Host: plain.test", "X-Forwarded-Proto: ws"), 200, "alice"},
	}
	for _, name := range []string{"app.test:", "app.test:0443", "app.test:99999", "app.test:0", "app.test:+443", "app.test:4 43"} {
		rows = append(rows, row{"FA10", name, host(name), 400, no})
	}
	for _, name := range []string{
		"a@app.test", `app.test\@evil`, "app.test,evil", "app.test;x", "app.test/x", "app.test#", "app.test%00", "%61pp.test", "app .test", "app\t.test", "app..test",
		".app.test", "app.test..", "-app.test", "app-.test", "a_b.test", strings.Repeat("a", 64) + ".test", strings.Repeat("a.", 130) + "test",
	} {
		rows = append(rows, row{"FA11", name, host(name), 400, no})
	}
	for _, name := range []string{"127.1", "2130706433", "0x7f.1", "ａpp.test", "app.teſt", "[::1%25eth0]", "[::ffff]x", "127.0.0.01", "\xff.test"} {
		rows = append(rows, row{"FA12", name, host(name), 400, no})
	}
	for _, scheme := range []string{"HTTPS", "ftp", "javascript", "https:", "file"} {
		rows = append(rows, row{"FA15", scheme, forward("Cookie: "+S, "X-Forwarded-Proto: "+scheme), 400, no})
	}
	for _, method := range []string{"get", "G ET", "GET,POST", "foo", strings.Repeat("A", 1000), "G\u00cbT", "GET1", "-GET"} {
		rows = append(rows, row{"FA25", method[:min(len(method), 9)], forward("Cookie: "+S, "X-Forwarded-Method: "+method), 400, no})
	}
	rows = append(rows,
		row{"FA25", "another method by an override", forward("X-Forwarded-Uri: /health", "X-Forwarded-Method: POST", "X-HTTP-Method-Override: GET"), 401, no},
		row{"FA25", "by a parameter", forward("X-Forwarded-Uri: /health?_method=GET", "X-Forwarded-Method: POST"), 401, no},
		row{"FA26", "HEAD is a GET", forward("X-Forwarded-Uri: /health", "X-Forwarded-Method: HEAD"), 200, no},
		row{"FA26", "HEAD of a proxy", question{"HEAD /forward-auth", forward("X-Forwarded-Uri: /health").headers}, 200, no},
	)
	for _, method := range []string{"POST", "PUT", "PROPFIND", "MKCOL", "QUERY", "MOVE", "LOCK", "M-SEARCH", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
		rows = append(rows,
			row{"FA26", method, forward("X-Forwarded-Uri: /health", "X-Forwarded-Method: "+method), 401, no},
			row{"FA26", method + " with S", forward("Cookie: "+S, "X-Forwarded-Method: "+method), 200, "alice"},
			row{"FA26", method + " by Envoy", envoy(method+" /forward-auth/envoy/health", "Content-Length: 0"), 401, no},
			row{"FA26", method + " by Envoy with S", envoy(method+" /forward-auth/envoy/health", "Content-Length: 0", "Cookie: "+S), 200, "alice"},
			row{"FA26", method + " of the proxy", question{method + " /forward-auth", forward("Cookie: " + S).headers}, 200, "alice"},
		)
	}
	run(t, rows)
}

// A control character does not reach the handler: net/http refuses it.
func TestRowsOfControlCharacters(t *testing.T) {
	r := newRig(t)
	cookie := r.alice()
	for _, h := range []string{"X-Forwarded-Method: GET\x0b", "X-Forwarded-Host: app.test\x00", "X-Forwarded-Uri: /x\x01", "X-Forwarded-Proto: https\x7f"} {
		if a := r.ask(forward("Cookie: "+cookie, h)); a.StatusCode != http.StatusBadRequest {
			t.Errorf("FA25 FA11 %q: %s", h, a.Status)
		}
	}
}

// Valid paths, at an app with rules about paths and at one without.
func TestRowsOfPaths(t *testing.T) {
	at := func(uri string, more ...string) question {
		return forward(append([]string{"X-Forwarded-Uri: " + uri}, more...)...)
	}
	rows := []row{
		{"FA20", "public", at("/public/x"), 200, no},
		{"FA20", "public itself", at("/public/"), 200, no},
		{"FA20", "health", at("/health"), 200, no},
		{"FA22", "private with a query", at("/admin?/public/"), 401, no},
		{"FA22", "private with another", at("/admin?x=/health"), 401, no},
		{"FA22", "public with a query", at("/health?x=1"), 200, no},
		{"FA22", "public with an odd query", at("/health?/../%2e%00//"), 200, no},
		{"FA26", "not by POST", at("/public/x", "X-Forwarded-Method: POST"), 401, no},
		{"FA27", "preflight", forward("X-Forwarded-Host: pre.test", "X-Forwarded-Method: OPTIONS", "Origin: https://x.test", "Access-Control-Request-Method: PUT"), 200, no},
		{"FA27", "preflight with S", forward("Cookie: "+S, "X-Forwarded-Host: pre.test", "X-Forwarded-Method: OPTIONS", "Origin: https://x.test", "Access-Control-Request-Method: PUT"), 200, no},
		{"FA27", "preflight, off", forward("X-Forwarded-Method: OPTIONS", "Origin: https://x.test", "Access-Control-Request-Method: PUT"), 401, no},
		{"FA27", "OPTIONS alone", forward("X-Forwarded-Host: pre.test", "X-Forwarded-Method: OPTIONS"), 401, no},
		{"FA27", "OPTIONS with an Origin", forward("X-Forwarded-Host: pre.test", "X-Forwarded-Method: OPTIONS", "Origin: https://x.test"), 401, no},
		{"FA27", "not OPTIONS", forward("X-Forwarded-Host: pre.test", "X-Forwarded-Method: PUT", "Origin: https://x.test", "Access-Control-Request-Method: PUT"), 401, no},
		{"FA16", "64 KB", at("/" + strings.Repeat("a", 64<<10)), 431, no},
		{"FA16", "20 KB", at("/"+strings.Repeat("a", 20<<10), "Cookie: "+S), 400, no},
	}
	for _, uri := range []string{"https://admin.test/x", "//admin.test/x", "x", "?a", "*", "", ":", "http://[", "#", `\x`} {
		rows = append(rows, row{"FA18", uri, at(uri, "Cookie: "+S), 400, no})
	}
	for _, uri := range []string{"x", "?a", "*", "", ":", "http://["} {
		rows = append(rows, row{"FA18", uri + " where no rule looks", at(uri, "Cookie: "+S, "X-Forwarded-Host: any.test"), 400, no})
	}
	refused := []string{
		"/public/../admin", "/public/./../x", "/public/%2e%2e/x", "/public/%2E./x", "/public/..;/x", "/..%2fpublic/", "/public%2f..%2fx", "/public/%252e%252e/x",
		"/health/..", "/public/.", "/public/.;a=b", "/public/%2e", "/public/..%20/x", "/public/.../x", "/public/;/x", "/public/;a/../x", // FA20
		`/public\..\x`, "/public%5c..%5cx", "//public/x", "/x//public/", "/public//", "/health%00", "/public/%0d%0a", "/public/%7f", // FA21
		"/admin#/public/", "/health#x", "/health%23", "/health%3fx", "/health%3bx", // FA23
		"/%zz", "/%", "/public/%f", "/public/%ff", "/public/\xff", "/public/%c0%ae%c0%ae/x", // FA16, FA24
	}
	for _, uri := range refused {
		rows = append(rows,
			row{"FA20 FA21 FA23", uri, at(uri), 400, no}, row{"FA20 FA21 FA23", uri + " with S", at(uri, "Cookie: "+S), 400, no},
			row{"FA20 FA21 FA23", uri + " by nginx", nginx("X-Original-URL: https://app.test" + uri), 403, no},
			row{"FA24", uri + " where no rule looks", at(uri, "Cookie: "+S, "X-Forwarded-Host: any.test"), 200, "alice"},
		)
	}
	for _, uri := range []string{
		"/public;a=b/x", "/PUBLIC/x", "/health/", "/Health", "/health%20", "/health.", "/healthz", "/public", "/publicx", "/x/public/", "/hea%6Cth/", "/public%20/x", "/pub/lic/",
	} {
		rows = append(rows, row{"FA21", uri, at(uri), 401, no}, row{"FA21", uri + " with S", at(uri, "Cookie: "+S), 200, "alice"})
	}
	for _, uri := range []string{"/publi%63/x", "/public/%C3%BC", "/public/ü", "/public/%7Eme", "/public/a;b=c", "/public/a..b", "/public/a%20b", "/public/.well-known/x"} {
		rows = append(rows, row{"FA21", uri + " is public", at(uri), 200, no})
	}
	run(t, rows)
}

// Envoy sends the target behind a prefix.
func TestRowsOfEnvoy(t *testing.T) {
	with := func(line string, more ...string) question {
		return envoy(line, append([]string{"Cookie: " + S}, more...)...)
	}
	run(t, []row{
		{"FA19", "query", with("GET /forward-auth/envoy/x?y=/health"), 200, "alice"},
		{"FA19", "no slash behind", with("GET /forward-auth/envoy"), 404, no},
		{"FA19", "no slash between", with("GET /forward-auth/envoyx"), 404, no},
		{"FA19", "a query behind", with("GET /forward-auth/envoy?x"), 404, no},
		{"FA19", "absolute form", with("GET http://app.test/forward-auth/envoy/health"), 404, no},
		{"FA19", "absolute form of another", with("GET https://any.test/forward-auth/envoy/x"), 404, no},
		{"FA19", "two slashes", with("GET /forward-auth/envoy//health"), 400, no},
		{"FA19", "two slashes where no rule looks", with("GET /forward-auth/envoy//health", "Host: any.test"), 200, "alice"},
		{"FA19", "dots", envoy("GET /forward-auth/envoy/public/../x"), 400, no},
		{"FA19", "dots before", envoy("GET /forward-auth/envoy/../envoy/health"), 400, no},
		{"FA19", "encoded dots", envoy("GET /forward-auth/envoy/%2e%2e/health"), 400, no},
		{"FA19", "public", envoy("GET /forward-auth/envoy/health"), 200, no},
		{"FA19", "by host", with("GET /forward-auth/envoy/x", "Host: admin.test"), 403, no},
		{"FA19", "no such endpoint", with("GET /forward-auth/other"), 404, no},
		{"FA19", "another spelling", with("GET /forward-auth/../forward-auth"), 404, no},
		{"FA19", "encoded", with("GET /forward%2Dauth"), 404, no},
	})
	r := newRig(t)
	cookie := r.alice()
	a := r.ask(envoy("GET /forward-auth/envoy/x", "Cookie: "+cookie))
	if got := a.Header.Get("X-Envoy-Auth-Headers-To-Remove"); got != "" {
		t.Errorf("a person with all: removes %q", got)
	}
	if got := r.ask(envoy("GET /forward-auth/envoy/health")).Header.Get("X-Envoy-Auth-Headers-To-Remove"); got != "remote-user, remote-email, remote-name, remote-groups, x-doorward-assertion" {
		t.Errorf("FA41 nobody: removes %q", got)
	}
	for _, line := range []string{"GET /forward-auth/envoy/x"} {
		conn := question{line, []string{"Host: app.test", "Host: any.test", "X-Forwarded-Proto: https", "Cookie: " + cookie}}
		if a := r.ask(conn); a.StatusCode != http.StatusBadRequest {
			t.Errorf("FA06 two hosts: %s", a.Status)
		}
	}
}

// Apps that share an origin: the longest prefix counts, and a path that a lenient server
// would take for another app's is refused.
func TestSharedOrigin(t *testing.T) {
	at := func(uri string) question {
		return forward("Cookie: "+S, "X-Forwarded-Host: team.test", "X-Forwarded-Uri: "+uri)
	}
	var rows []row
	for uri, status := range map[string]int{
		"/": 200, "/x": 200, "/chiefs/": 403, "/chiefs": 403, "/chiefs/x": 403, "/chiefs?x": 403, "/chief%73/x": 403, "/chiefsx": 200, "/x/chiefs/": 200,
		"/CHIEFS/x": 400, "/Chiefs": 400, "/chiefs;a/x": 400, "/chiefs./x": 400, "/chiefs%20/x": 400, "/chiefſ/x": 400, "/chiefs/../x": 400, "//chiefs/x": 400,
		"/chief%2573/x": 400, `/\chiefs/x`: 400,
	} {
		if status == 200 {
			rows = append(rows, row{"FA20", uri, at(uri), status, "alice"})
			continue
		}
		rows = append(rows, row{"FA20", uri, at(uri), status, no})
	}
	run(t, rows)
	r := newRig(t)
	chief, _ := r.session(r.user("bob"), sso.KindSession, "staff", "admins")
	r.ask(forward("Cookie: "+cookieName+"="+string(chief), "X-Forwarded-Host: team.test", "X-Forwarded-Uri: /chiefs/x")).check(t, "a chief", 200, "bob")
}

func TestRowsOfPeers(t *testing.T) {
	for name, trusted := range map[string]func(*forwardauth.Config){
		"FA01 an address that is not trusted": func(c *forwardauth.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} },
		"FA02 nobody is trusted":              func(c *forwardauth.Config) { c.TrustedProxies = nil },
		"a secret":                            func(c *forwardauth.Config) { c.Secret = "between us" },
	} {
		r := newRig(t, trusted)
		cookie := r.alice()
		for _, q := range []question{forward("Cookie: " + cookie), nginx("Cookie: " + cookie), envoy("GET /forward-auth/envoy/x", "Cookie: "+cookie), forward("X-Forwarded-Uri: /health"), forward("-X-Forwarded-Uri")} {
			r.ask(q).check(t, name, http.StatusForbidden, no)
		}
		if log := r.log.String(); !strings.Contains(log, "127.0.0.1:") || strings.Count(log, "\n") != 1 {
			t.Errorf("%s: the log has %s", name, log)
		}
	}
	r := newRig(t, func(c *forwardauth.Config) { c.Secret = "between us" })
	cookie := r.alice()
	r.ask(forward("Cookie: "+cookie, "X-Doorward-Proxy: between us")).check(t, "the secret", 200, "alice")
	r.ask(forward("Cookie: "+cookie, "X-Doorward-Proxy: between")).check(t, "another secret", 403, no)
	r.ask(forward("Cookie: "+cookie, "X-Doorward-Proxy: between us", "+X-Doorward-Proxy: x")).check(t, "two secrets", 403, no)
}
