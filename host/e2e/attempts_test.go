package e2e

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// callbackOf signs the person in at the provider, and returns the callback URL to which the
// provider redirects the browser.
func callbackOf(t *testing.T, person *agent) string {
	t.Helper()
	begun := person.get(person.host.URL + "/auth/login/fake?mode=session")
	if begun.location() == nil {
		t.Fatalf("beginning a login: %d %s", begun.status, begun.body)
	}
	back := person.get(begun.location().String())
	if back.location() == nil {
		t.Fatalf("at the provider: %d %s", back.status, back.body)
	}
	return back.location().String()
}

// A login belongs to the browser that began it, and can end only once.
func TestAttempts(t *testing.T) {
	setup := startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, nil)
	newPerson := func() *agent {
		person := newAgent(t, setup.host, "alice")
		person.accept = "application/json"
		return person
	}
	t.Run("A10 a callback in a browser that began no login", func(t *testing.T) {
		attacker, victim := newPerson(), newPerson()
		got := victim.get(callbackOf(t, attacker))
		wantRefused(t, "callback", got, http.StatusUnauthorized, "INVALID_CREDENTIALS")
		victim.signedOut()
	})
	t.Run("A12 a callback in a browser that began another login", func(t *testing.T) {
		attacker, victim := newPerson(), newPerson()
		callbackOf(t, victim)
		got := victim.get(callbackOf(t, attacker))
		wantRefused(t, "callback", got, http.StatusUnauthorized, "INVALID_CREDENTIALS")
		victim.signedOut()
	})
	t.Run("A11 E07 a callback that was used before", func(t *testing.T) {
		person := newPerson()
		callback := callbackOf(t, person)
		cookies := http.Header{"Cookie": {cookieHeader(person, callback)}}
		if got := person.get(callback); got.location() == nil {
			t.Fatalf("first use: %d %s", got.status, got.body)
		}
		exchanges := setup.provider.Hits(openidtest.TokenEndpoint)
		again := newPerson()
		wantRefused(t, "second use", again.do(http.MethodGet, callback, nil, cookies), http.StatusUnauthorized, "INVALID_CREDENTIALS")
		again.signedOut()
		if hits := setup.provider.Hits(openidtest.TokenEndpoint); hits != exchanges {
			t.Errorf("the second use reached the token endpoint %d times", hits-exchanges)
		}
	})
}

func cookieHeader(person *agent, url string) string {
	req, err := http.NewRequestWithContext(person.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		person.t.Fatal(err)
	}
	for _, cookie := range person.client.Jar.Cookies(req.URL) {
		req.AddCookie(cookie)
	}
	return req.Header.Get("Cookie")
}

// Clients that are not signed in cannot fill the store (A15).
func TestUnauthenticatedRequestsWriteNothing(t *testing.T) {
	setup := startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, nil)
	person := newAgent(t, setup.host, "alice")
	person.signIn(setup.host.URL + "/auth/login/fake?mode=session") // the store is in use
	before := storeSum(t, setup.host)
	for range 20 {
		stranger := newAgent(t, setup.host, "alice")
		stranger.hint = "alice+" + string(openidtest.IDTokenMissing)
		stranger.signIn(setup.host.URL + "/auth/login/fake")
		stranger.get(setup.host.URL + "/auth/login/fake/callback?code=x&state=y")
		stranger.get(setup.host.URL + "/users/me")
		stranger.call(http.MethodPost, "/auth/refresh", map[string]string{"refresh_token": "x"}, nil)
		stranger.call(http.MethodPost, "/auth/logout", map[string]string{"refresh_token": "x"}, nil)
	}
	if storeSum(t, setup.host) != before {
		t.Error("A15 the files of the store have changed")
	}
}

// storeSum is a checksum of all files of the database.
func storeSum(t *testing.T, host *testHost) string {
	t.Helper()
	sum := sha256.New()
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(host.Env("DB_FILENAME") + suffix)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(content)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}
