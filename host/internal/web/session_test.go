package web_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

func TestSessions(t *testing.T) {
	const session = "directus_session_token"
	signedIn := func(t *testing.T, s *site) (*browser, *http.Cookie) {
		t.Helper()
		b := s.browser(t)
		c := b.signIn("op", "ada").cookie(session)
		if c == nil {
			t.Fatal("not signed in")
		}
		return b, c
	}
	with := func(c *http.Cookie) []string { return []string{"Cookie", c.Name + "=" + c.Value} }

	t.Run("A04 logout ends the session on the server", func(t *testing.T) {
		s := newSite(t, "")
		b, c := signedIn(t, s)
		out := b.postJSON("/auth/logout", map[string]string{"mode": "session"})
		if out.StatusCode != http.StatusNoContent || out.cookie(session).MaxAge != -1 {
			t.Fatalf("logout: %s %v", out.Status, out.Cookies())
		}
		a := s.browser(t).get("/users/me", with(c)...)
		if a.StatusCode != http.StatusUnauthorized || a.code(t) != "INVALID_CREDENTIALS" || a.cookie(session).MaxAge != -1 {
			t.Errorf("afterwards: %s %v", a.Status, a.Cookies())
		}
	})
	t.Run("logout by the button", func(t *testing.T) {
		s := newSite(t, "")
		b, _ := signedIn(t, s)
		home := b.get("/", "Accept", acceptHTML)
		if !strings.Contains(home.body, "Ada") || strings.Contains(home.body, "<b>Lovelace") {
			t.Fatalf("home: %s", home.body)
		}
		out := b.postForm("/auth/logout", hiddenFields(t, home.body), "Accept", acceptHTML, "Sec-Fetch-Site", "same-origin", "Origin", "null")
		if out.StatusCode != http.StatusSeeOther || !strings.HasPrefix(out.Header.Get("Location"), "/login") {
			t.Errorf("logout: %s to %q", out.Status, out.Header.Get("Location"))
		}
		if a := b.get("/", "Accept", acceptHTML); a.Header.Get("Location") != "/login" {
			t.Errorf("home afterwards: %s", a.Status)
		}
	})
	t.Run("A01 A02 a login replaces the session of the browser", func(t *testing.T) {
		s := newSite(t, "")
		b, old := signedIn(t, s)
		if fresh := b.signIn("op", "bob").cookie(session); fresh == nil || fresh.Value == old.Value {
			t.Fatalf("second login: %v", fresh)
		}
		if a := s.browser(t).get("/users/me", with(old)...); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("the old session lives: %s", a.Status)
		}
	})
	t.Run("A05 a session expires", func(t *testing.T) {
		s := newSite(t, "")
		b, _ := signedIn(t, s)
		s.clock.advance(24 * time.Hour)
		if a := b.get("/users/me"); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("got %s", a.Status)
		}
	})
	t.Run("A08 a planted cookie beside ours", func(t *testing.T) {
		s := newSite(t, "")
		_, c := signedIn(t, s)
		_, other := signedIn(t, s)
		for _, header := range []string{session + "=planted; " + session + "=" + c.Value, session + "=" + c.Value + "; " + session + "=planted"} {
			if a := s.browser(t).get("/users/me", "Cookie", header); a.StatusCode != http.StatusOK {
				t.Errorf("forged cookie: %s", a.Status)
			}
		}
		two := session + "=" + c.Value + "; " + session + "=" + other.Value
		if a := s.browser(t).get("/users/me", "Cookie", two); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("two sessions: %s", a.Status)
		}
	})
	t.Run("A08 a planted cookie does not win at refresh", func(t *testing.T) {
		for provider, cookie := range map[string]string{"op": session, "cookie": "directus_refresh_token"} {
			s := newSite(t, "")
			victim := s.browser(t).signIn(provider, "ada").cookie(cookie)
			thief := s.browser(t).signIn(provider, "mallory").cookie(cookie)
			mode := map[string]string{"mode": map[string]string{"op": "session", "cookie": "cookie"}[provider]}
			refresh := func(one, two string) answer {
				return s.browser(t).postJSON("/auth/refresh", mode, "Cookie", cookie+"="+one+"; "+cookie+"="+two)
			}
			if a := refresh(thief.Value, victim.Value); a.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: two good cookies: %s", provider, a.Status)
			}
			if a := refresh("planted", victim.Value); a.StatusCode != http.StatusOK || a.cookie(cookie) == nil {
				t.Errorf("%s: a forged cookie first: %s", provider, a.Status)
			}
		}
	})
	t.Run("logout leaves no session behind whose cookie it removes", func(t *testing.T) {
		s := newSite(t, "")
		b, _ := signedIn(t, s)
		refresh := s.browser(t).signIn("cookie", "ada").cookie("directus_refresh_token")
		both := append(with(refresh), "Content-Type", "application/json")
		out := b.do(http.MethodPost, "/auth/logout", strings.NewReader(`{"mode":"session"}`), both...)
		if out.StatusCode != http.StatusNoContent || out.cookie("directus_refresh_token") == nil {
			t.Fatalf("logout: %s %v", out.Status, out.Cookies())
		}
		if a := s.browser(t).postJSON("/auth/refresh", nil, with(refresh)...); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("the other session lives: %s", a.Status)
		}
	})
	t.Run("who has the token itself may refresh from anywhere", func(t *testing.T) {
		s := newSite(t, "")
		b := s.browser(t)
		first := b.get("/auth/login/op/callback?code=ada&state=" + b.begin("/auth/login/op?mode=json")).data(t)
		body := map[string]any{"refresh_token": first["refresh_token"]}
		if a := b.postJSON("/auth/refresh", body, "Origin", "https://app.example", "Sec-Fetch-Site", "cross-site"); a.StatusCode != http.StatusOK {
			t.Errorf("got %s", a.Status)
		}
	})
	t.Run("A17 logout and refresh from another site", func(t *testing.T) {
		s := newSite(t, "")
		b, _ := signedIn(t, s)
		for _, header := range [][]string{
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
		} {
			for _, path := range []string{"/auth/logout", "/auth/refresh"} {
				if a := b.postJSON(path, map[string]string{"mode": "session"}, header...); a.StatusCode != http.StatusForbidden {
					t.Errorf("%s with %v: %s", path, header, a.Status)
				}
			}
		}
		if a := b.get("/auth/logout"); a.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET /auth/logout: %s", a.Status)
		}
		if a := b.get("/users/me"); a.StatusCode != http.StatusOK {
			t.Errorf("the session is gone: %s", a.Status)
		}
	})
	t.Run("a session cookie has a grace period", func(t *testing.T) {
		s := newSite(t, "")
		_, c := signedIn(t, s)
		refresh := func() answer {
			return s.browser(t).postJSON("/auth/refresh", map[string]string{"mode": "session"}, with(c)...)
		}
		if one, two := refresh(), refresh(); one.StatusCode != http.StatusOK || two.StatusCode != http.StatusOK || one.cookie(session).Value != two.cookie(session).Value {
			t.Fatalf("two tabs: %s %v, %s %v", one.Status, one.Cookies(), two.Status, two.Cookies())
		}
		s.clock.advance(11 * time.Second)
		if a := s.browser(t).get("/users/me", with(c)...); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("a replaced token works after the grace period: %s", a.Status)
		}
		if a := refresh(); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("a replaced token is refreshed after the grace period: %s", a.Status)
		}
	})
	t.Run("a refresh token used again after the grace period ends the session", func(t *testing.T) {
		s := newSite(t, "")
		b := s.browser(t)
		state := b.begin("/auth/login/op?mode=json")
		first := b.get("/auth/login/op/callback?code=ada&state=" + state).data(t)
		refresh := func(token any) answer { return b.postJSON("/auth/refresh", map[string]any{"refresh_token": token}) }
		second := refresh(first["refresh_token"]).data(t)
		s.clock.advance(10 * time.Second)
		if a := refresh(first["refresh_token"]); a.StatusCode != http.StatusUnauthorized || a.code(t) != "INVALID_CREDENTIALS" {
			t.Errorf("reuse: %s", a.Status)
		}
		if a := refresh(second["refresh_token"]); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("the successor lives: %s", a.Status)
		}
		if a := b.get("/users/me", "Authorization", "Bearer "+second["access_token"].(string)); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("the access token lives: %s", a.Status)
		}
	})
	t.Run("G12 one kind of token is not the other", func(t *testing.T) {
		s := newSite(t, "")
		b := s.browser(t)
		refresh := b.signIn("cookie", "ada").cookie("directus_refresh_token")
		if a := s.browser(t).get("/users/me", "Cookie", session+"="+refresh.Value); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("refresh token as session: %s", a.Status)
		}
		_, c := signedIn(t, s)
		if a := s.browser(t).postJSON("/auth/refresh", map[string]any{"refresh_token": c.Value}); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("session token as refresh token: %s", a.Status)
		}
	})
	t.Run("bearer tokens", func(t *testing.T) {
		s := newSite(t, "")
		b, c := signedIn(t, s)
		access := b.get("/auth/login/op/callback?code=ada&state=" + b.begin("/auth/login/op?mode=json")).data(t)["access_token"].(string)
		for _, test := range []struct {
			header string
			status int
			code   string
		}{
			{"Bearer " + access, 200, ""},
			{"bearer " + access, 200, ""},
			{"Bearer " + access + "x", 403, "INVALID_TOKEN"},
			{"Bearer a.b.c", 401, "INVALID_CREDENTIALS"}, // no JWT
			{"Bearer " + forged(access), 403, "INVALID_TOKEN"},
			{"Basic abc", 401, "INVALID_CREDENTIALS"},         // not for us: as if it were not there
			{"Bearer " + c.Value, 401, "INVALID_CREDENTIALS"}, // replaced by the second login
		} {
			a := s.browser(t).get("/users/me", "Authorization", test.header)
			if a.StatusCode != test.status || test.code != "" && a.code(t) != test.code {
				t.Errorf("%.12s…: %s %s", test.header, a.Status, a.body)
			}
		}
		s.clock.advance(16 * time.Minute)
		if a := s.browser(t).get("/users/me", "Authorization", "Bearer "+access); a.StatusCode != 401 || a.code(t) != "TOKEN_EXPIRED" {
			t.Errorf("expired: %s %s", a.Status, a.body)
		}
	})
	t.Run("refresh and logout without a token", func(t *testing.T) {
		b := newSite(t, "").browser(t)
		for _, path := range []string{"/auth/refresh", "/auth/logout"} {
			for _, body := range []any{nil, map[string]string{"mode": "session"}, map[string]string{"mode": "odd"}, []int{1}} {
				if a := b.postJSON(path, body); a.StatusCode != 400 || a.code(t) != "INVALID_PAYLOAD" {
					t.Errorf("%s %v: %s", path, body, a.Status)
				}
			}
		}
		if a := b.postJSON("/auth/logout", map[string]string{"refresh_token": "unknown"}); a.StatusCode != 204 {
			t.Errorf("unknown token: %s", a.Status)
		}
	})
}

func TestCookieAttributes(t *testing.T) {
	t.Run("A07 over https", func(t *testing.T) {
		s := newSite(t, "https://sso.example.org")
		start := s.browser(t).get("/auth/login/op")
		attempt := start.Cookies()[0]
		done := s.browser(t).get("/auth/login/op/callback?code=ada&state="+locationState(t, start), "Cookie", attempt.Name+"="+attempt.Value)
		if !strings.HasPrefix(attempt.Name, "__Host-") {
			t.Errorf("attempt cookie is called %s", attempt.Name)
		}
		cookies := append(start.Cookies(), done.Cookies()...)
		if len(cookies) != 3 {
			t.Errorf("cookies: %v", cookies)
		}
		for _, c := range cookies {
			if !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
				t.Errorf("cookie %s: %v", c.Name, c)
			}
			if len(c.String()) > 4096 {
				t.Errorf("cookie %s has %d bytes", c.Name, len(c.String()))
			}
		}
		if done.Header.Get("Strict-Transport-Security") == "" {
			t.Error("no HSTS")
		}
	})
}

func locationState(t *testing.T, a answer) string {
	t.Helper()
	target, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return target.Query().Get("state")
}

// While the clock is set back, a replaced cookie is refused, and stays: the browser may
// have the next one under the same name by then.
func TestClockThatWasSetBackRemovesNoCookie(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	old := b.signIn("op", "ada").cookie("directus_session_token")
	s.clock.advance(time.Minute)
	b.postJSON("/auth/refresh", map[string]string{"mode": "session"})
	s.clock.advance(-5 * time.Minute)
	stale := s.browser(t)
	header := []string{"Cookie", old.Name + "=" + old.Value}
	for what, a := range map[string]answer{
		"a check":   stale.get("/users/me", header...),
		"a refresh": stale.postJSON("/auth/refresh", map[string]string{"mode": "session"}, header...),
	} {
		if a.StatusCode/100 == 2 || len(a.Cookies()) > 0 {
			t.Errorf("%s with the replaced cookie: %s, %v", what, a.Status, a.Cookies())
		}
	}
	if me := b.get("/users/me"); me.StatusCode != http.StatusOK {
		t.Errorf("with the current cookie: %s", me.Status)
	}
}

// The log says that a session has ended if it has, and not if it continues.
func TestLogOfARefreshThatIsRefused(t *testing.T) {
	const ended, goesOn = "session ended", "the session continues"
	for subject, c := range map[string]struct {
		wrong func(t *testing.T, s *site)
		want  string
	}{
		"locked":  {func(*testing.T, *site) {}, ended},
		"trainee": {func(_ *testing.T, s *site) { s.clock.setBy(30 * time.Minute) }, goesOn},
		"altered": {func(t *testing.T, s *site) {
			grants, err := s.store.SealedGrants(t.Context(), "", 1)
			if err != nil || len(grants) != 1 {
				t.Fatal(grants, err)
			}
			swap := sso.GrantSwap{SessionID: grants[0].SessionID, Old: grants[0].Sealed, New: []byte("altered")}
			if err := s.store.SwapGrants(t.Context(), []sso.GrantSwap{swap}); err != nil {
				t.Fatal(err)
			}
		}, ended},
	} {
		t.Run(subject, func(t *testing.T) {
			s := federatedSite(t)
			b := s.browser(t)
			b.signIn("idp", subject)
			s.clock.advance(time.Hour)
			c.wrong(t, s)
			if a := b.postJSON("/auth/refresh", map[string]string{"mode": "session"}); a.StatusCode != http.StatusUnauthorized {
				t.Fatal(a.Status, a.body)
			}
			for _, text := range []string{ended, goesOn} {
				if got := strings.Contains(s.log.String(), text); got != (text == c.want) {
					t.Errorf("the log says %q: %v\n%s", text, got, s.log.String())
				}
			}
		})
	}
}

// forged is an access token with the claims of another, and the signature of nobody.
func forged(access string) string {
	parts := strings.Split(access, ".")
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"somebody"}`)) + "." + parts[2]
}
