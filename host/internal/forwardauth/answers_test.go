package forwardauth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/forwardauth"
	"github.com/doorward/doorward/host/internal/sso"
)

func TestRowsOfCookies(t *testing.T) {
	r := newRig(t)
	cookie := r.alice()
	token := strings.TrimPrefix(cookie, cookieName+"=")
	other, _ := r.session(r.user("bob"), sso.KindSession)
	refresh, _ := r.session(r.user("carol"), sso.KindRefresh)
	suspended, _ := r.session(r.user("dave", func(u *sso.User) { u.Status = sso.UserSuspended }), sso.KindSession)
	many := strings.Repeat("a=b; ", 500)
	for name, c := range map[string]struct {
		header string
		status int
	}{
		"FA17 a percent sign":                  {cookieName + "=%", 401},
		"FA17 nothing":                         {cookieName + "=", 401},
		"FA17 no sign":                         {cookieName, 401},
		"FA17 quotes":                          {cookieName + `="` + token + `"`, 401},
		"FA17 UTF-8":                           {cookieName + "=ü" + token[2:], 401},
		"FA17 too short":                       {cookieName + "=" + token[1:], 401},
		"FA17 too long":                        {cookieName + "=" + token + "a", 401},
		"FA17 a token of nobody":               {cookieName + "=" + string(sso.NewToken()), 401},
		"FA17 500 cookies":                     {many + cookie, 200},
		"FA17 more than a browser has":         {strings.Repeat("a; ", 2000) + cookie, 401},
		"FA17 another case":                    {strings.ToUpper(cookieName) + "=" + token, 401},
		"FA17 a name that ends so":             {"x" + cookie, 401},
		"FA17 a list by commas":                {"a=b, " + cookie, 401},
		"FA44 last":                            {"a=b; " + cookie, 200},
		"FA44 first":                           {cookie + "; a=b", 200},
		"FA44 middle, without spaces":          {"a=b;" + cookie + ";c=d", 200},
		"FA44 beside a name that ends so":      {"x" + cookieName + "=" + string(other) + "; " + cookie, 200},
		"FA52 two that are good":               {cookie + "; " + cookieName + "=" + string(other), 401},
		"FA52 the same twice":                  {cookie + "; " + cookie, 401},
		"FA52 one that is planted":             {cookieName + "=" + string(sso.NewToken()) + "; " + cookie, 200},
		"FA52 many that are planted":           {strings.Repeat(cookieName+"="+string(sso.NewToken())+"; ", 8) + cookie, 401},
		"FA62 a refresh token":                 {cookieName + "=" + string(refresh), 401},
		"FA62 somebody who is suspended":       {cookieName + "=" + string(suspended), 401},
		"FA62 a cookie of the refresh token's": {"directus_refresh_token=" + token, 401},
	} {
		r.ask(forward("Cookie: "+c.header)).check(t, name, c.status, "alice")
	}
	r.ask(forward("Cookie: a=b", "+Cookie: "+cookie)).check(t, "FA44 two lines", 200, "alice")
	if a := r.ask(forward("Cookie: " + cookieName + "=\x00")); a.StatusCode != http.StatusBadRequest {
		t.Errorf("FA17 NUL: %s", a.Status)
	}
	if a := r.ask(forward("Cookie: " + strings.Repeat("a", 1<<20))); a.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("FA17 1 MB: %s", a.Status)
	}
}

// FA59: a cookie that cannot be a token is not looked up.
func TestNoTokenIsNotLookedUp(t *testing.T) {
	r := newRig(t)
	cookie := r.alice()
	var lookups atomic.Int64
	r.store.fail(nil, func() { lookups.Add(1) })
	for _, value := range []string{"", "%", strings.Repeat("a", 42), strings.Repeat("a", 44), strings.Repeat("a", 42) + "=", strings.Repeat("a", 41) + "ü"} {
		r.ask(forward("Cookie: "+cookieName+"="+value)).check(t, value, 401, no)
	}
	if n := lookups.Load(); n != 0 {
		t.Errorf("%d look-ups", n)
	}
	r.ask(forward("Cookie: "+cookie)).check(t, "a token", 200, "alice")
	if n := lookups.Load(); n != 1 {
		t.Errorf("%d look-ups of a token", n)
	}
}

func TestRowsOfBearers(t *testing.T) {
	r := newRig(t)
	cookie := r.alice()
	access := r.access(r.user("robot"), "staff")
	bad := access[:len(access)-4] + "AAAA"
	foreign := "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL290aGVyLnRlc3QifQ.AAAA"
	assertion := r.ask(forward("Cookie: " + cookie)).Header.Get("X-Doorward-Assertion")
	for name, c := range map[string]struct {
		authorization string
		status        int
		user          string
	}{
		"FA45 ours":                   {"Bearer " + access, 200, "robot"},
		"FA45 ours, in another case":  {"bearer " + access, 200, "robot"},
		"FA46 ours and bad":           {"Bearer " + bad, 401, no},
		"FA46 Basic of the app":       {"Basic dTpw", 200, "alice"},
		"FA46 a foreign bearer":       {"Bearer " + foreign, 200, "alice"},
		"FA46 an opaque bearer":       {"Bearer ghp_0123456789", 200, "alice"},
		"FA46 no token":               {"Bearer", 200, "alice"},
		"FA46 a scheme of an app":     {"Token abc", 200, "alice"},
		"FA47 an assertion as bearer": {"Bearer " + assertion, 401, no},
		"FA46 a session token":        {"Bearer " + strings.TrimPrefix(cookie, cookieName+"="), 200, "alice"},
	} {
		a := r.ask(forward("Cookie: "+cookie, "Authorization: "+c.authorization))
		a.check(t, name, c.status, c.user)
		if ours := a.Header.Get("X-Doorward-Bearer") == "1"; ours != (c.user == "robot") {
			t.Errorf("%s: the proxy is told to take it off: %v", name, ours)
		}
	}
	for name, authorization := range map[string]string{"FA45 ours": "Bearer " + access, "FA46 Basic of the app": "Basic dTpw"} {
		a := r.ask(envoy("GET /forward-auth/envoy/x", "Cookie: "+cookie, "Authorization: "+authorization))
		if removed := strings.Contains(a.Header.Get("X-Envoy-Auth-Headers-To-Remove"), "authorization"); removed != (name == "FA45 ours") {
			t.Errorf("%s, by Envoy: removed %v", name, removed)
		}
	}
	r.ask(forward("Authorization: Bearer "+strings.TrimPrefix(cookie, cookieName+"="))).check(t, "FA46 a session token alone", 401, no)
	r.ask(forward("X-Forwarded-Uri: /health", "Authorization: Bearer "+bad)).check(t, "FA46 a bad one at a public path", 401, no)
	r.ask(forward("X-Forwarded-Host: admin.test", "Authorization: Bearer "+access)).check(t, "a program that is not admitted", 403, no)
	r.clock.advance(2 * time.Minute)
	r.ask(forward("Cookie: "+cookie, "Authorization: Bearer "+access)).check(t, "FA46 one that has expired", 401, no)
}

// At a public path, an app learns nothing about a user that it would not admit.
func TestRowsOfPublicPaths(t *testing.T) {
	r := newRig(t)
	list := apps()
	list[1].Public = []forwardauth.PublicPath{{Path: "/health"}}
	r.server.SetRules(forwardauth.NewRules(list))
	cookie := r.alice()
	health := []string{"X-Forwarded-Uri: /health"}
	ask := func(more ...string) answer { return r.ask(forward(append(health, more...)...)) }
	ask("Cookie: "+cookie).check(t, "FA40 with S", 200, "alice")
	ask().check(t, "FA40 without", 200, no)
	ask("Cookie: "+cookieName+"="+string(sso.NewToken())).check(t, "FA40 with a bad cookie", 200, no)
	ask("Cookie: "+cookie, "X-Forwarded-Host: admin.test").check(t, "FA40 with S, who is not admitted", 200, no)
	if a := ask(); a.Header.Get("X-Doorward-Assertion") != "" {
		t.Error("FA40 an assertion of nobody")
	}
}

// Where users and programs are sent.
func TestRowsOfSignIn(t *testing.T) {
	r := newRig(t)
	cookie := r.alice()
	page := func(change ...string) question { return forward(append(slices.Clone(browser), change...)...) }
	for name, c := range map[string]struct {
		q      question
		status int
		back   string // where the login returns to; empty: there is no Location
	}{
		"FA31 a page":                     {page(), 302, "https://app.test/x"},
		"FA31 HEAD":                       {page("X-Forwarded-Method: HEAD"), 302, "https://app.test/x"},
		"FA28 a form":                     {page("X-Forwarded-Method: POST"), 303, "https://app.test/"},
		"FA28 a form by Envoy":            {envoy("POST /forward-auth/envoy/x", append(slices.Clone(browser), "Content-Length: 0")...), 303, "https://app.test/"},
		"FA28 a form by nginx":            {nginx(append(slices.Clone(browser), "X-Original-Method: POST")...), 401, "https://app.test/"},
		"a page by nginx":                 {nginx(append(slices.Clone(browser), "X-Original-URL: https://app.test/x?a=b")...), 401, "https://app.test/x?a=b"},
		"a page by Envoy":                 {envoy("GET /forward-auth/envoy/x?a=b", browser...), 302, "https://app.test/x?a=b"},
		"a program by nginx":              {nginx(), 401, ""},
		"a program":                       {forward("Accept: */*"), 401, ""},
		"a program of a page":             {forward("Accept: text/html", "Sec-Fetch-Mode: cors"), 401, ""},
		"an older program of a page":      {forward("Accept: text/html", "X-Requested-With: XMLHttpRequest"), 401, ""},
		"an older browser":                {forward("Accept: text/html"), 302, "https://app.test/x"},
		"FA29 a websocket":                {page("Upgrade: websocket", "Connection: Upgrade"), 401, ""},
		"FA31 two slashes":                {page("X-Forwarded-Host: any.test", "X-Forwarded-Uri: //evil"), 302, "https://any.test//evil"},
		"FA31 a backslash":                {page("X-Forwarded-Host: any.test", `X-Forwarded-Uri: /\evil`), 302, `https://any.test/\evil`},
		"FA31 a tab":                      {page("X-Forwarded-Host: any.test", "X-Forwarded-Uri: /%09/evil"), 302, "https://any.test/%09/evil"},
		"FA31 a user":                     {page("X-Forwarded-Host: any.test", "X-Forwarded-Uri: /@evil"), 302, "https://any.test/@evil"},
		"FA31 a URL within":               {page("X-Forwarded-Uri: /a?b=https://evil"), 302, "https://app.test/a?b=https://evil"},
		"FA32 signs":                      {page("X-Forwarded-Uri: /a?b=c&d=%26%23%2B+e;f"), 302, "https://app.test/a?b=c&d=%26%23%2B+e;f"},
		"FA32 UTF-8":                      {page("X-Forwarded-Uri: /grüße?ä=ß"), 302, "https://app.test/grüße?ä=ß"},
		"FA32 1.9 KB":                     {page("X-Forwarded-Uri: /" + strings.Repeat("a", 1900)), 302, "https://app.test/" + strings.Repeat("a", 1900)},
		"FA33 4 KB":                       {page("X-Forwarded-Uri: /" + strings.Repeat("a", 4096)), 302, "https://app.test/"},
		"FA09 the plain spelling":         {page("X-Forwarded-Host: APP.test.:443"), 302, "https://app.test/x"},
		"FA12 the A-label":                {page("X-Forwarded-Host: bücher.test"), 302, "https://xn--bcher-kva.test/x"},
		"an app below a prefix":           {page("X-Forwarded-Host: team.test", "X-Forwarded-Uri: /chiefs/x", "X-Forwarded-Method: POST"), 303, "https://team.test/chiefs/"},
		"FA33 an app without its slash":   {page("X-Forwarded-Host: team.test", "X-Forwarded-Uri: /chiefs"), 302, "https://team.test/chiefs/"},
		"FA33 an app spelled otherwise":   {page("X-Forwarded-Host: team.test", "X-Forwarded-Uri: /%63hiefs/x"), 302, "https://team.test/chiefs/"},
		"FA33 all escaped":                {page("X-Forwarded-Uri: /?" + strings.Repeat("&", 1900)), 302, "https://app.test/?" + strings.Repeat("&", 1900)},
		"FA33 too much for nginx":         {nginx(append(slices.Clone(browser), "X-Original-URL: https://app.test/?"+strings.Repeat("&", 1900))...), 401, "https://app.test/"},
		"FA33 not too much for nginx":     {nginx(append(slices.Clone(browser), "X-Original-URL: https://app.test/?"+strings.Repeat("a", 1900))...), 401, "https://app.test/?" + strings.Repeat("a", 1900)},
		"FA34 codes in the query of ours": {page("X-Forwarded-Uri: /cb?code=abc&access_token=def"), 302, "https://app.test/cb?code=abc&access_token=def"},
	} {
		a := r.ask(c.q)
		a.check(t, name, c.status, no)
		want := ""
		if c.back != "" {
			want = publicURL + "/login?redirect=" + url.QueryEscape(c.back)
		}
		if got := a.Header.Get("Location"); got != want {
			t.Errorf("%s: to %s\nwant %s", name, got, want)
		}
		if a.StatusCode == 401 && a.Header.Get("Www-Authenticate") != `Bearer realm="doorward"` {
			t.Errorf("%s: WWW-Authenticate %q", name, a.Header.Get("Www-Authenticate"))
		}
		if want != "" && a.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("FA34 %s: Referrer-Policy %q", name, a.Header.Get("Referrer-Policy"))
		}
	}
	r.ask(forward("Cookie: "+cookie, "Upgrade: websocket", "Connection: Upgrade")).check(t, "FA29 a websocket with S", 200, "alice")
	if log := r.log.String(); strings.Contains(log, "abc") {
		t.Errorf("FA34 the log has a code: %s", log)
	}
	var body struct {
		Errors []struct {
			Extensions map[string]string `json:"extensions"`
		} `json:"errors"`
	}
	a := r.ask(forward("X-Forwarded-Uri: /api/items"))
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.Header.Get("Content-Type") != "application/json" ||
		body.Errors[0].Extensions["login_url"] != publicURL+"/login?redirect="+url.QueryEscape("https://app.test/") {
		t.Errorf("a program is told %s", a.body)
	}
}

// A user that an app does not admit sees a page of the host.
func TestDenied(t *testing.T) {
	r := newRig(t)
	cookie := r.alice()
	denied := func(q question) answer {
		return r.ask(q.with(append(slices.Clone(browser), "Cookie: "+cookie)...))
	}
	want := publicURL + "/denied?redirect=" + url.QueryEscape("https://admin.test/x")
	for name, c := range map[string]struct {
		q      question
		status int
	}{
		"forward": {forward("X-Forwarded-Host: admin.test"), 302}, "nginx": {nginx("X-Original-URL: https://admin.test/x"), 403},
		"envoy": {envoy("GET /forward-auth/envoy/x", "Host: admin.test"), 302},
	} {
		a := denied(c.q)
		a.check(t, name, c.status, no)
		if got := a.Header.Get("Location"); got != want || a.body != "" {
			t.Errorf("%s: to %s, want %s; says %q", name, got, want, a.body)
		}
	}
	a := r.ask(forward("Cookie: "+cookie, "X-Forwarded-Host: admin.test"))
	if a.check(t, "a program", 403, no); a.Header.Get("Location") != "" || !strings.Contains(a.body, `"denied_url"`) {
		t.Errorf("a program: %s", a.body)
	}
	if log := r.log.String(); !strings.Contains(log, `"staff"`) || !strings.Contains(log, `"admins"`) || strings.Count(log, `denied"`) != 1 {
		t.Errorf("the log does not say, once, which groups were there: %s", log)
	}
}

// FA62: a change takes effect within a second.
func TestRowsOfChanges(t *testing.T) {
	r := newRig(t)
	bob := r.user("bob")
	token, session := r.session(bob, sso.KindSession, "admins")
	admin := forward("Cookie: "+cookieName+"="+string(token), "X-Forwarded-Host: admin.test")
	r.ask(admin).check(t, "FA62 an admin", 200, "bob")

	next := sso.NewToken()
	now := r.clock.Now()
	err := r.store.RotateToken(t.Context(), sso.Rotation{
		SessionID: session.ID, Old: token.Hash(), New: next.Hash(), Now: now, ExpiresAt: now.Add(time.Hour), NotAfter: session.NotAfter, Groups: sso.NewGroups([]string{"staff"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	admin = admin.with("Cookie: " + cookieName + "=" + string(next))
	r.ask(admin).check(t, "FA62 no admin any more", 403, no)
	app := forward("Cookie: " + cookieName + "=" + string(next))
	if a := r.ask(app); a.Header.Get("Remote-Groups") != "staff" {
		t.Errorf("FA62 groups %q", a.Header.Get("Remote-Groups"))
	}
	if _, _, err := r.store.ChangeUser(t.Context(), bob.ID, func(u *sso.User) ([]sso.Event, error) {
		u.Role, u.FirstName = "editor", "Robert"
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	a := r.ask(app)
	if a.Header.Get("Remote-Name") != "Robert bob" || r.claims(a.Header.Get("X-Doorward-Assertion"))["role"] != "editor" {
		t.Errorf("FA62 a change of the user: %q %v", a.Header.Get("Remote-Name"), r.claims(a.Header.Get("X-Doorward-Assertion")))
	}
	if _, err := r.logins.Logout(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	r.ask(app).check(t, "FA48 after the logout", 401, no)
}

// Many requests arrive while a session ends: none passes after the logout was answered.
func TestRowOfLogoutRace(t *testing.T) {
	r := newRig(t)
	token, _ := r.session(r.user("bob"), sso.KindSession)
	var over sync.WaitGroup
	ended := make(chan struct{})
	late := make([]int, 8)
	for n := range late {
		over.Go(func() {
			for range 100 {
				select {
				case <-ended:
				default:
					r.ask(forward("Cookie: " + cookieName + "=" + string(token)))
					continue
				}
				if a := r.ask(forward("Cookie: " + cookieName + "=" + string(token))); a.StatusCode == http.StatusOK {
					late[n]++
				}
			}
		})
	}
	r.ask(forward("Cookie: "+cookieName+"="+string(token))).check(t, "FA58 before", 200, "bob")
	if _, err := r.logins.Logout(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	close(ended)
	over.Wait()
	if slices.ContainsFunc(late, func(n int) bool { return n > 0 }) {
		t.Errorf("FA58 let through after the logout: %v", late)
	}
}

// FA57: after any failure, no request passes.
func TestRowsOfFailures(t *testing.T) {
	r := newRig(t)
	cookie := r.alice()
	ask := func(name string, status int) {
		t.Helper()
		r.ask(forward("Cookie: "+cookie)).check(t, name, status, no)
		r.ask(nginx("Cookie: "+cookie)).check(t, name, status, no)
		r.ask(forward("Cookie: "+cookie, "X-Forwarded-Uri: /health")).check(t, name+", public", status, no)
	}
	r.store.fail(errors.New("database is locked"), nil)
	ask("FA57 the store", 503)
	if strings.Count(r.log.String(), "database is locked") != 1 {
		t.Errorf("FA57 the log: %s", r.log.String())
	}
	r.store.fail(nil, func() { panic("secret-in-a-panic") })
	ask("FA57 a panic", 500)
	if strings.Contains(r.log.String(), "secret-in-a-panic") {
		t.Error("FA57 what a panic says is in the log")
	}
	r.store.fail(errors.New("database is closed"), nil)
	r.ask(forward("X-Forwarded-Uri: /health")).check(t, "FA57 public, without credentials", 200, no)
	r.ask(forward()).check(t, "FA57 nobody", 401, no)
	r.store.fail(nil, nil)
	r.ask(forward("Cookie: "+cookie)).check(t, "FA57 all is well again", 200, "alice")
}

// FA59: requests without a user write nothing, and log little.
func TestRowOfFlood(t *testing.T) {
	r := newRig(t)
	for range 2000 {
		r.server.ServeHTTP(discard{http.Header{}}, nobodyAt("/x"))
		r.server.ServeHTTP(discard{http.Header{}}, nobodyAt("/x/../y"))
	}
	if lines := strings.Count(r.log.String(), "\n"); lines > 1 {
		t.Errorf("FA59 %d lines", lines)
	}
	if n, err := r.store.CountUsers(t.Context(), "corp"); n != 0 || err != nil {
		t.Errorf("FA59 %d users, %v", n, err)
	}
}

// Requests for a thousand unknown hosts fill their share of the log, and hide no error.
func TestFloodHidesNoError(t *testing.T) {
	r := newRig(t)
	cookie := r.alice()
	for i := range 1500 {
		request := nobodyAt("/x")
		request.Header["X-Forwarded-Host"] = []string{fmt.Sprintf("h%d.test", i)}
		r.server.ServeHTTP(discard{http.Header{}}, request)
	}
	if lines := strings.Count(r.log.String(), "\n"); lines > 1000 {
		t.Errorf("%d lines", lines)
	}
	r.store.fail(errors.New("database is locked"), nil)
	r.ask(forward("Cookie: "+cookie)).check(t, "the store", 503, no)
	if !strings.Contains(r.log.String(), "database is locked") {
		t.Error("the error is not in the log")
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func nobodyAt(uri string) *http.Request {
	return &http.Request{Method: http.MethodGet, RequestURI: "/forward-auth", RemoteAddr: "127.0.0.1:1", Header: http.Header{
		"X-Forwarded-Method": {"GET"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"app.test"}, "X-Forwarded-Uri": {uri},
		"Cookie": {cookieName + "=" + string(sso.NewToken())},
	}}
}
