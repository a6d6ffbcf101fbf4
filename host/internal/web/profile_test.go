package web_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/web"
	"github.com/doorward/doorward/sdk"
)

func (b *browser) patch(path, body string, header ...string) answer {
	b.t.Helper()
	return b.do(http.MethodPatch, path, strings.NewReader(body), append([]string{"Content-Type", "application/json"}, header...)...)
}

// changedEvents are the audit events of changed users.
func changedEvents(t *testing.T, s *site) []sso.Event {
	t.Helper()
	events, _, err := s.store.FindEvents(t.Context(), people.EventFilter{Kind: sso.EventUserChanged}, people.Part{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestChangeMe(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	b.signIn("op", "ada")
	state := b.begin("/auth/login/op?mode=json")
	tokens := s.browser(t)
	access := b.get("/auth/login/op/callback?code=ada&state=" + state).data(t)["access_token"].(string)
	b.signIn("op", "ada")
	before := b.get("/users/me").data(t)

	a := b.patch("/users/me?fields=first_name,last_name,language,role.name", `{"first_name":"  Äda ","last_name":null,"language":"de-DE"}`)
	want := map[string]any{"first_name": "Äda", "last_name": nil, "language": "de-DE", "role": nil}
	if diff := cmp.Diff(want, a.data(t)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	now := b.get("/users/me").data(t) // the session was answered from memory before
	for name, value := range before {
		if _, changed := want[name]; name != "role" && changed {
			value = want[name]
		}
		if diff := cmp.Diff(value, now[name]); diff != "" {
			t.Errorf("%s afterwards (-want +got):\n%s", name, diff)
		}
	}
	if a := b.get("/account", "Accept", acceptHTML); !strings.Contains(a.body, "Äda") || strings.Contains(a.body, "Lovelace") {
		t.Errorf("the page of the account: %s", a.body)
	}

	// With a token, from anywhere, and one field at a time.
	a = tokens.patch("/users/me", `{"last_name":"King"}`, "Authorization", "Bearer "+access, "Origin", "https://app.example", "Sec-Fetch-Site", "cross-site")
	if me := a.data(t); me["first_name"] != "Äda" || me["last_name"] != "King" || me["email"] != "ada@example.org" {
		t.Errorf("by token: %v", me)
	}
	if me := b.patch("/users/me", `{"language":"","first_name":""}`).data(t); me["language"] != nil || me["first_name"] != nil {
		t.Errorf("cleared: %v", me)
	}

	events := changedEvents(t, s)
	if len(events) != 3 {
		t.Fatalf("events: %+v", events)
	}
	for i, detail := range []string{"first_name, language, last_name", "last_name", "first_name, language"} {
		e := events[i]
		if e.Detail != detail || e.Actor != sso.ActorUser || e.UserID != before["id"] || e.SessionID == "" || e.Address != "127.0.0.1" || e.RequestID == "" || e.SessionsEnded != 0 {
			t.Errorf("event %d: %+v", i, e)
		}
	}
}

// The next login keeps the language; with SYNC_USER_INFO the names from the provider win.
func TestAfterAChangeOfAProfile(t *testing.T) {
	provider := func(name string, sync bool) sso.Provider {
		return sso.Provider{Name: name, Driver: "openid", Label: name, Mode: sso.ModeSession, LoginTimeout: time.Minute, AllowPublicRegistration: true, SyncUserInfo: sync}
	}
	s := newSiteWith(t, "", directory{
		list:       []sso.Provider{provider("synced", true), provider("plain", false)},
		mechanisms: map[string]sdk.Mechanism{"synced": redirecting{}, "plain": redirecting{}},
	})
	for name, want := range map[string]string{"synced": "Ada", "plain": "Augusta"} {
		b := s.browser(t)
		b.signIn(name, "ada")
		b.patch("/users/me", `{"first_name":"Augusta","language":"fr-FR"}`).data(t)
		b.signIn(name, "ada")
		if me := b.get("/users/me").data(t); me["first_name"] != want || me["language"] != "fr-FR" {
			t.Errorf("%s: %v", name, me)
		}
	}
}

func TestChangesThatNobodyMakes(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	b.signIn("op", "ada")
	before := b.get("/users/me").body
	for _, name := range []string{
		"email", "role", "status", "provider", "external_identifier", "password", "token", "tfa_secret", "id", "groups", "username", "avatar", "policies", "auth_data", "nope", "First_name",
	} {
		body, err := json.Marshal(map[string]string{name: "x", "first_name": "Eve"})
		if err != nil {
			t.Fatal(err)
		}
		a := b.patch("/users/me", string(body))
		want := `You don't have permission to access field "` + name + `" in collection "directus_users" or it does not exist. Queried in root.`
		if a.StatusCode != http.StatusForbidden || a.code(t) != "FORBIDDEN" || messageOf(t, a) != want {
			t.Errorf("%s: %s %s", name, a.Status, a.body)
		}
	}
	for body, want := range map[string]struct {
		status int
		says   string
	}{
		`{"first_name":1}`:                                       {400, `"first_name" must be a string or null`},
		`{"language":["de"]}`:                                    {400, `"language" must be a string or null`},
		`{"first_name":"a\u0000b"}`:                              {400, `"first_name" contains a control character`},
		`{"last_name":"` + strings.Repeat("x", 1025) + `"}`:      {400, `"last_name" has more than 1024 bytes`},
		`{"` + strings.Repeat("x", 129) + `":1}`:                 {400, "a name that is too long"},
		manyMembers(129):                                         {400, "too many members"},
		`["first_name"]`:                                         {400, "not a JSON object"},
		`{"first_name":"Eve"} {}`:                                {400, "more than one"},
		`{"first_name":"Eve"`:                                    {400, "not a JSON object"},
		`{"first_name":"` + strings.Repeat("x", 1<<15) + `"}`:    {413, ""},
		`{"x":` + strings.Repeat("[", 10001) + `1`:               {400, "not a JSON object"},
		`{"first_name":"Eve","email":"e@x","first_name":"Mary"}`: {403, `"email"`},
	} {
		if a := b.patch("/users/me", body); a.StatusCode != want.status || !strings.Contains(a.body, strings.ReplaceAll(want.says, `"`, `\"`)) {
			t.Errorf("%.60s: %s %s", body, a.Status, a.body)
		}
	}
	for what, a := range map[string]answer{
		"a form":          b.do(http.MethodPatch, "/users/me", strings.NewReader("first_name=Eve"), "Content-Type", "application/x-www-form-urlencoded"),
		"no content type": b.do(http.MethodPatch, "/users/me", strings.NewReader(`{"first_name":"Eve"}`)),
	} {
		if a.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %s %s", what, a.Status, a.body)
		}
	}
	for what, a := range map[string]answer{
		"A17 another site":    b.patch("/users/me", `{"first_name":"Eve"}`, "Sec-Fetch-Site", "cross-site"),
		"A17 another origin":  b.patch("/users/me", `{"first_name":"Eve"}`, "Origin", "https://evil.example"),
		"A17 the same site":   b.patch("/users/me", `{"first_name":"Eve"}`, "Sec-Fetch-Site", "same-site"),
		"fields there is not": b.patch("/users/me?fields=nope", `{"first_name":"Eve"}`),
	} {
		if a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s %s", what, a.Status, a.body)
		}
	}
	if a := s.browser(t).patch("/users/me?access_token=x", `{"first_name":"Eve"}`); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody: %s", a.Status)
	}
	for _, body := range []string{`{}`, `null`, ``, `{"first_name":"Ada"}`, `{"first_name":" Ada ","language":null}`} {
		if a := b.patch("/users/me", body); a.StatusCode != http.StatusOK || a.body != before {
			t.Errorf("%s changes nothing: %s %s", body, a.Status, a.body)
		}
	}
	if now := b.get("/users/me").body; now != before {
		t.Errorf("afterwards: %s", now)
	}
	if events := changedEvents(t, s); len(events) != 0 {
		t.Errorf("events: %+v", events)
	}
}

func manyMembers(n int) string {
	members := map[string]int{}
	for i := range n {
		members["m"+strconv.Itoa(i)] = i
	}
	text, _ := json.Marshal(members) //nolint:errchkjson // of numbers
	return string(text)
}

// A user who was suspended on another host in the meantime changes nothing, although this
// host has the session in memory.
func TestSuspendedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	var database store.Store
	s := newSiteOn(t, path, func(s store.Store, now func() time.Time) store.Store { database = s; return store.Cached(s, now) }, "", directory{
		list:       []sso.Provider{{Name: "op", Driver: "openid", Label: "op", Mode: sso.ModeSession, LoginTimeout: time.Minute, AllowPublicRegistration: true}},
		mechanisms: map[string]sdk.Mechanism{"op": redirecting{}},
	}, func(*web.Config) {})
	b := s.browser(t)
	b.signIn("op", "ada")
	id := b.me()
	if _, _, err := database.ChangeUser(t.Context(), id, func(u *sso.User) ([]sso.Event, error) { u.Status = sso.UserSuspended; return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if a := b.patch("/users/me", `{"first_name":"Eve"}`); a.StatusCode != http.StatusUnauthorized || a.code(t) != "USER_SUSPENDED" {
		t.Errorf("suspended: %s %s", a.Status, a.body)
	}
	if _, err := database.DeleteUser(t.Context(), id, sso.Event{}); err != nil {
		t.Fatal(err)
	}
	if a := b.patch("/users/me", `{"first_name":"Eve"}`); a.StatusCode != http.StatusUnauthorized || a.code(t) != "INVALID_CREDENTIALS" {
		t.Errorf("deleted: %s %s", a.Status, a.body)
	}
}

// No user can fill the audit by changing their name again and again, or keep others from
// changing theirs.
func TestProfileChangesAreLimited(t *testing.T) {
	s := newSite(t, "")
	b, other := s.browser(t), s.browser(t)
	b.signIn("op", "ada")
	other.signIn("op", "bob")
	refused := 0
	for i := range 30 {
		a := b.patch("/users/me", `{"first_name":"`+strings.Repeat("a", i+1)+`"}`)
		if a.StatusCode == http.StatusOK {
			continue
		}
		refused++
		extensions := extensionsOf(t, a)
		if a.StatusCode != http.StatusTooManyRequests || extensions["code"] != "REQUESTS_EXCEEDED" || a.Header.Get("Retry-After") == "" || extensions["limit"] != 20.0 || strings.Contains(a.body, "sign in") {
			t.Fatalf("change %d: %s %v %s", i, a.Status, a.Header, a.body)
		}
	}
	if events := changedEvents(t, s); refused < 9 || len(events) != 30-refused {
		t.Errorf("%d refused, %d events", refused, len(events))
	}
	other.patch("/users/me", `{"first_name":"Bobby"}`).data(t)
}
