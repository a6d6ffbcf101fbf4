package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

var offline = map[string]string{"AUTH_FAKE_OFFLINE_ACCESS": "true", "AUTH_FAKE_SYNC_USER_INFO": "true"}

// refreshesAt distinguishes refresh requests from others.
func refreshesAt(r *http.Request) bool {
	return r.URL.Path == "/token" && r.ParseForm() == nil && r.PostForm.Get("grant_type") == "refresh_token"
}

// TestTabsThatRefreshAtOnce: refreshes of one session that arrive during a request to the
// provider share its answer. This provider takes a second use of a refresh token for theft
// and revokes all tokens, so every tab would lose the session.
func TestTabsThatRefreshAtOnce(t *testing.T) {
	const tabs = 8
	asked, release := make(chan struct{}, tabs), make(chan struct{})
	var once sync.Once
	t.Cleanup(func() { once.Do(func() { close(release) }) })
	setup := startFakeBehind(t, func(w http.ResponseWriter, r *http.Request, fake http.Handler) {
		if refreshesAt(r) {
			asked <- struct{}{}
			<-release
		}
		fake.ServeHTTP(w, r)
	}, openidtest.Config{AutoApprove: true}, openidtest.Client{}, offline)
	person := newAgent(t, setup.host, "alice")
	person.inSession("fake")

	cookie := person.cookie(sessionCookie)
	statuses := make(chan int, tabs)
	refresh := func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, setup.host.URL+"/auth/refresh", strings.NewReader(`{"mode":"session"}`))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "application/json")
		req.AddCookie(&http.Cookie{Name: sessionCookie, Value: cookie})
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		resp.Body.Close()
		for _, c := range resp.Cookies() {
			setup.host.secrets.add("cookie", c.Value)
		}
		statuses <- resp.StatusCode
	}
	var group sync.WaitGroup
	group.Go(refresh)
	<-asked
	for range tabs - 1 {
		group.Go(refresh)
	}
	once.Do(func() { close(release) })
	group.Wait()
	close(statuses)
	for status := range statuses {
		if status != http.StatusOK {
			t.Errorf("E12 a tab got %d", status)
		}
	}
	person.wantSession(true)
}

// TestCrashAfterTheProvidersAnswer: the provider has replaced the refresh token, and the
// host dies before it stores the new one. This cannot be distinguished from theft: the
// session ends, and the user signs in again (docs/decisions/0028).
func TestCrashAfterTheProvidersAnswer(t *testing.T) {
	var die atomic.Pointer[func()]
	front := func(w http.ResponseWriter, r *http.Request, fake http.Handler) {
		if kill := die.Load(); kill != nil && refreshesAt(r) {
			die.Store(nil)
			lost := httptest.NewRecorder()
			fake.ServeHTTP(lost, r)
			if lost.Code != http.StatusOK {
				t.Errorf("the provider answers %d %s", lost.Code, lost.Body)
			}
			(*kill)()
			panic(http.ErrAbortHandler)
		}
		fake.ServeHTTP(w, r)
	}
	start := func(t *testing.T) (fakeSetup, *agent, string) {
		t.Helper()
		setup := startFakeBehind(t, front, openidtest.Config{AutoApprove: true}, openidtest.Client{}, offline)
		person := newAgent(t, setup.host, "alice")
		got := person.signIn(setup.host.URL + "/auth/login/fake?mode=json")
		if got.status != http.StatusOK {
			t.Fatalf("signing in: %d %s", got.status, got.body)
		}
		return setup, person, got.json(t).Data.RefreshToken
	}
	over := func(t *testing.T, person *agent, token string) {
		t.Helper()
		if got := person.refresh(token); got.status != http.StatusUnauthorized || got.code(t) != "INVALID_CREDENTIALS" {
			t.Errorf("the lost refresh token: %d %s", got.status, got.body)
		}
		if got := newAgent(t, person.host, "alice").signIn(person.host.URL + "/auth/login/fake?mode=json"); got.status != http.StatusOK {
			t.Errorf("signing in again: %d %s", got.status, got.body)
		}
	}
	t.Run("of the host", func(t *testing.T) {
		setup, person, token := start(t)
		kill := func() {
			if err := setup.host.Crash(); err != nil {
				t.Error(err)
			}
		}
		die.Store(&kill)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, setup.host.URL+"/auth/refresh",
			strings.NewReader(`{"mode":"json","refresh_token":"`+token+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			t.Errorf("a host that is dead answers %s", resp.Status)
		}
		if err := setup.host.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		over(t, person, token)
	})
	t.Run("of the plugin", func(t *testing.T) {
		setup, person, token := start(t)
		kill := func() {
			for _, pid := range setup.host.Plugins() {
				if plugin, err := os.FindProcess(pid); err == nil {
					_ = plugin.Kill()
				}
			}
		}
		die.Store(&kill)
		// The provider cannot say: the session continues until its earlier end.
		got := person.refresh(token)
		if got.status != http.StatusOK {
			t.Fatalf("while the plugin dies: %d %s", got.status, got.body)
		}
		over(t, person, got.json(t).Data.RefreshToken)
	})
}

// TestOutagesAtARefresh: an outage ends no session, even if only the user info fails after
// the refresh token was replaced.
func TestOutagesAtARefresh(t *testing.T) {
	var down atomic.Pointer[string] // the path that is down
	setup := startFakeBehind(t, func(w http.ResponseWriter, r *http.Request, fake http.Handler) {
		if path := down.Load(); path != nil && *path == r.URL.Path {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fake.ServeHTTP(w, r)
	}, openidtest.Config{AutoApprove: true}, openidtest.Client{}, offline)
	person := newAgent(t, setup.host, "alice")
	got := person.signIn(setup.host.URL + "/auth/login/fake?mode=json")
	token := got.json(t).Data.RefreshToken
	for _, path := range []string{"/token", "/userinfo", "/userinfo", "", "/token", ""} {
		down.Store(&path)
		token = person.mustRefresh(token)
	}
	if n := strings.Count(setup.host.Logs(), "the session continues until it expires"); n != 4 {
		t.Errorf("the log tells %d times of an outage", n)
	}
	setup.provider.SetClaims("alice", map[string]any{"given_name": "Alicia", "email": "alice@example.com"})
	refreshed := person.refresh(token).json(t).Data
	if me := person.call(http.MethodGet, "/users/me", nil, bearer(refreshed.AccessToken)).json(t).Data; me.FirstName != "Alicia" {
		t.Errorf("D13 names do not follow: %+v", me)
	}
	setup.provider.Revoke("alice")
	if got := person.refresh(refreshed.RefreshToken); got.status != http.StatusUnauthorized {
		t.Errorf("A06 revoked: %d %s", got.status, got.body)
	}
}

// TestLogoutMessagesOfTheProvider: exactly the named sessions end, and only by valid
// messages.
func TestLogoutMessagesOfTheProvider(t *testing.T) {
	setup := startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, nil)
	signIn := func(login string) *agent {
		person := newAgent(t, setup.host, login)
		person.hint = login
		person.inSession("fake")
		return person
	}
	newSession := func(login string) (*agent, string) {
		before := setup.provider.Sessions(login)
		person := signIn(login)
		for _, sid := range setup.provider.Sessions(login) {
			if !strings.Contains(strings.Join(before, " "), sid) {
				return person, sid
			}
		}
		t.Fatal("no new session at the provider")
		return nil, ""
	}
	logout := setup.host.URL + "/auth/login/fake/logout"
	back := func(token string) answer {
		resp, err := http.PostForm(logout, url.Values{"logout_token": {token}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return answer{url: resp.Request.URL, status: resp.StatusCode, header: resp.Header}
	}
	token := func(subject, sid string, alter ...func(header, claims map[string]any)) string {
		made, err := setup.provider.LogoutToken("doorward", subject, sid, alter...)
		if err != nil {
			t.Fatal(err)
		}
		setup.host.secrets.add("logout token", made)
		return made
	}
	claim := func(name string, value any) func(header, claims map[string]any) {
		return func(_, claims map[string]any) { claims[name] = value }
	}
	alice, sid := newSession("alice")
	elsewhere, otherSID := newSession("alice")
	bob, _ := newSession("bob")
	everybody := func(want bool) {
		t.Helper()
		alice.wantSession(want)
		elsewhere.wantSession(want)
		bob.wantSession(want)
	}
	t.Run("F26 forged", func(t *testing.T) {
		for name, forged := range map[string]string{
			"alg none":     token("alice", sid, func(header, _ map[string]any) { header["alg"] = "none" }),
			"typ":          token("alice", sid, func(header, _ map[string]any) { header["typ"] = "at+jwt" }),
			"iss":          token("alice", sid, claim("iss", "https://evil.example")),
			"aud":          token("alice", sid, claim("aud", "other")),
			"nonce":        token("alice", sid, claim("nonce", "n")),
			"no event":     token("alice", sid, claim("events", map[string]any{})),
			"no jti":       token("alice", sid, claim("jti", "")),
			"exp a year":   token("alice", sid, claim("exp", 1<<33)),
			"nobody":       token("", ""),
			"not a token":  "x",
			"another pair": token("alice", sid) + "x",
		} {
			if got := back(forged); got.status != http.StatusBadRequest {
				t.Errorf("%s: %d", name, got.status)
			}
		}
		for _, query := range []string{"iss=https%3A%2F%2Fevil.example&sid=" + sid, "sid=" + sid, "iss=" + url.QueryEscape(setup.provider.Issuer()), "iss=" + url.QueryEscape(setup.provider.Issuer()) + "&sub=alice"} {
			if got := alice.get(logout + "?" + query); got.status != http.StatusBadRequest {
				t.Errorf("F27 %s: %d", query, got.status)
			}
		}
		everybody(true)
	})
	t.Run("of somebody else's session", func(t *testing.T) {
		// Both must match.
		if got := back(token("bob", sid)); got.status != http.StatusOK {
			t.Errorf("%d", got.status)
		}
		everybody(true)
	})
	t.Run("F26 by sid, once", func(t *testing.T) {
		made := token("", sid)
		if got := back(made); got.status != http.StatusOK || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", got.status, got.header)
		}
		alice.wantSession(false)
		elsewhere.wantSession(true)
		bob.wantSession(true)
		if got := back(made); got.status != http.StatusBadRequest {
			t.Errorf("replayed: %d", got.status)
		}
	})
	t.Run("F27 by a frame", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, logout+"?iss="+url.QueryEscape(setup.provider.Issuer())+"&sid="+otherSID, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Accept": "text/html", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"} {
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Frame-Options") != "" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "frame-ancestors *") {
			t.Errorf("%s %v", resp.Status, resp.Header)
		}
		elsewhere.wantSession(false)
		bob.wantSession(true)
	})
	t.Run("F26 by sub", func(t *testing.T) {
		alice := signIn("alice")
		if got := back(token("alice", "")); got.status != http.StatusOK {
			t.Errorf("%d", got.status)
		}
		alice.wantSession(false)
		bob.wantSession(true)
	})
}

// TestPushedRequestsWaitTheirTurn: anybody can begin a login, and with pushed requests
// each login causes a request to the provider. The host limits how many run at once.
func TestPushedRequestsWaitTheirTurn(t *testing.T) {
	const most, logins = 64, 150 // most: as in host/internal/provider
	var inFlight, peak, all atomic.Int64
	release := make(chan struct{})
	var once sync.Once
	t.Cleanup(func() { once.Do(func() { close(release) }) })
	setup := startFakeBehind(t, func(w http.ResponseWriter, r *http.Request, fake http.Handler) {
		if r.URL.Path == "/par" {
			all.Add(1)
			now := inFlight.Add(1)
			defer inFlight.Add(-1)
			for was := peak.Load(); now > was && !peak.CompareAndSwap(was, now); was = peak.Load() {
			}
			<-release
		}
		fake.ServeHTTP(w, r)
	}, openidtest.Config{AutoApprove: true, Security: openidtest.Security{PushedRequests: openidtest.Required}}, openidtest.Client{}, nil)

	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: logins},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(client.CloseIdleConnections)
	var begun atomic.Int64
	var group sync.WaitGroup
	for range logins {
		group.Go(func() {
			resp, err := client.Get(setup.host.URL + "/auth/login/fake")
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if target, err := resp.Location(); err == nil && target.Query().Has("request_uri") {
				begun.Add(1)
			}
		})
	}
	eventually(t, "all turns are taken", func() bool { return inFlight.Load() == most })
	once.Do(func() { close(release) })
	group.Wait()
	if peak.Load() > most || all.Load() > logins || begun.Load() < most {
		t.Errorf("%d at once, %d in all, %d of %d logins begun", peak.Load(), all.Load(), begun.Load(), logins)
	}
}
