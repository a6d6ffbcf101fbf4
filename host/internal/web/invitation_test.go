package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
)

// invite adds an account and a one-time link to it.
func (s *site) invite(t *testing.T, id string) (token string) {
	t.Helper()
	made := sso.NewInvitationToken()
	user := sso.User{ID: id, Status: sso.UserInvited, FirstName: "Ann <b>", Email: "ann@example.org", CreatedAt: s.clock.Now()}
	if err := s.store.AddUser(t.Context(), user, sso.Event{}, made.Claim()); err != nil {
		t.Fatal(err)
	}
	return string(made)
}

func TestInvitationPage(t *testing.T) {
	s := newSite(t, "")
	token := s.invite(t, "one")
	link := "/invitation?token=" + token
	for range 3 { // as programs that look at mail do
		b := s.browser(t)
		b.do(http.MethodHead, link, nil)
		got := b.get(link, "Accept", acceptHTML)
		if got.StatusCode != http.StatusOK || !strings.Contains(got.body, "Ann &lt;b&gt;") || !strings.Contains(got.body, "ann@example.org") || !strings.Contains(got.body, `value="closed"`) {
			t.Fatalf("%s\n%s", got.Status, got.body)
		}
		if got.Header.Get("Referrer-Policy") != "no-referrer" || len(got.Cookies()) > 0 {
			t.Errorf("header %v", got.Header)
		}
	}
	for what, path := range map[string]string{
		"unknown": "/invitation?token=" + string(sso.NewInvitationToken()), "none": "/invitation", "empty": "/invitation?token=", "short": "/invitation?token=x",
	} {
		got := s.browser(t).get(path, "Accept", acceptHTML)
		if got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.body, "This invitation does not work") || strings.Contains(got.body, "Try again") {
			t.Errorf("%s: %s\n%s", what, got.Status, got.body)
		}
	}
	if got := s.browser(t).get(link + "&token=x"); got.StatusCode != http.StatusBadRequest {
		t.Errorf("two tokens: %s", got.Status)
	}
}

// accept presses the button of a provider.
func (b *browser) accept(token, provider string, header ...string) answer {
	b.t.Helper()
	return b.postForm("/invitation", url.Values{"token": {token}, "provider": {provider}}, append(header, "Accept", acceptHTML)...)
}

// The completed login claims the account, even where registration is closed. Nothing that
// leaves this host contains the token.
func TestAcceptingAnInvitation(t *testing.T) {
	s := newSite(t, "")
	token := s.invite(t, "one")
	b := s.browser(t)
	pressed := b.accept(token, "closed", "Sec-Fetch-Site", "same-origin", "Origin", "null")
	target, err := url.Parse(pressed.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(target.String(), idp) {
		t.Fatalf("%s to %q\n%s", pressed.Status, target, pressed.body)
	}
	state := target.Query().Get("state")
	back := b.get("/auth/login/closed/callback?code=stranger&state=" + state)
	if back.StatusCode != http.StatusFound || back.Header.Get("Location") != "/" {
		t.Fatalf("%s to %q\n%s", back.Status, back.Header.Get("Location"), back.body)
	}
	if me := b.get("/users/me").data(t); me["id"] != "one" || me["status"] != "active" || me["external_identifier"] != "stranger" || me["provider"] != "closed" {
		t.Errorf("signed in: %v", me)
	}
	for _, answer := range []answer{pressed, back} {
		for name, values := range answer.Header {
			if strings.Contains(strings.Join(values, " "), token) {
				t.Errorf("header %s has the token: %v", name, values)
			}
		}
	}
	if strings.Contains(s.log.String(), token) {
		t.Error("the log has the token")
	}
	again := s.browser(t).get("/invitation?token="+token, "Accept", acceptHTML)
	if again.StatusCode != http.StatusUnauthorized || !strings.Contains(again.body, "This invitation does not work") {
		t.Errorf("opened again: %s", again.Status)
	}
	if got := s.browser(t).accept(token, "op"); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.body, "Try again") {
		t.Errorf("accepted again: %s\n%s", got.Status, got.body)
	}
}

func TestInvitationsThatAreNotTaken(t *testing.T) {
	s := newSite(t, "")
	token := s.invite(t, "one")
	for what, header := range map[string][]string{
		"D11 another site":   {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		"D11 another host":   {"Sec-Fetch-Site", "same-site"},
		"D11 an old browser": {"Origin", "https://evil.example"},
	} {
		if got := s.browser(t).accept(token, "op", header...); got.StatusCode != http.StatusForbidden || got.Header.Get("Location") != "" {
			t.Errorf("%s: %s", what, got.Status)
		}
	}
	if got := s.browser(t).accept(token, "nobody"); got.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown provider: %s", got.Status)
	}
	if got := s.browser(t).accept("", "op"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("no token: %s", got.Status)
	}
	b := s.browser(t)
	pressed := b.accept(token, "op")
	target, _ := url.Parse(pressed.Header.Get("Location"))
	cancelled := b.get("/auth/login/op/callback?error=access_denied&state="+target.Query().Get("state"), "Accept", acceptHTML)
	if cancelled.StatusCode != http.StatusUnauthorized || strings.Contains(cancelled.body, "/auth/login/op") {
		t.Errorf("cancelled: %s, and it must not lead to a login without the invitation\n%s", cancelled.Status, cancelled.body)
	}
	known := s.browser(t)
	known.signIn("op", "known")
	other := known.accept(token, "op")
	target, _ = url.Parse(other.Header.Get("Location"))
	got := known.get("/auth/login/op/callback?code=known&state="+target.Query().Get("state"), "Accept", acceptHTML)
	if got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.body, "You already have an account") {
		t.Errorf("who has an account: %s\n%s", got.Status, got.body)
	}
	if page := s.browser(t).get("/invitation?token="+token, "Accept", acceptHTML); page.StatusCode != http.StatusOK {
		t.Errorf("it is not used: %s", page.Status)
	}
}

// A login by name and password claims the account, too.
func TestAcceptingByPassword(t *testing.T) {
	s := newSite(t, "")
	token := s.invite(t, "one")
	b := s.browser(t)
	form := b.accept(token, "dir")
	_, rest, _ := strings.Cut(form.body, `name="state" value="`)
	state, _, _ := strings.Cut(rest, `"`)
	if form.StatusCode != http.StatusOK || state == "" || strings.Contains(form.body, token) {
		t.Fatalf("%s\n%s", form.Status, form.body)
	}
	answers := url.Values{"state": {state}, "doorward_reposted": {"1"}, "username": {"ann"}, "password": {"wrong"}}
	if got := b.postForm("/auth/login/dir/callback", answers, "Accept", acceptHTML); got.StatusCode != http.StatusUnauthorized {
		t.Fatalf("a wrong password: %s", got.Status)
	}
	answers.Set("password", "right")
	b.postForm("/auth/login/dir/callback", answers, "Accept", acceptHTML)
	if me := b.get("/users/me").data(t); me["id"] != "one" {
		t.Errorf("signed in: %v", me)
	}
}
