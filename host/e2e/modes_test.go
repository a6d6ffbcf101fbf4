package e2e

import (
	"net/http"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

func startAutoApproving(t *testing.T) *testHost {
	t.Helper()
	return startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, nil).host
}

// wantRefused also checks the code of an answer.
func wantRefused(t *testing.T, what string, got answer, status int, code string) {
	t.Helper()
	if got.status != status || got.code(t) != code {
		t.Errorf("%s: %d %s, want %d %s", what, got.status, got.body, status, code)
	}
}

func wantStatus(t *testing.T, what string, got answer, status int) {
	t.Helper()
	if got.status != status {
		t.Errorf("%s: %d %s, want %d", what, got.status, got.body, status)
	}
}

func TestModeJSON(t *testing.T) {
	host := startAutoApproving(t)
	program := newAgent(t, host, "alice")
	got := program.signIn(host.URL + "/auth/login/fake?mode=json")
	wantStatus(t, "signing in", got, http.StatusOK)
	first := got.json(t).Data
	program.signedOut()
	wantStatus(t, "who am I", program.call(http.MethodGet, "/users/me", nil, bearer(first.AccessToken)), http.StatusOK)

	refresh := func(token string) answer {
		return program.call(http.MethodPost, "/auth/refresh", map[string]string{"mode": "json", "refresh_token": token}, nil)
	}
	got = refresh(first.RefreshToken)
	wantStatus(t, "refreshing", got, http.StatusOK)
	second := got.json(t).Data
	if second.RefreshToken == "" || second.RefreshToken == first.RefreshToken {
		t.Error("the refresh token was not rotated")
	}
	wantStatus(t, "who am I after refreshing", program.call(http.MethodGet, "/users/me", nil, bearer(second.AccessToken)), http.StatusOK)

	got = program.call(http.MethodPost, "/auth/logout", map[string]string{"mode": "json", "refresh_token": second.RefreshToken}, nil)
	wantStatus(t, "logging out", got, http.StatusNoContent)
	wantRefused(t, "A04 refreshing after logout", refresh(second.RefreshToken), http.StatusUnauthorized, "INVALID_CREDENTIALS")
	wantRefused(t, "A04 access token after logout",
		program.call(http.MethodGet, "/users/me", nil, bearer(second.AccessToken)), http.StatusUnauthorized, "INVALID_CREDENTIALS")
}

func TestModeCookie(t *testing.T) {
	host := startAutoApproving(t)
	person := newAgent(t, host, "alice")
	got := person.signIn(host.URL + "/auth/login/fake?mode=cookie&redirect=/app%3Fx=1")
	if target := got.location(); target == nil || target.String() != host.URL+"/app?x=1" {
		t.Fatalf("after signing in: %d, Location %q", got.status, got.header.Get("Location"))
	}
	first := person.cookie(refreshCookie)
	if first == "" || person.cookie(sessionCookie) != "" {
		t.Errorf("cookies after signing in: refresh %q, session %q", first, person.cookie(sessionCookie))
	}

	refresh := func() answer {
		return person.call(http.MethodPost, "/auth/refresh", map[string]string{"mode": "cookie"}, nil)
	}
	got = refresh()
	wantStatus(t, "refreshing", got, http.StatusOK)
	tokens := got.json(t).Data
	if tokens.AccessToken == "" || tokens.RefreshToken != "" {
		t.Errorf("refreshed to %s, want an access token and no refresh token in the body", got.body)
	}
	second := person.cookie(refreshCookie)
	if second == "" || second == first {
		t.Error("the refresh token was not rotated")
	}
	wantStatus(t, "who am I", person.call(http.MethodGet, "/users/me", nil, bearer(tokens.AccessToken)), http.StatusOK)

	wantStatus(t, "logging out", person.call(http.MethodPost, "/auth/logout", map[string]string{"mode": "cookie"}, nil), http.StatusNoContent)
	person.signedOut()
	replayed := http.Header{"Cookie": {refreshCookie + "=" + second}}
	got = person.call(http.MethodPost, "/auth/refresh", map[string]string{"mode": "cookie"}, replayed)
	wantRefused(t, "A04 the cookie after logout", got, http.StatusUnauthorized, "INVALID_CREDENTIALS")
	wantRefused(t, "A04 the access token after logout",
		person.call(http.MethodGet, "/users/me", nil, bearer(tokens.AccessToken)), http.StatusUnauthorized, "INVALID_CREDENTIALS")
}

func TestModeSession(t *testing.T) {
	host := startAutoApproving(t)
	person := newAgent(t, host, "alice")
	got := person.signIn(host.URL + "/auth/login/fake?mode=session&redirect=/app")
	if target := got.location(); target == nil || target.String() != host.URL+"/app" {
		t.Fatalf("after signing in: %d, Location %q", got.status, got.header.Get("Location"))
	}
	if person.cookie(sessionCookie) == "" || person.cookie(refreshCookie) != "" {
		t.Error("want a session cookie and no other")
	}
	me := func() answer { return person.call(http.MethodGet, "/users/me", nil, nil) }
	wantStatus(t, "who am I", me(), http.StatusOK)

	if err := host.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := host.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "who am I after a restart of the host", me(), http.StatusOK)

	got = person.call(http.MethodPost, "/auth/refresh", map[string]string{"mode": "session"}, nil)
	wantStatus(t, "refreshing", got, http.StatusOK)
	if tokens := got.json(t).Data; tokens.AccessToken != "" || tokens.RefreshToken != "" || tokens.Expires <= 0 {
		t.Errorf("refreshed to %s, want an expiry only", got.body)
	}
	wantStatus(t, "who am I after refreshing", me(), http.StatusOK)

	stolen := http.Header{"Cookie": {sessionCookie + "=" + person.cookie(sessionCookie)}}
	wantStatus(t, "logging out", person.call(http.MethodPost, "/auth/logout", map[string]string{"mode": "session"}, nil), http.StatusNoContent)
	person.signedOut()
	wantRefused(t, "A04 a copy of the cookie after logout",
		person.call(http.MethodGet, "/users/me", nil, stolen), http.StatusUnauthorized, "INVALID_CREDENTIALS")
}

// Another site can make the browser send a form, but not end the session (A17).
func TestLogoutFromAnotherSite(t *testing.T) {
	host := startAutoApproving(t)
	person := newAgent(t, host, "alice")
	person.signIn(host.URL + "/auth/login/fake?mode=session&redirect=/app")
	forged := http.Header{"Origin": {"http://127.0.0.1:1"}, "Sec-Fetch-Site": {"cross-site"}}
	got := person.call(http.MethodPost, "/auth/logout", map[string]string{"mode": "session"}, forged)
	wantRefused(t, "A17 logout from another site", got, http.StatusForbidden, "FORBIDDEN")
	wantStatus(t, "who am I", person.call(http.MethodGet, "/users/me", nil, nil), http.StatusOK)
}
