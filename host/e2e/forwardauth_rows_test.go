package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Attacks on each proxy with its file in docs/forward-auth.
func TestForwardAuthBehindProxies(t *testing.T) {
	for name := range guards {
		t.Run(name, func(t *testing.T) {
			g := startGuarded(t)
			g.guardBy(t, name)
			alice, session := g.signedIn(t, "alice")
			p := &passage{t: t, g: g, session: session, user: g.userID(t, alice)}
			t.Run("nothing is sent twice", func(t *testing.T) { p.in(t).identity() })
			t.Run("FA03 FA04 forged ways", func(t *testing.T) { p.in(t).forgedWays() })
			t.Run("what is left of them", func(t *testing.T) { p.in(t).leftOfWays() })
			t.Run("FA41 FA42 forged identity", func(t *testing.T) { p.in(t).forgedIdentity() })
			t.Run("FA43 Connection", func(t *testing.T) { p.in(t).connection() })
			t.Run("FA44 cookies", func(t *testing.T) { p.in(t).cookies() })
			t.Run("FA45 Authorization", func(t *testing.T) { p.in(t).authorization() })
			t.Run("FA49 absolute form", func(t *testing.T) { p.in(t).absoluteForm() })
			t.Run("FA55 no Host", func(t *testing.T) { p.in(t).noHost() })
			t.Run("FA33 long links", func(t *testing.T) { p.in(t).longLinks() })
			t.Run("programs", func(t *testing.T) { p.in(t).programs() })
			t.Run("Doorward is away", func(t *testing.T) { p.in(t).away() })
		})
	}
}

// userID returns the ID of a user in Doorward.
func (g *guarded) userID(t *testing.T, person *agent) string {
	t.Helper()
	var me struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	got := person.call(http.MethodGet, "/users/me", nil, nil)
	readJSON(t, got.body, &me)
	if me.Data.ID == "" {
		t.Fatalf("me: %d %s", got.status, got.body)
	}
	return me.Data.ID
}

func (p *passage) identity() {
	seen := p.ask("GET /deep/link?a=b&c=%26", p.cookie())
	p.wantAlice("signed in", seen)
	p.wantAsserted(seen.Header.Get("X-Doorward-Assertion"))
	p.wantNobody("public", p.ask("GET /health"))
	p.wantAlice("public, signed in", p.ask("GET /health", p.cookie()))
	if got := p.send("GET /_doorward", p.cookie()); got.header.Get("X-Doorward-Assertion") != "" {
		p.t.Errorf("a client asks Doorward itself: %d %v", got.status, got.header)
	}
}

// ways are headers with which a client can try to make Doorward check another URL.
var ways = []string{
	"X-Forwarded-Uri: /health", "X-Forwarded-Method: GET", "X-Forwarded-Host: wiki.example.org", "X-Forwarded-Proto: https",
	"X-Original-URL: " + wikiOrigin + "/health", "X-Original-Method: GET", "X-Original-URI: /health", "X-Forwarded-Prefix: /health", "X-Rewrite-URL: /health",
}

func (p *passage) forgedWays() {
	aliases := []string{
		"X_Forwarded_Uri: /health", "X.Forwarded.Uri: /health", "X-FORWARDED-URI: /health", "X_Original_URL: " + wikiOrigin + "/health", "X-ORIGINAL-URL: " + wikiOrigin + "/health",
	}
	for _, line := range slices.Concat(ways, aliases) {
		p.stopped("GET /private", line)
	}
	p.stopped("GET /private", ways...)
	p.stopped("GET /private", aliases...)
	p.stopped("GET /private", slices.Concat(ways, ways)...)
	p.wantAlice("FA03 and signed in", p.ask("GET /private", append(slices.Clone(ways), p.cookie())...))
}

// leftOfWays: an application does not get these headers from the client.
func (p *passage) leftOfWays() {
	seen := p.ask("GET /private", append(slices.Clone(ways), p.cookie())...)
	for _, name := range []string{"X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Prefix", "X-Original-Url", "X-Original-Uri", "X-Original-Method"} {
		if got := seen.Header[name]; len(got) > 0 {
			p.t.Errorf("the application sees %s: %q", name, got)
		}
	}
}

func (p *passage) forgedIdentity() {
	forged := []string{
		"Remote-User: evil", "Remote-Groups: evil", "Remote-Email: evil", "Remote-Name: evil", "X-Doorward-Assertion: evil.evil.evil", "X-Doorward-Bearer: evil",
	}
	spelled := []string{
		"Remote_User: evil", "Remote.User: evil", "REMOTE-USER: evil", "remote-user: evil", "Remote-User: evil\t", "Remote_Groups: evil", "Remote.Groups: evil",
		"X_Doorward_Assertion: evil", "X.Doorward.Assertion: evil", "X-DOORWARD-ASSERTION: evil",
	}
	all := slices.Concat(forged, spelled, forged)
	p.forged(slices.Concat(forged, spelled))
	p.wantAlice("FA41 signed in", p.ask("GET /x", append(all, p.cookie())...))
	p.wantNobody("FA41 public", p.ask("GET /health", all...))
	p.stopped("GET /x", all...)
	// A user without a value for a header: the client sends its own.
	p.g.staff.set()
	defer p.g.staff.set("bakers")
	_, bob := p.g.signedIn(p.t, "bob")
	seen := p.ask("GET /x", append(all, "Cookie: "+defaultSessionCookie+"="+bob)...)
	if got := strings.Join(seen.Header["Remote-Groups"], ""); got != "" {
		p.t.Errorf("FA41 somebody without groups has %q", got)
	}
	p.wantNoAlias("FA41 without groups", seen)
}

// forged sends forged identity headers, one after the other.
func (p *passage) forged(lines []string) {
	for _, line := range lines {
		p.wantAlice("FA42 "+line, p.ask("GET /x", p.cookie(), line))
		p.wantNobody("FA42 public, "+line, p.ask("GET /health", line))
		p.stopped("GET /x", line)
	}
}

// connection: the next hop removes the headers that a client lists in Connection.
func (p *passage) connection() {
	for _, names := range []string{
		"close, Remote-User", "Remote-User, X-Doorward-Assertion, Cookie", "remote-groups", "X-Doorward-Assertion", "close, X-Doorward-Bearer",
		"Cookie", "Authorization", "X-Forwarded-Uri, X-Forwarded-Host", "X-Original-URL",
	} {
		p.g.wiki.take()
		request := "GET /x HTTP/1.1\r\nHost: wiki.example.org\r\n" + p.cookie() + "\r\nConnection: " + names + "\r\n\r\n"
		conn := p.g.raw(p.t, "wiki.example.org", strings.Replace(request, "Connection: ", "Connection: close\r\nConnection: ", 1))
		seen := p.g.wiki.take()
		switch {
		case len(seen) == 0 && (conn.status == http.StatusBadRequest || conn.status == http.StatusUnauthorized || conn.status == http.StatusFound || conn.status == http.StatusSeeOther):
		case len(seen) == 1:
			p.wantAlice("FA43 "+names, seen[0])
			if said := fmt.Sprint(seen[0].Header["Connection"]); strings.Contains(strings.ToLower(said), "remote") || strings.Contains(strings.ToLower(said), "doorward") {
				p.t.Errorf("FA43 %s: the next hop is told to take off %s", names, said)
			}
		default:
			p.t.Errorf("FA43 %s: %d, and %d requests", names, conn.status, len(seen))
		}
	}
}

// cookies: the application gets all cookies except the session cookie.
func (p *passage) cookies() {
	ours := defaultSessionCookie + "=" + p.session
	for what, c := range map[string]struct {
		sent []string
		want []string
	}{
		"alone":                   {[]string{ours}, nil},
		"first":                   {[]string{ours + "; a=1; b=2"}, []string{"a=1", "b=2"}},
		"middle":                  {[]string{"a=1; " + ours + "; b=2"}, []string{"a=1", "b=2"}},
		"last":                    {[]string{"a=1; b=2; " + ours}, []string{"a=1", "b=2"}},
		"without spaces":          {[]string{"a=1;" + ours + ";b=2"}, []string{"a=1", "b=2"}},
		"two lines":               {[]string{"a=1", "b=2; " + ours}, []string{"a=1", "b=2"}},
		"two lines, first":        {[]string{ours, "a=1; b=2"}, []string{"a=1", "b=2"}},
		"a name that ends so":     {[]string{"x" + defaultSessionCookie + "=keep; " + ours}, []string{"x" + defaultSessionCookie + "=keep"}},
		"a name that begins so":   {[]string{defaultSessionCookie + "2=keep; " + ours}, []string{defaultSessionCookie + "2=keep"}},
		"a value with the name":   {[]string{"a=" + defaultSessionCookie + "; " + ours}, []string{"a=" + defaultSessionCookie}},
		"a tab before it":         {[]string{"\t" + ours + ";\ta=1"}, []string{"a=1"}},
		"a planted one before":    {[]string{defaultSessionCookie + "=planted; " + ours + "; a=1"}, []string{"a=1"}},
		"with values of any kind": {[]string{`a="x y"; b=; ` + ours + `; c=d=e`}, []string{`a="x y"`, "b=", "c=d=e"}},
	} {
		var lines []string
		for _, line := range c.sent {
			lines = append(lines, "Cookie: "+line)
		}
		seen := p.ask("GET /x", lines...)
		p.wantAlice("FA44 "+what, seen)
		if got := cookiesOf(seen); !slices.Equal(got, c.want) {
			p.t.Errorf("FA44 %s: the application gets %q, want %q", what, got, c.want)
		}
	}
	for _, sent := range []string{ours + "; " + ours, ours + "; " + ours + "; " + ours + "; a=1"} {
		p.g.wiki.take()
		p.send("GET /health", "Cookie: "+sent) // it is unclear which of two counts, so the request has no user
		if got := fmt.Sprint(cookiesOf(p.g.wiki.one(p.t, "twice"))); strings.Contains(got, p.session) {
			p.t.Errorf("FA44 more than once: the application gets %s", got)
		}
	}
}

// longLinks: a person who follows any link is redirected to the sign-in page. Escaped, these
// links are up to three times as long.
func (p *passage) longLinks() {
	for _, target := range []string{"/?" + strings.Repeat("a", 1900), "/?" + strings.Repeat("&", 1900), "/?" + strings.Repeat("a", 6000)} {
		got := p.stopped("GET "+target, "Accept: text/html", "Sec-Fetch-Mode: navigate")
		if location := got.header.Get("Location"); got.status >= 400 || !strings.HasPrefix(location, ssoOrigin+"/login?redirect=") {
			p.t.Errorf("%.10s… of %d: %d to %.100q", target, len(target), got.status, location)
		}
	}
}

// cookiesOf returns the unchanged cookies of a request.
func cookiesOf(r *http.Request) (list []string) {
	for _, line := range r.Header["Cookie"] {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				list = append(list, cookie)
			}
		}
	}
	return list
}

// authorization: credentials for the application pass, tokens of Doorward do not.
func (p *passage) authorization() {
	robot := p.in(p.t).accessToken()
	p.g.host.secrets.add("access token", robot)
	seen := p.ask("GET /x", "Authorization: Bearer "+robot)
	p.wantAlice("FA45 a token of ours", seen)
	if got := seen.Header["Authorization"]; len(got) > 0 {
		p.t.Errorf("FA45 the application gets %q", got)
	}
	seen = p.ask("GET /x", "Authorization: bearer "+robot, "X-Doorward-Bearer: 0")
	if got := seen.Header["Authorization"]; len(got) > 0 {
		p.t.Errorf("FA45 the application gets %q", got)
	}
	foreign := "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL290aGVyLnRlc3QifQ.AAAA"
	for _, theirs := range []string{"Basic dTpw", "Bearer ghp_0123456789", foreign, "Token abc"} {
		seen := p.ask("GET /x", p.cookie(), "Authorization: "+theirs)
		p.wantAlice("FA46 "+theirs, seen)
		if got := seen.Header.Get("Authorization"); got != theirs {
			p.t.Errorf("FA45 the application gets %q, want %q", got, theirs)
		}
		p.stopped("GET /x", "Authorization: "+theirs)
	}
}

// accessToken returns an access token of alice.
func (p *passage) accessToken() string {
	p.t.Helper()
	person, _ := p.g.signedIn(p.t, "alice")
	person.accept = "application/json"
	token := person.signIn(ssoOrigin + "/auth/login/fake?mode=json").json(p.t).Data.AccessToken
	if token == "" {
		p.t.Fatal("no access token")
	}
	return token
}

// absoluteForm: the name in the target counts (RFC 9112 section 3.2.2).
func (p *passage) absoluteForm() {
	p.g.wiki.take()
	p.g.files.take()
	_, bob := p.g.signedIn(p.t, "bob") // not a member of staff
	for _, host := range []string{"wiki.example.org", "files.example.org"} {
		got := p.g.raw(p.t, "files.example.org", "GET "+filesOrigin+"/x HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\nCookie: "+defaultSessionCookie+"="+bob+"\r\n\r\n")
		if n := len(p.g.files.take()); n != 0 {
			p.t.Errorf("FA49 with Host: %s: %d, and files is reached", host, got.status)
		}
	}
	// The server name of the connection does not count.
	got := p.g.raw(p.t, "wiki.example.org", "GET /x HTTP/1.1\r\nHost: files.example.org\r\nConnection: close\r\nCookie: "+defaultSessionCookie+"="+bob+"\r\n\r\n")
	if n := len(p.g.files.take()); n != 0 {
		p.t.Errorf("another name than that of the connection: %d, and files is reached", got.status)
	}
}

func (p *passage) noHost() {
	p.g.wiki.take()
	p.g.files.take()
	for _, line := range []string{"GET /health HTTP/1.0", "GET /x HTTP/1.0"} {
		got := p.g.raw(p.t, "wiki.example.org", line+"\r\n"+p.cookie()+"\r\n\r\n")
		if n := len(p.g.wiki.take()) + len(p.g.files.take()); n != 0 {
			p.t.Errorf("FA55 %s: %d, and an application is reached", line, got.status)
		}
	}
}

// webSocketKey is from the example in RFC 6455.
const webSocketKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="

// programs: programs get a status and no redirect. Navigations with any method are
// redirected. The handshake of a WebSocket has more lines if a proxy does not forward
// Upgrade.
func (p *passage) programs(handshake ...string) {
	for what, headers := range map[string][]string{
		"fetch": {"Sec-Fetch-Mode: cors", "Accept: text/html"}, "curl": {"Accept: */*"}, "websocket": append(handshake, "Accept: text/html", "Upgrade: websocket", "Connection: Upgrade", webSocketKey, "Sec-WebSocket-Version: 13"),
	} {
		if got := p.stopped("GET /x", headers...); got.status != http.StatusUnauthorized || got.header.Get("Location") != "" || got.header.Get("WWW-Authenticate") == "" {
			p.t.Errorf("%s: %d %v", what, got.status, got.header)
		}
	}
	shake := p.ask("GET /x", p.cookie(), "Upgrade: websocket", "Connection: Upgrade", webSocketKey, "Sec-WebSocket-Version: 13")
	p.wantAlice("FA29 a websocket", shake)
	if !strings.EqualFold(shake.Header.Get("Connection"), "upgrade") || shake.Header.Get("Upgrade") != "websocket" {
		p.t.Errorf("FA29 the application is asked for no websocket: %v", shake.Header)
	}
	for _, method := range []string{"GET", "POST"} {
		got := p.stopped(method+" /x?a=b&c=d", "Sec-Fetch-Mode: navigate", "Content-Length: 0")
		target := got.location()
		if target == nil || got.status == http.StatusTemporaryRedirect || target.Host != "sso.example.org" || target.Path != "/login" || len(got.header["Set-Cookie"]) > 0 {
			p.t.Errorf("%s: %d %v", method, got.status, got.header)
			continue
		}
		want := map[string]string{"GET": wikiOrigin + "/x?a=b&c=d", "POST": wikiOrigin + "/"}[method]
		if back := target.Query().Get("redirect"); back != want {
			p.t.Errorf("%s: back to %q, want %q", method, back, want)
		}
	}
	if got := p.g.raw(p.t, "sso.example.org", "GET /forward-auth HTTP/1.1\r\nHost: sso.example.org\r\nConnection: close\r\nX-Forwarded-Uri: /health\r\n"+p.cookie()+"\r\n\r\n"); got.status != http.StatusNotFound {
		p.t.Errorf("FA51 %d", got.status)
	}
}

// away: no request passes while Doorward does not respond.
func (p *passage) away() {
	if err := p.g.host.Stop(); err != nil {
		p.t.Fatal(err)
	}
	if got := p.stopped("GET /x", p.cookie()); got.status < 500 {
		p.t.Errorf("got %d", got.status)
	}
}

// HAProxy continues after an error in a Lua action: its configuration must refuse.
func TestForwardAuthRefusesWithoutLua(t *testing.T) {
	g := startGuarded(t)
	const begins = "    local sent = txn.http:req_get_headers()\n"
	g.lua = []string{begins, begins + "    error('broken')\n"}
	g.guardBy(t, "HAProxy")
	_, session := g.signedIn(t, "alice")
	p := &passage{t: t, g: g, session: session}
	for _, line := range []string{"GET /x", "GET /health"} {
		if got := p.stopped(line, p.cookie()); got.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", line, got.status)
		}
	}
}
