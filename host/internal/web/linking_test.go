package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web"
	"github.com/doorward/doorward/sdk"
)

// newLinkingSite lets users link identities.
func newLinkingSite(t *testing.T) *site {
	t.Helper()
	provider := func(name, driver string) sso.Provider {
		return sso.Provider{
			Name: name, Driver: driver, Label: strings.ToUpper(name), Mode: sso.ModeSession, LoginTimeout: 5 * time.Minute, AllowPublicRegistration: name == "op",
		}
	}
	mail := provider("mail", "openid")
	mail.IdentifierIgnoreCase = true
	return newSiteMade(t, "", directory{
		list:       []sso.Provider{provider("op", "openid"), mail, provider("dir", "ldap"), provider("post", "saml")},
		mechanisms: map[string]sdk.Mechanism{"op": redirecting{}, "mail": redirecting{}, "dir": prompting{}, "post": posting{}},
	}, func(*web.Config) {}, func(c *sso.Config) { c.AccountLinking = true })
}

// beginLink starts to link, and returns the state.
func (b *browser) beginLink(provider string) string {
	b.t.Helper()
	a := b.postForm("/account/link", url.Values{"provider": {provider}}, fromPage...)
	target, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(target.String(), idp) {
		b.t.Fatalf("linking %s: %s to %q\n%s", provider, a.Status, a.Header.Get("Location"), a.body)
	}
	return target.Query().Get("state")
}

func callbackOf(provider, code, state string) string {
	return "/auth/login/" + provider + "/callback?" + url.Values{"code": {code}, "state": {state}}.Encode()
}

func (b *browser) comeBack(provider, code, state string) answer {
	b.t.Helper()
	return b.get(callbackOf(provider, code, state), "Accept", acceptHTML)
}

func (s *site) wantLinks(t *testing.T, what, user string, want ...sso.LinkedIdentity) {
	t.Helper()
	if diff := cmp.Diff(want, s.linksOf(t, user)); diff != "" {
		t.Errorf("%s: links of %s: %s", what, user, diff)
	}
}

// wantNotLinked checks that an answer refuses with that page, signs nobody in, and leads
// back to the account page.
func (b *browser) wantNotLinked(what string, a answer, status int, title string) {
	b.t.Helper()
	if a.StatusCode != status || !strings.Contains(a.body, title) || !strings.Contains(a.body, `href="/account"`) {
		b.t.Errorf("%s: %s, want %d %q\n%s", what, a.Status, status, title, a.body)
	}
	if a.cookie("directus_session_token") != nil || a.cookie("directus_refresh_token") != nil {
		b.t.Errorf("%s: sets a cookie of a session", what)
	}
	if id := a.Header.Get("X-Request-Id"); !strings.Contains(a.body, id) {
		b.t.Errorf("%s: no reference", what)
	}
}

var ada, mailAda = sso.LinkedIdentity{Provider: "op", Subject: "ada"}, sso.LinkedIdentity{Provider: "mail", Subject: "a.da"}

func TestLinkingAndUnlinking(t *testing.T) {
	s := newLinkingSite(t)
	b := s.browser(t)
	b.signIn("op", "ada")
	me, sessions := b.me(), s.sessionsOf(t, b.me())
	state := b.beginLink("mail")
	b.wantAt("linked", b.comeBack("mail", "a.da", state), "/account#links")
	s.wantLinks(t, "linked", me, mailAda, ada)
	if got := s.sessionsOf(t, me); !slices.Equal(got, sessions) || b.me() != me {
		t.Errorf("linking made a session: %v, before %v", got, sessions)
	}
	if a := b.account(); strings.Count(a.body, ">Unlink<") != 2 || !strings.Contains(a.body, ">MAIL<") {
		t.Errorf("the page does not show it: %s", a.body)
	}

	other := s.browser(t)
	other.signIn("mail", "a.da") // where registration is closed
	if other.me() != me {
		t.Fatalf("the link leads to %q", other.me())
	}
	b.wantAt("unlinked", b.postForm("/account/unlink", url.Values{"provider": {"mail"}, "subject": {"a.da"}}, fromPage...), "/account#links")
	s.wantLinks(t, "unlinked", me, ada)
	if other.me() != "" || b.me() != me {
		t.Error("the session that came by the link goes on, or another one ended")
	}
	last := b.postForm("/account/unlink", url.Values{"provider": {"op"}, "subject": {"ada"}}, fromPage...)
	b.wantNotLinked("the last one", last, http.StatusConflict, "You need that to sign in")
	s.wantLinks(t, "the last one", me, ada)
	if strings.Contains(b.account().body, ">Unlink<") {
		t.Error("to unlink the last one is offered")
	}
}

// Prompts, and forms that come back from another site, link in the same way as redirects.
func TestLinkingByPromptAndPost(t *testing.T) {
	s := newLinkingSite(t)
	b := s.browser(t)
	b.signIn("op", "ada")
	me := b.me()
	prompt := b.postForm("/account/link", url.Values{"provider": {"dir"}}, fromPage...)
	if prompt.StatusCode != http.StatusOK || !strings.Contains(prompt.body, "Back to your account") || strings.Contains(prompt.body, "Sign in another way") {
		t.Fatalf("%s: %s", prompt.Status, prompt.body)
	}
	answer := url.Values{"state": {hiddenFields(t, prompt.body).Get("state")}, "doorward_reposted": {"1"}, "username": {"ada"}, "password": {"wrong"}}
	if again := b.postForm("/auth/login/dir/callback", answer, fromPage...); again.StatusCode != http.StatusUnauthorized {
		t.Fatalf("a wrong password: %s", again.Status)
	}
	answer.Set("password", "right")
	b.wantAt("by a prompt", b.postForm("/auth/login/dir/callback", answer, fromPage...), "/account#links")

	form := b.postForm("/account/link", url.Values{"provider": {"post"}}, fromPage...)
	posted := url.Values{"state": {hiddenFields(t, form.body).Get("RelayState")}, "code": {"p"}, "doorward_reposted": {"1"}}
	b.wantAt("by a form", b.postForm("/auth/login/post/callback", posted, fromPage...), "/account#links")
	s.wantLinks(t, "both", me, sso.LinkedIdentity{Provider: "dir", Subject: "uuid-of-ada"}, ada, sso.LinkedIdentity{Provider: "post", Subject: "p"})
}

// A (provider, subject) that belongs to a user is never moved, whatever its case, and
// nobody is told whose it is.
func TestLinkThatIsTaken(t *testing.T) {
	s := newLinkingSite(t)
	owner, b := s.browser(t), s.browser(t)
	owner.signIn("op", "owner")
	owner.comeBack("mail", "one@box.example", owner.beginLink("mail"))
	b.signIn("op", "ada")
	for _, subject := range []string{"one@box.example", "ONE@Box.example"} {
		a := b.comeBack("mail", subject, b.beginLink("mail"))
		b.wantNotLinked(subject, a, http.StatusConflict, "That belongs to another account")
		if strings.Contains(a.body, "owner") || strings.Contains(a.body, owner.me()) || strings.Contains(strings.ToLower(a.body), "box.example") {
			t.Errorf("the page says whose it is: %s", a.body)
		}
	}
	// A link from before case was ignored is found byte for byte, as at a login.
	if err := s.store.AddLink(t.Context(), owner.me(), people.Link{Provider: "mail", Subject: "TWO@box.example"}, sso.Event{}); err != nil {
		t.Fatal(err)
	}
	b.wantNotLinked("of before", b.comeBack("mail", "TWO@box.example", b.beginLink("mail")), http.StatusConflict, "That belongs to another account")
	s.wantLinks(t, "theirs", b.me(), ada)
	s.wantLinks(t, "the owner's", owner.me(), sso.LinkedIdentity{Provider: "mail", Subject: "TWO@box.example"}, sso.LinkedIdentity{Provider: "mail", Subject: "one@box.example"}, sso.LinkedIdentity{Provider: "op", Subject: "owner"})
	// The user who already has the link is not told that it is taken.
	owner.wantAt("again", owner.comeBack("mail", "one@box.example", owner.beginLink("mail")), "/account#links")
}

// attemptCookie is the cookie of the browser's latest attempt.
func attemptCookie(t *testing.T, a answer) *http.Cookie {
	t.Helper()
	for _, c := range a.Cookies() {
		if strings.HasPrefix(c.Name, "doorward_attempt_") && c.Value != "" {
			return c
		}
	}
	t.Fatal("no attempt")
	return nil
}

// A10, A12: another person's attempt, even with its cookie, links nothing in another
// browser, whoever is signed in there. Otherwise the victim's identity would lead to the
// attacker's account, or the attacker's to the victim's.
func TestA12LinkingInAnotherBrowser(t *testing.T) {
	s := newLinkingSite(t)
	attacker, victim, nobody := s.browser(t), s.browser(t), s.browser(t)
	attacker.signIn("op", "mallory")
	victim.signIn("op", "ada")
	for name, other := range map[string]*browser{"signed in as somebody else": victim, "not signed in": nobody} {
		before := other.me()
		started := attacker.postForm("/account/link", url.Values{"provider": {"mail"}}, fromPage...)
		target, err := url.Parse(started.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		state := target.Query().Get("state")
		without := other.comeBack("mail", "a.da", state)
		if without.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s, without the cookie: %s", name, without.Status)
		}
		site, _ := url.Parse(s.URL)
		other.http.Jar.SetCookies(site, []*http.Cookie{attemptCookie(t, started)})
		a := other.comeBack("mail", "a.da", state)
		other.wantNotLinked(name, a, http.StatusForbidden, "This was started somewhere else")
		if other.me() != before {
			t.Errorf("%s: signed in as %q", name, other.me())
		}
	}
	s.wantLinks(t, "the victim's", victim.me(), ada)
	s.wantLinks(t, "the attacker's", attacker.me(), sso.LinkedIdentity{Provider: "op", Subject: "mallory"})
}

// The session must be the one that began it, and still valid.
func TestLinkingAfterTheSession(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(s *site, b *browser)
		status    int
		title     string
	}{
		"signed out":                {func(_ *site, b *browser) { b.postForm("/auth/logout", url.Values{"mode": {"session"}}, fromPage...) }, http.StatusForbidden, "started somewhere else"},
		"signed in anew":            {func(_ *site, b *browser) { b.signIn("op", "ada") }, http.StatusForbidden, "started somewhere else"},
		"signed in as another user": {func(_ *site, b *browser) { b.signIn("op", "eve") }, http.StatusForbidden, "started somewhere else"},
		"in time":                   {func(s *site, _ *browser) { s.clock.advance(4 * time.Minute) }, http.StatusFound, ""},
		"took too long":             {func(s *site, _ *browser) { s.clock.advance(6 * time.Minute) }, http.StatusUnauthorized, "has expired"},
		"suspended": {func(s *site, b *browser) {
			_, _, err := s.store.ChangeUser(t.Context(), b.me(), func(u *sso.User) ([]sso.Event, error) { u.Status = sso.UserSuspended; return nil, nil })
			if err != nil {
				t.Fatal(err)
			}
		}, http.StatusForbidden, "started somewhere else"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newLinkingSite(t)
			b := s.browser(t)
			b.signIn("op", "ada")
			me := b.me()
			state := b.beginLink("mail")
			c.meanwhile(s, b)
			a := b.comeBack("mail", "a.da", state)
			if c.title == "" {
				s.wantLinks(t, name, me, mailAda, ada)
				return
			}
			b.wantNotLinked(name, a, c.status, c.title)
			s.wantLinks(t, name, me, ada)
		})
	}
}

// An attempt to link signs nobody in, and a login links nothing.
func TestLinkingIsNoLoginNorALoginALink(t *testing.T) {
	s := newLinkingSite(t)
	b := s.browser(t)
	b.signIn("op", "ada")
	me := b.me()

	// A login next to a valid session: another user, as always.
	b.signIn("op", "eve")
	if b.me() == me {
		t.Fatal("still the first")
	}
	s.wantLinks(t, "after a login", me, ada)

	// An attempt to link, answered where programs sign in.
	b.signIn("op", "ada")
	prompt := b.postForm("/account/link", url.Values{"provider": {"dir"}}, fromPage...)
	_, sealed, _ := strings.Cut(attemptCookie(t, prompt).Value, ".")
	a := b.postJSON("/auth/login/dir", map[string]any{
		"attempt": hiddenFields(t, prompt.body).Get("state") + "." + sealed, "answers": map[string]string{"username": "ada", "password": "right"},
	})
	if a.StatusCode != http.StatusUnauthorized || a.code(t) != "INVALID_CREDENTIALS" {
		t.Errorf("by a program: %s %s", a.Status, a.body)
	}
	s.wantLinks(t, "by a program", me, ada)
}

// A11: an attempt that was answered once is not answered again, and leads back to the
// account page.
func TestA11LinkingIsNotRepeated(t *testing.T) {
	s := newLinkingSite(t)
	b := s.browser(t)
	b.signIn("op", "ada")
	me := b.me()
	state := b.beginLink("mail")
	b.comeBack("mail", "a.da", state)
	b.postForm("/account/unlink", url.Values{"provider": {"mail"}, "subject": {"a.da"}}, fromPage...)
	if a := b.comeBack("mail", "a.da", state); a.StatusCode != http.StatusFound || a.Header.Get("Location") != "/account#links" {
		t.Errorf("once more: %s to %q", a.Status, a.Header.Get("Location"))
	}
	s.wantLinks(t, "once more", me, ada)
}

// Errors at the provider are shown on a page that leads back to the account page.
func TestLinkingThatTheProviderRefuses(t *testing.T) {
	s := newLinkingSite(t)
	b := s.browser(t)
	b.signIn("op", "ada")
	for code, want := range map[string]struct {
		status int
		title  string
	}{
		"":       {http.StatusUnauthorized, "cancelled"},
		"forged": {http.StatusUnauthorized, "provider"},
		"down":   {http.StatusServiceUnavailable, "provider"},
	} {
		a := b.comeBack("mail", code, b.beginLink("mail"))
		b.wantNotLinked("code "+code, a, want.status, want.title)
		if b.me() == "" {
			t.Errorf("code %q: signed out", code)
		}
	}
	a := b.postForm("/account/link", url.Values{"provider": {"nothing<b>"}}, fromPage...)
	b.wantNotLinked("no such provider", a, http.StatusNotFound, "Unknown way to sign in")
}

// Linking is off unless the operator turns it on: before the login, and after it.
func TestLinkingIsOff(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	b.signIn("op", "ada")
	for path, form := range map[string]url.Values{
		"/account/link":   {"provider": {"post"}},
		"/account/unlink": {"provider": {"op"}, "subject": {"ada"}},
	} {
		a := b.postForm(path, form, fromPage...)
		b.wantNotLinked(path, a, http.StatusForbidden, "You cannot change how you sign in")
	}
}

// Users cannot unlink the links of others.
func TestUnlinkingOfOthers(t *testing.T) {
	s := newLinkingSite(t)
	b, other := s.browser(t), s.browser(t)
	b.signIn("op", "ada")
	b.comeBack("mail", "a.da", b.beginLink("mail"))
	other.signIn("op", "eve")
	other.comeBack("mail", "e.ve", other.beginLink("mail"))
	b.wantAt("another's", b.postForm("/account/unlink", url.Values{"provider": {"mail"}, "subject": {"e.ve"}}, fromPage...), "/account#links")
	s.wantLinks(t, "another's", other.me(), sso.LinkedIdentity{Provider: "mail", Subject: "e.ve"}, sso.LinkedIdentity{Provider: "op", Subject: "eve"})
	if other.me() == "" {
		t.Error("their session ended")
	}
}
