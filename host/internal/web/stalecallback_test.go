package web_test

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// promptOf opens the form of the directory and fills it in.
func promptOf(b *browser, path, password string) url.Values {
	b.t.Helper()
	page := b.get(path, "Accept", acceptHTML)
	if !strings.Contains(page.body, `type="password"`) {
		b.t.Fatalf("no form: %s %s", page.Status, page.body)
	}
	form := url.Values{"username": {"ada"}, "password": {password}}
	for name, values := range hiddenFields(b.t, page.body) {
		form[name] = values
	}
	return form
}

func wantPage(t *testing.T, what string, a answer, status int, texts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s: %s", what, a.Status)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("%s: no %q in\n%s", what, text, a.body)
		}
	}
}

const toCallback = "/auth/login/dir/callback"

func TestFormLeftOpen(t *testing.T) {
	for _, left := range []time.Duration{5*time.Minute + time.Second, time.Hour, 20 * time.Hour} {
		t.Run(left.String(), func(t *testing.T) {
			s := newSite(t, "")
			b := s.browser(t)
			form := promptOf(b, "/auth/login/dir?mode=json&redirect=/app%3Fa=b%26c", "right")
			s.clock.advance(left)
			for range 2 { // the second time the page is loaded again
				a := b.postForm(toCallback, form, "Accept", acceptHTML)
				wantPage(t, "an expired form", a, http.StatusUnauthorized,
					"This sign-in has expired", "Too much time has passed", `href="/auth/login/dir?mode=json&amp;redirect=%2Fapp%3Fa%3Db%26c"`)
				if a.cookie("directus_session_token") != nil {
					t.Error("an expired form signs in")
				}
			}
			if a := b.postForm(toCallback, form); a.StatusCode != http.StatusUnauthorized || a.code(t) != "INVALID_CREDENTIALS" {
				t.Errorf("as JSON: %s %s", a.Status, a.body)
			}
			again := promptOf(b, "/auth/login/dir?mode=session&redirect=/app%3Fa=b%26c", "right")
			if a := b.postForm(toCallback, again, "Accept", acceptHTML); a.Header.Get("Location") != "/app?a=b&c" {
				t.Errorf("the login that was started again: %s %s", a.Status, a.body)
			}
		})
	}
	t.Run("the cookie stays in the browser", func(t *testing.T) {
		a := newSite(t, "").browser(t).get("/auth/login/dir", "Accept", acceptHTML)
		if len(a.Cookies()) != 1 || a.Cookies()[0].MaxAge < 3600 {
			t.Errorf("cookies: %v", a.Cookies())
		}
	})
	t.Run("in another browser", func(t *testing.T) {
		s := newSite(t, "")
		form := promptOf(s.browser(t), "/auth/login/dir?redirect=/private", "right")
		s.clock.advance(time.Hour)
		a := s.browser(t).postForm(toCallback, form, "Accept", acceptHTML)
		wantPage(t, "a form of somebody else", a, http.StatusUnauthorized, "started somewhere else", "do not use it")
		if strings.Contains(a.body, "private") {
			t.Errorf("another user's redirect: %s", a.body)
		}
	})
}

func TestBackAfterSuccess(t *testing.T) {
	const already = "You are already signed in"
	t.Run("the form once more", func(t *testing.T) {
		b := newSite(t, "").browser(t)
		form := promptOf(b, "/auth/login/dir?redirect=/app", "right")
		first := b.postForm(toCallback, form, "Accept", acceptHTML)
		if first.StatusCode != http.StatusSeeOther {
			t.Fatalf("signing in: %s", first.Status)
		}
		for _, password := range []string{"right", "wrong"} {
			form.Set("password", password)
			a := b.postForm(toCallback, form, "Accept", acceptHTML)
			wantPage(t, "with a password that is "+password, a, http.StatusOK, already, `href="/app"`, `href="/auth/login/dir?redirect=%2Fapp"`)
		}
		if a := b.postForm(toCallback, form); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/app" || len(a.Cookies()) > 0 {
			t.Errorf("a program: %s to %q", a.Status, a.Header.Get("Location"))
		}
		if me := b.get("/users/me"); me.StatusCode != http.StatusOK {
			t.Errorf("the session: %s", me.Status)
		}
	})
	t.Run("in each mode", func(t *testing.T) {
		for _, mode := range []string{"session", "cookie"} {
			s := newSite(t, "")
			b := s.browser(t)
			state := b.begin("/auth/login/op?redirect=/app&mode=" + mode)
			callback := "/auth/login/op/callback?code=ada&state=" + state
			b.get(callback)
			for range 2 {
				wantPage(t, mode, b.get(callback, "Accept", acceptHTML), http.StatusOK, already, "Ada", `href="/app"`)
				b.postJSON("/auth/refresh", map[string]string{"mode": mode}) // another token of the same session
			}
		}
	})
	t.Run("with a long redirect", func(t *testing.T) {
		s := newSite(t, "")
		b := s.browser(t)
		callback := "/auth/login/op/callback?code=ada&state=" + b.begin("/auth/login/op?redirect="+redirectOf(2000))
		a := b.get(callback)
		var head bytes.Buffer
		_ = a.Header.Write(&head)
		if a.Header.Get("Location") != redirectOf(2000) || head.Len() > 4000 {
			t.Errorf("%s with a head of %d bytes: too much for nginx", a.Status, head.Len())
		}
		at, _ := url.Parse(s.URL)
		if kept := b.http.Jar.Cookies(at); len(kept) != 2 { // the session, and what is left of the attempt
			t.Errorf("cookies: %v", kept)
		}
		wantPage(t, "again", b.get(callback, "Accept", acceptHTML), http.StatusOK, already, `href="/"`, `href="/auth/login/op"`)
	})
	t.Run("tokens are given once", func(t *testing.T) {
		b := newSite(t, "").browser(t)
		state := b.begin("/auth/login/op?mode=json")
		callback := "/auth/login/op/callback?code=ada&state=" + state
		if a := b.get(callback); a.data(t)["refresh_token"] == nil {
			t.Fatalf("signing in: %s", a.body)
		}
		wantPage(t, "again", b.get(callback, "Accept", acceptHTML), http.StatusUnauthorized, "This sign-in is over", "/auth/login/op?mode=json")
		if a := b.get(callback); a.StatusCode != http.StatusUnauthorized || strings.Contains(a.body, "refresh_token") {
			t.Errorf("again: %s %s", a.Status, a.body)
		}
	})
	t.Run("signed out meanwhile", func(t *testing.T) {
		b := newSite(t, "").browser(t)
		form := promptOf(b, "/auth/login/dir?redirect=/app", "right")
		b.postForm(toCallback, form)
		b.postJSON("/auth/logout", map[string]string{"mode": "session"})
		a := b.postForm(toCallback, form, "Accept", acceptHTML)
		wantPage(t, "again", a, http.StatusUnauthorized, "This sign-in is over", `href="/auth/login/dir?redirect=%2Fapp"`)
		if a.cookie("directus_session_token") != nil {
			t.Error("a form that is sent again signs in")
		}
	})
	t.Run("signed in as somebody else meanwhile", func(t *testing.T) {
		b := newSite(t, "").browser(t)
		form := promptOf(b, "/auth/login/dir?redirect=/app", "right")
		b.postForm(toCallback, form)
		b.signIn("op", "bob")
		a := b.postForm(toCallback, form, "Accept", acceptHTML)
		wantPage(t, "again", a, http.StatusOK, already, `<a class="button" href="/">`)
		if a := b.postForm(toCallback, form); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("a program: %s to %q", a.Status, a.Header.Get("Location"))
		}
	})
	t.Run("in another browser", func(t *testing.T) {
		s := newSite(t, "")
		b, other := s.browser(t), s.browser(t)
		form := promptOf(b, "/auth/login/dir?redirect=/private", "right")
		b.postForm(toCallback, form)
		other.signIn("op", "mallory")
		at, _ := url.Parse(s.URL)
		for _, cookie := range b.http.Jar.Cookies(at) { // all but the session
			if strings.HasPrefix(cookie.Name, "doorward") {
				other.http.Jar.SetCookies(at, []*http.Cookie{cookie})
			}
		}
		if a := other.postForm(toCallback, form, "Accept", acceptHTML); strings.Contains(a.body, "ada") || strings.Contains(a.body, `class="button" href="/private`) {
			t.Errorf("shown to another browser: %s", a.body)
		}
	})
	t.Run("long after", func(t *testing.T) {
		s := newSite(t, "")
		b := s.browser(t)
		form := promptOf(b, "/auth/login/dir?redirect=/app", "right")
		b.postForm(toCallback, form)
		at, _ := url.Parse(s.URL)
		for _, cookie := range b.http.Jar.Cookies(at) { // as a browser forgets them
			if strings.HasPrefix(cookie.Name, "doorward") {
				b.http.Jar.SetCookies(at, []*http.Cookie{{Name: cookie.Name, Path: "/", MaxAge: -1}})
			}
		}
		wantPage(t, "again", b.postForm(toCallback, form, "Accept", acceptHTML), http.StatusUnauthorized, already, `href="/"`)
	})
	t.Run("after a refusal", func(t *testing.T) {
		b := newSite(t, "").browser(t)
		callback := "/auth/login/op/callback?code=forged&state=" + b.begin("/auth/login/op?mode=session")
		b.get(callback, "Accept", acceptHTML)
		wantPage(t, "loaded again", b.get(callback, "Accept", acceptHTML), http.StatusUnauthorized, "This sign-in is over", `href="/auth/login/op"`)
	})
}

// waiting answers a form when it is told to.
type waiting struct {
	prompting
	asked, answer chan struct{}
}

func (w waiting) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	w.asked <- struct{}{}
	<-w.answer
	return w.prompting.Continue(ctx, req)
}

// The second click meets a login that is under way. It must not remove the cookie that the
// first one gets.
func TestSecondClick(t *testing.T) {
	w := waiting{asked: make(chan struct{}, 9), answer: make(chan struct{})}
	s := newSiteWith(t, "", directory{
		list:       []sso.Provider{{Name: "dir", Label: "Directory", Mode: sso.ModeSession, LoginTimeout: time.Minute, AllowPublicRegistration: true}},
		mechanisms: map[string]sdk.Mechanism{"dir": w},
	})
	b := s.browser(t)
	form := promptOf(b, "/auth/login/dir?redirect=/app", "right")
	var group sync.WaitGroup
	var first answer
	group.Go(func() { first = b.postForm(toCallback, form, "Accept", acceptHTML) })
	<-w.asked
	second := b.postForm(toCallback, form, "Accept", acceptHTML)
	wantPage(t, "the second click", second, http.StatusUnauthorized, "This sign-in is over", `href="/auth/login/dir?redirect=%2Fapp"`)
	if len(second.Cookies()) > 0 {
		t.Errorf("the second click: %v", second.Cookies())
	}
	close(w.answer)
	group.Wait()
	if first.Header.Get("Location") != "/app" || len(w.asked) > 0 {
		t.Errorf("the first click: %s to %q, the mechanism was asked %d times more", first.Status, first.Header.Get("Location"), len(w.asked))
	}
	wantPage(t, "a third click", b.postForm(toCallback, form, "Accept", acceptHTML), http.StatusOK, "already signed in", `href="/app"`)
}
