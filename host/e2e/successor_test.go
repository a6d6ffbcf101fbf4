package e2e

import (
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// startRefreshing starts a host with a provider that is asked at each refresh.
func startRefreshing(t *testing.T, grace string) *testHost {
	t.Helper()
	return startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, map[string]string{"SESSION_REFRESH_GRACE_PERIOD": grace}).host
}

// clientOf refreshes in one of the modes, each time with the token that it is given.
type clientOf struct {
	t    *testing.T
	host *testHost
	mode string
}

func (c clientOf) signIn() (token string) {
	c.t.Helper()
	person := newAgent(c.t, c.host, "alice")
	got := person.signIn(c.host.URL + "/auth/login/fake?mode=" + c.mode)
	return c.token(person, got)
}

// refresh sends a refresh from a client without other cookies.
func (c clientOf) refresh(token string) (answer, string) {
	person := newAgent(c.t, c.host, "alice")
	body, header := map[string]string{"mode": c.mode}, http.Header{}
	switch c.mode {
	case "json":
		body["refresh_token"] = token
	case "cookie":
		header.Set("Cookie", refreshCookie+"="+token)
	case "session":
		header.Set("Cookie", sessionCookie+"="+token)
	}
	got := person.call(http.MethodPost, "/auth/refresh", body, header)
	return got, c.token(person, got)
}

func (c clientOf) token(person *agent, got answer) string {
	switch c.mode {
	case "cookie":
		return person.cookie(refreshCookie)
	case "session":
		return person.cookie(sessionCookie)
	}
	if got.status != http.StatusOK {
		return ""
	}
	return got.json(c.t).Data.RefreshToken
}

func (c clientOf) wantRefreshed(what, token string) (next string) {
	c.t.Helper()
	got, next := c.refresh(token)
	wantStatus(c.t, c.mode+", "+what, got, http.StatusOK)
	if next == "" || next == token {
		c.t.Fatalf("%s, %s: no other token", c.mode, what)
	}
	return next
}

// Twenty tabs refresh at once, and then one of them again.
func TestParallelRefreshesKeepOneSession(t *testing.T) {
	host := startRefreshing(t, "5m")
	for _, mode := range []string{"json", "cookie", "session"} {
		c := clientOf{t, host, mode}
		first := c.signIn()
		nexts := make([]string, 20)
		var tabs sync.WaitGroup
		for i := range nexts {
			tabs.Go(func() {
				got, next := c.refresh(first)
				wantStatus(t, mode+", a tab", got, http.StatusOK)
				nexts[i] = next
			})
		}
		tabs.Wait()
		for _, next := range nexts {
			if next == "" || next != nexts[0] {
				t.Fatalf("%s: the tabs got more than one token", mode)
			}
		}
		second := c.wantRefreshed("the next refresh", nexts[0])
		got, _ := c.refresh(first)
		wantRefused(t, mode+", a slow tab", got, http.StatusUnauthorized, "INVALID_CREDENTIALS")
		c.wantRefreshed("after the slow tab", second)
	}
}

// A host dies after it has replaced a token, and the client never receives the new one.
func TestRefreshAgainAfterACrash(t *testing.T) {
	host := startRefreshing(t, "5m")
	firsts, seconds := map[string]string{}, map[string]string{}
	modes := []string{"json", "cookie", "session"}
	for _, mode := range modes {
		c := clientOf{t, host, mode}
		firsts[mode] = c.signIn()
		seconds[mode] = c.wantRefreshed("before the crash", firsts[mode])
	}
	if err := host.Crash(); err != nil {
		t.Fatal(err)
	}
	if err := host.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, mode := range modes {
		c := clientOf{t, host, mode}
		if again := c.wantRefreshed("after the crash", firsts[mode]); again != seconds[mode] {
			t.Errorf("%s: another successor after the crash", mode)
		}
		c.wantRefreshed("then", seconds[mode])
	}
}

// After the grace period, a second use of a token means that two parties have it, so the
// session ends.
func TestReusedTokenEndsSession(t *testing.T) {
	host := startRefreshing(t, "0")
	for _, mode := range []string{"json", "cookie", "session"} {
		c := clientOf{t, host, mode}
		first := c.signIn()
		second := c.wantRefreshed("the first time", first)
		spent, _ := c.refresh(first)
		wantRefused(t, mode+", the spent token", spent, http.StatusUnauthorized, "INVALID_CREDENTIALS")
		successor, _ := c.refresh(second)
		wantRefused(t, mode+", its successor", successor, http.StatusUnauthorized, "INVALID_CREDENTIALS")
	}
}

// An upgrade signs nobody out, and gives sessions an end.
func TestUpgradeKeepsSessions(t *testing.T) {
	first := needFirstVersion(t)
	port := freePort(t)
	client := openidtest.Client{ID: "doorward", Secret: newClientSecret(), RedirectURIs: []string{localURL("localhost", port) + "/auth/login/fake/callback"}}
	fake := openidtest.Start(t, openidtest.Config{AutoApprove: true, Clients: []openidtest.Client{client}})
	env := map[string]string{"AUTH_PROVIDERS": "fake"}
	provider(env, "FAKE", map[string]string{
		"DRIVER": "openid", "ISSUER_URL": fake.Issuer(), "CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret, "ALLOW_PUBLIC_REGISTRATION": "true",
	})
	old := filepath.Join(first, "doorward")
	host := startHost(t, HostConfig{Binary: old, Plugins: added(t, old, filepath.Join(first, "doorward-plugin-openid")), Port: port, Env: env})
	host.secrets.add("client secret", client.Secret)
	tokens := map[string]string{}
	for _, mode := range []string{"json", "cookie", "session"} {
		tokens[mode] = clientOf{t, host, mode}.signIn()
	}
	if err := host.Stop(); err != nil {
		t.Fatal(err)
	}
	host.config.Binary = filepath.Join(repository(t), "bin", "doorward")
	if err := host.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for mode, token := range tokens {
		c := clientOf{t, host, mode}
		if mode == "session" {
			me := newAgent(t, host, "alice").call(http.MethodGet, "/users/me", nil, http.Header{"Cookie": {sessionCookie + "=" + token}})
			wantStatus(t, "who am I, after the upgrade", me, http.StatusOK)
		}
		second := c.wantRefreshed("after the upgrade", token)
		if again := c.wantRefreshed("once more", token); again != second {
			t.Errorf("%s: two successors", mode)
		}
		c.wantRefreshed("then", second)
	}
}
