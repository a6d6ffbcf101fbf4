package web_test

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// refresher is a client of a mode, with the token in the place of that mode.
type refresher struct {
	t      *testing.T
	site   *site
	mode   string
	cookie string // empty in mode json
}

func (s *site) refreshers(t *testing.T) []refresher {
	return []refresher{
		{t, s, "json", ""},
		{t, s, "cookie", "directus_refresh_token"},
		{t, s, "session", "directus_session_token"},
	}
}

// signIn returns the first token.
func (r refresher) signIn() string {
	r.t.Helper()
	b := r.site.browser(r.t)
	done := b.get("/auth/login/op/callback?code=ada&state=" + b.begin("/auth/login/op?mode="+r.mode))
	return r.token(done)
}

func (r refresher) refresh(token string) answer {
	r.t.Helper()
	body, header := map[string]string{"mode": r.mode}, []string(nil)
	if r.cookie == "" {
		body["refresh_token"] = token
	} else {
		header = []string{"Cookie", r.cookie + "=" + token}
	}
	return r.site.browser(r.t).postJSON("/auth/refresh", body, header...)
}

// token is what an answer gave, empty if nothing.
func (r refresher) token(a answer) string {
	r.t.Helper()
	if r.cookie == "" {
		if a.StatusCode != http.StatusOK {
			return ""
		}
		token, _ := a.data(r.t)["refresh_token"].(string)
		return token
	}
	if c := a.cookie(r.cookie); c != nil {
		return c.Value
	}
	return ""
}

func TestParallelRefreshesGetTheSameToken(t *testing.T) {
	s := newSite(t, "")
	for _, r := range s.refreshers(t) {
		t.Run(r.mode, func(t *testing.T) {
			first := r.signIn()
			answers := make([]answer, 20)
			var tabs sync.WaitGroup
			for i := range answers {
				tabs.Go(func() { answers[i] = r.refresh(first) })
			}
			tabs.Wait()
			second := r.token(answers[0])
			for _, a := range answers {
				if a.StatusCode != http.StatusOK || second == "" || r.token(a) != second {
					t.Fatalf("got %s, %s", a.Status, a.body)
				}
			}
			if a := r.refresh(second); a.StatusCode != http.StatusOK || r.token(a) == second {
				t.Errorf("the next refresh: %s", a.Status)
			}
		})
	}
}

// The browser may hold the current token under the same name by then.
func TestSlowTabRemovesNoCookie(t *testing.T) {
	s := newSite(t, "")
	for _, r := range s.refreshers(t) {
		first := r.signIn()
		second := r.token(r.refresh(first))
		third := r.token(r.refresh(second))
		slow := r.refresh(first)
		if slow.StatusCode != http.StatusUnauthorized || slow.code(t) != "INVALID_CREDENTIALS" || len(slow.Cookies()) > 0 {
			t.Errorf("%s: the slow tab: %s, %v", r.mode, slow.Status, slow.Cookies())
		}
		if a := r.refresh(third); a.StatusCode != http.StatusOK {
			t.Errorf("%s: the current token: %s", r.mode, a.Status)
		}
	}
}

// A cookie lasts as long as its session may last at most; when it ends without a
// refresh, the store knows.
func TestA05CookiesLastAsLongAsSessionsMay(t *testing.T) {
	s := newSite(t, "")
	for _, r := range s.refreshers(t)[1:] {
		idle, most := 24*time.Hour, 30*24*time.Hour
		if r.mode == "cookie" {
			idle, most = 7*24*time.Hour, 90*24*time.Hour
		}
		wantAge := func(what string, a answer, want time.Duration) string {
			t.Helper()
			c := a.cookie(r.cookie)
			if c == nil || c.MaxAge > int(want.Seconds()) || c.MaxAge < int(want.Seconds())-1 { // milliseconds are stored
				t.Fatalf("%s, %s: %s, %v, want Max-Age %v", r.mode, what, a.Status, a.Cookies(), want.Seconds())
			}
			return c.Value
		}
		b := s.browser(t)
		signedIn := b.get("/auth/login/op/callback?code=ada&state=" + b.begin("/auth/login/op?mode="+r.mode))
		token, left := wantAge("signing in", signedIn, most), most
		for left > idle {
			s.clock.advance(idle - time.Hour)
			left -= idle - time.Hour
			token = wantAge("a refresh", r.refresh(token), left)
		}
		s.clock.advance(left)
		over := r.refresh(token)
		if over.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s, with constant activity: %s", r.mode, over.Status)
		}
	}
}
