package web_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// absent are providers that are not configured while gone is true.
type absent struct {
	directory
	gone *atomic.Bool
}

func (a absent) List() []sso.Provider {
	if a.gone.Load() {
		return nil
	}
	return a.directory.List()
}

func (a absent) Provider(name string) (sso.Provider, bool) {
	if a.gone.Load() {
		return sso.Provider{}, false
	}
	return a.directory.Provider(name)
}

// A token that is not valid now is refused, and its cookie stays, because it will be valid
// again.
func TestCookiesOutliveWhatPasses(t *testing.T) {
	const session, refresh = "directus_session_token", "directus_refresh_token"
	provider := func(name string, mode sso.Mode) sso.Provider {
		return sso.Provider{Name: name, Driver: "openid", Mode: mode, AllowPublicRegistration: true, LoginTimeout: 5 * time.Minute}
	}
	gone := &atomic.Bool{}
	s := newSiteWith(t, "", absent{directory{
		list:       []sso.Provider{provider("op", sso.ModeSession), provider("cookie", sso.ModeCookie)},
		mechanisms: map[string]sdk.Mechanism{"op": redirecting{}, "cookie": redirecting{}},
	}, gone})
	person, app := s.browser(t), s.browser(t)
	token := person.signIn("op", "ada").cookie(session)
	app.signIn("cookie", "ada")

	for what, c := range map[string]struct{ wrong, right func() }{
		"a provider that is missing":  {func() { gone.Store(true) }, func() { gone.Store(false) }},
		"a clock that is years ahead": {func() { s.clock.setBy(9 * 365 * 24 * time.Hour) }, func() { s.clock.setBy(-9 * 365 * 24 * time.Hour) }},
		"a clock that is a day ahead": {func() { s.clock.setBy(25 * time.Hour) }, func() { s.clock.setBy(-25 * time.Hour) }},
	} {
		c.wrong()
		for path, a := range map[string]answer{
			"GET /users/me":                       person.get("/users/me"),
			"GET /":                               person.get("/", "Accept", acceptHTML),
			"POST /auth/refresh":                  person.postJSON("/auth/refresh", map[string]string{"mode": "session"}),
			"GET /users/me with a planted cookie": s.browser(t).get("/users/me", "Cookie", session+"="+token.Value+"; "+session+"=planted"),
			"POST /auth/refresh with a planted cookie": s.browser(t).postJSON("/auth/refresh", map[string]string{"mode": "session"},
				"Cookie", session+"=planted; "+session+"="+token.Value),
		} {
			if a.StatusCode != http.StatusUnauthorized && path != "GET /" || a.cookie(session) != nil {
				t.Errorf("%s: %s: %s, cookies %v", what, path, a.Status, a.Cookies())
			}
		}
		if wrong := app.postJSON("/auth/refresh", map[string]string{"mode": "cookie"}); wrong.cookie(refresh) != nil && wrong.StatusCode != http.StatusOK {
			t.Errorf("%s: refresh token: %s, cookies %v", what, wrong.Status, wrong.Cookies())
		}
		c.right()
		if a := person.get("/users/me"); a.StatusCode != http.StatusOK {
			t.Errorf("after %s: %s %s", what, a.Status, a.body)
		}
		if a := app.postJSON("/auth/refresh", map[string]string{"mode": "cookie"}); a.StatusCode != http.StatusOK {
			t.Errorf("after %s: refresh token: %s %s", what, a.Status, a.body)
		}
	}
	if a := s.browser(t).get("/users/me", "Cookie", session+"=planted"); a.cookie(session) == nil {
		t.Error("a cookie that never was good stays")
	}
}
