package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// fromPage are the headers with which a browser posts a form of our own page.
var fromPage = []string{"Accept", acceptHTML, "Sec-Fetch-Site", "same-origin"}

func (b *browser) account() answer {
	b.t.Helper()
	return b.get("/account", "Accept", acceptHTML)
}

// me is the user who is signed in in the browser; "" if nobody is.
func (b *browser) me() string {
	b.t.Helper()
	a := b.get("/users/me")
	if a.StatusCode != http.StatusOK {
		return ""
	}
	id, _ := a.data(b.t)["id"].(string)
	return id
}

func (b *browser) wantAt(what string, a answer, location string) {
	b.t.Helper()
	if got := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther && a.StatusCode != http.StatusFound || got != location {
		b.t.Errorf("%s: %s to %q, want %q\n%s", what, a.Status, got, location, a.body)
	}
}

// sessionsOf are the IDs of the sessions of a user, newest first.
func (s *site) sessionsOf(t testing.TB, user string) (list []string) {
	t.Helper()
	account, err := s.store.OwnAccount(t.Context(), user, s.clock.Now(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, session := range account.Sessions {
		list = append(list, session.ID)
	}
	return list
}

func (s *site) linksOf(t testing.TB, user string) (list []sso.LinkedIdentity) {
	t.Helper()
	account, err := s.store.OwnAccount(t.Context(), user, s.clock.Now(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return account.Links
}

// People who are not signed in sign in first, in the mode that the page needs, and come
// back.
func TestAccountLeadsToSignInAndBack(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	a := b.account()
	if got := a.Header.Get("Location"); a.StatusCode != http.StatusFound || got != "/login?redirect=%2Faccount" {
		t.Fatalf("%s to %q", a.Status, got)
	}
	login := b.get("/login?redirect=%2Faccount", "Accept", acceptHTML)
	const link = "/auth/login/cookie?mode=session&amp;redirect=%2Faccount"
	if !strings.Contains(login.body, `href="`+link+`"`) {
		t.Fatalf("no link %s in %s", link, login.body)
	}
	state := b.begin("/auth/login/cookie?redirect=%2Faccount") // the same without the mode
	back := b.get("/auth/login/cookie/callback?code=ada&state=" + state)
	if got := back.Header.Get("Location"); got != "/account" {
		t.Fatalf("back at %q", got)
	}
	if a := b.account(); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "ada@example.org") {
		t.Errorf("%s: %s", a.Status, a.body)
	}
	if a := s.browser(t).get("/account"); a.StatusCode != http.StatusUnauthorized || a.code(t) != "INVALID_CREDENTIALS" {
		t.Errorf("a program: %s %s", a.Status, a.body)
	}
}

func TestAccountShowsWhoAndWhere(t *testing.T) {
	s := newSite(t, "")
	other := s.browser(t)
	state := other.begin("/auth/login/op")
	const evil = `<script>alert(1)</script>"'><img src=x> ` + "\u202e" + `Firefox/1 evil`
	other.get("/auth/login/op/callback?code=crowd&state="+state, "User-Agent", evil)
	b := s.browser(t)
	state = b.begin("/auth/login/op")
	b.get("/auth/login/op/callback?code=crowd&state="+state, "User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
	a := b.account()
	for _, want := range []string{
		"Ada &lt;b&gt;Lovelace&lt;/b&gt;", "crowd@example.org", "department-19", "and 20 more", "Chrome on Windows", "this browser", "from 127.0.0.1", "Sign out everywhere else",
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("no %q in\n%s", want, a.body)
		}
	}
	for _, not := range []string{"<script>", "<img", "\u202e", "department-20", "<b>Lovelace", "evil"} {
		if strings.Contains(a.body, not) {
			t.Errorf("%q in\n%s", not, a.body)
		}
	}
	if strings.Count(a.body, ">this browser<") != 1 || strings.Index(a.body, "Chrome on Windows") > strings.Index(a.body, ">Firefox<") {
		t.Errorf("this browser does not come first:\n%s", a.body)
	}
	for header, want := range map[string]string{"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Content-Security-Policy": "frame-ancestors 'none'"} {
		if got := a.Header.Get(header); !strings.Contains(got, want) {
			t.Errorf("A18 A20 %s: %q", header, got)
		}
	}
	if strings.Contains(a.body, "/account/link\"") || strings.Contains(a.body, "/account/unlink\"") {
		t.Error("linking is offered, and is off")
	}
}

// Only a cookie opens the page: a client with an access token is not a browser.
func TestAccountTakesNoBearer(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	state := b.begin("/auth/login/op?mode=json")
	access, _ := b.get("/auth/login/op/callback?code=ada&state=" + state).data(t)["access_token"].(string)
	if a := s.browser(t).get("/account", "Authorization", "Bearer "+access); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s", a.Status)
	}
}

// twice is a user who is signed in in two browsers and a program, and another user.
type twice struct {
	*site
	here, there, stranger *browser
	me                    string
}

func signedInTwice(t *testing.T, s *site) twice {
	t.Helper()
	w := twice{site: s, here: s.browser(t), there: s.browser(t), stranger: s.browser(t)}
	w.there.signIn("op", "ada")
	program := s.browser(t)
	state := program.begin("/auth/login/op?mode=json")
	program.get("/auth/login/op/callback?code=ada&state=" + state)
	w.stranger.signIn("op", "eve")
	w.here.signIn("op", "ada")
	w.me = w.here.me()
	if got := s.sessionsOf(t, w.me); len(got) != 3 || w.me == w.stranger.me() {
		t.Fatalf("sessions of %s: %v", w.me, got)
	}
	return w
}

func TestEndingOneSession(t *testing.T) {
	w := signedInTwice(t, newSite(t, ""))
	others := w.sessionsOf(t, w.stranger.me())
	for _, id := range []string{others[0], "", "no such session", strings.Repeat("x", 3000), "' OR 1=1 --"} {
		w.here.wantAt("a session that is not theirs", w.here.postForm("/account/end", url.Values{"session": {id}}, fromPage...), "/account#sessions")
	}
	if w.stranger.me() == "" || len(w.sessionsOf(t, w.me)) != 3 {
		t.Fatal("another user ended a session")
	}
	there := regexp.MustCompile(`name="session" value="([^"]+)"`).FindAllStringSubmatch(w.here.account().body, -1)
	if len(there) != 2 {
		t.Fatalf("sessions that can be ended: %v", there)
	}
	// The program came after the other browser, and newer ones come first.
	w.here.wantAt("the other browser", w.here.postForm("/account/end", url.Values{"session": {there[1][1]}}, fromPage...), "/account#sessions")
	if w.there.me() != "" || w.here.me() != w.me {
		t.Error("the wrong session ended")
	}
	if !strings.Contains(w.log.String(), "session ended by its user") {
		t.Error("the log does not tell")
	}
}

func TestEndingAllOtherSessions(t *testing.T) {
	w := signedInTwice(t, newSite(t, ""))
	w.here.wantAt("ending", w.here.postForm("/account/end-others", nil, fromPage...), "/account#sessions")
	if w.there.me() != "" || w.here.me() != w.me || w.stranger.me() == "" || len(w.sessionsOf(t, w.me)) != 1 {
		t.Errorf("there %q, here %q, a stranger %q, %v", w.there.me(), w.here.me(), w.stranger.me(), w.sessionsOf(t, w.me))
	}
	if a := w.here.account(); !strings.Contains(a.body, "You are not signed in anywhere else.") || strings.Contains(a.body, "/account/end") {
		t.Errorf("the page does not say so: %s", a.body)
	}
}

// A17: each form of the account is refused unless a page of ours posts it.
func TestA17AccountFormsOfOtherSites(t *testing.T) {
	w := signedInTwice(t, newLinkingSite(t))
	forms := map[string]url.Values{
		"/account/end": {"session": {w.sessionsOf(t, w.me)[1]}}, "/account/end-others": nil,
		"/account/link": {"provider": {"op"}}, "/account/unlink": {"provider": {"op"}, "subject": {"ada"}},
	}
	for path, form := range forms {
		for name, headers := range map[string][]string{
			"another site":                    {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
			"another host of the site":        {"Sec-Fetch-Site", "same-site", "Origin", "https://evil.example"},
			"an old browser, another site":    {"Origin", "https://evil.example"},
			"an old browser, a hidden origin": {"Origin", "null"},
			"no sign of where it comes from":  nil,
			"cross-site, and our origin":      {"Sec-Fetch-Site", "cross-site", "Origin", w.URL},
		} {
			a := w.here.postForm(path, form, append(headers, "Accept", acceptHTML)...)
			if a.StatusCode != http.StatusForbidden || len(a.Cookies()) > 0 {
				t.Errorf("%s from %s: %s %v", path, name, a.Status, a.Cookies())
			}
		}
		if a := w.here.get(path, "Accept", acceptHTML); a.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %s", path, a.Status)
		}
		if a := w.here.postJSON(path, map[string]string{"provider": "op"}, fromPage...); a.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("%s as JSON: %s", path, a.Status)
		}
		// From our own page, by people who are not signed in: they are sent to the sign-in
		// page, and nothing else happens.
		w.here.wantAt(path+" by nobody", w.browser(t).postForm(path, form, fromPage...), "/login?redirect=%2Faccount")
	}
	if w.there.me() != w.me || len(w.sessionsOf(t, w.me)) != 3 || len(w.linksOf(t, w.me)) != 1 {
		t.Error("something was done")
	}
	// The same forms are accepted from our own page, also from an old browser.
	w.here.wantAt("our own page", w.here.postForm("/account/end-others", nil, "Origin", w.URL, "Accept", acceptHTML), "/account#sessions")
}

// A06: a suspended user is signed out at once, is told why, and needs a new login
// afterwards.
func TestAccountOfTheSuspended(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	b.signIn("op", "ada")
	me := b.me()
	set := func(status sso.UserStatus) {
		if _, _, err := s.store.ChangeUser(t.Context(), me, func(u *sso.User) ([]sso.Event, error) { u.Status = status; return nil, nil }); err != nil {
			t.Fatal(err)
		}
	}
	set(sso.UserSuspended)
	if a := b.account(); a.StatusCode != http.StatusFound {
		t.Errorf("suspended: %s", a.Status)
	}
	state := b.begin("/auth/login/op?redirect=%2Faccount")
	refused := b.get("/auth/login/op/callback?code=ada&state="+state, "Accept", acceptHTML)
	if refused.StatusCode != http.StatusUnauthorized || !strings.Contains(refused.body, "disabled") {
		t.Errorf("the page does not say why: %s %s", refused.Status, refused.body)
	}
	set(sso.UserActive)
	if b.me() != "" {
		t.Error("activating brought the session back")
	}
	b.signIn("op", "ada")
	if b.me() != me {
		t.Error("cannot sign in again")
	}
}

// People who are refused are told why in plain words, with the reference of the line in the
// log, whichever way they came. No page repeats the text of the provider.
func TestStrangersAreToldWhy(t *testing.T) {
	s := newSite(t, "")
	s.apps.places = []string{"https://wiki.example/"}
	for _, redirect := range []string{"", "/", "/account", "https://wiki.example/page"} {
		b := s.browser(t)
		start := "/auth/login/closed"
		if redirect != "" {
			start += "?redirect=" + url.QueryEscape(redirect)
		}
		state := b.begin(start)
		a := b.get("/auth/login/closed/callback?code=stranger-77&state="+state, "Accept", acceptHTML)
		id := a.Header.Get("X-Request-Id")
		for hops := 0; a.Header.Get("Location") != ""; hops++ {
			if hops == 3 {
				t.Fatalf("%q: goes round", redirect)
			}
			a = b.get(a.Header.Get("Location"), "Accept", acceptHTML)
		}
		for _, want := range []string{"you have no account here", "Ask your administrator", "<code>" + id + "</code>"} {
			if !strings.Contains(a.body, want) {
				t.Errorf("%q: no %q in\n%s", redirect, want, a.body)
			}
		}
		if strings.Contains(a.body, "stranger-77") {
			t.Errorf("%q: the subject is on the page", redirect)
		}
		line := lineOf(s.log.String(), id, "sign-in refused")
		if !strings.Contains(line, "doorward user add") || !strings.Contains(line, "stranger-77") {
			t.Errorf("%q: the log is %q", redirect, line)
		}
	}
}

func lineOf(log, id, what string) string {
	lines := strings.Split(log, "\n")
	i := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, id) && strings.Contains(line, what) })
	if i < 0 {
		return ""
	}
	return lines[i]
}

// A made-up reference is shown only if it looks like one.
func TestReferencesThatAreNone(t *testing.T) {
	b := newSite(t, "").browser(t)
	for _, made := range []string{"call +49 123", "<b>x</b>", "0123456789ABCDEF", "0123456789abcdef0"} {
		a := b.get("/login?reason=INVALID_CREDENTIALS&reference="+url.QueryEscape(made), "Accept", acceptHTML)
		if strings.Contains(a.body, "Reference") {
			t.Errorf("%q is shown", made)
		}
	}
	if a := b.get("/login?reference=0123456789abcdef", "Accept", acceptHTML); strings.Contains(a.body, "Reference") {
		t.Error("a reference of nothing is shown")
	}
}

// With many sessions the page stays readable, and says that it does not show all.
func TestAccountWithManySessions(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	b.signIn("op", "ada")
	me := b.me()
	for range sso.MaxShownSessions + 1 {
		login := sso.NewSession{Token: sso.NewToken().Hash(), Session: sso.Session{
			ID: sso.NewUUID(), UserID: me, Provider: "op", Kind: sso.KindRefresh, CreatedAt: s.clock.Now(), ExpiresAt: s.clock.Now().Add(time.Hour),
		}}
		if err := s.store.CreateSession(t.Context(), login); err != nil {
			t.Fatal(err)
		}
	}
	a := b.account()
	if got := strings.Count(a.body, `name="session"`); got != sso.MaxShownSessions || !strings.Contains(a.body, "more than this page can show") {
		t.Errorf("%d sessions are shown", got)
	}
	if strings.Count(a.body, ">this browser<") != 1 {
		t.Error("this browser is not among them")
	}
	b.postForm("/account/end-others", nil, fromPage...)
	if got := s.sessionsOf(t, me); len(got) != 1 {
		t.Errorf("%d sessions are left", len(got))
	}
}
