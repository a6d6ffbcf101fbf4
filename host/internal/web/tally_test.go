package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/web"
	"github.com/doorward/doorward/host/internal/web/tally"
)

// counted is what was counted, as text.
func counted(c *tally.Tally) map[string]uint64 {
	all, found := c.Counted(), map[string]uint64{}
	for provider, n := range all.SignIns {
		found["signed in "+provider] = n
	}
	for of, n := range all.Refusals {
		found["refused "+of.Provider+" "+of.Reason] = n
	}
	for outcome, n := range all.Refreshes {
		found["refresh "+outcome] = n
	}
	return found
}

func newTalliedSite(t *testing.T) (*limitedSite, *tally.Tally) {
	t.Helper()
	c := tally.New(time.Now)
	return newLimitedSite(t, func(config *web.Config) { config.Tally = c }), c
}

func wantCounted(t *testing.T, c *tally.Tally, want map[string]uint64) {
	t.Helper()
	if got := counted(c); !maps.Equal(got, want) {
		t.Errorf("counted %v\nwant %v", got, want)
	}
}

// A directory that refuses a password answers well. What the user was told counts, and
// nothing of it is a row that anybody could write without signing in.
func TestWrongPasswordsAreRefusals(t *testing.T) {
	s, c := newTalliedSite(t)
	b := s.browser(t)
	before := s.events(t)
	for i := range 200 {
		b.tryPassword("dir", fmt.Sprint("ada-", i), "wrong")
	}
	wantCounted(t, c, map[string]uint64{"refused dir bad_credentials": 100, "refused dir limited": 100})
	if after := s.events(t); after != before {
		t.Errorf("%d events, before there were %d", after, before)
	}
}

func (s *limitedSite) events(t *testing.T) int {
	t.Helper()
	events, _, err := s.store.FindEvents(t.Context(), people.EventFilter{}, people.Part{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return len(events)
}

func TestWhatIsCounted(t *testing.T) {
	s, c := newTalliedSite(t)
	b := s.browser(t)
	for range 2 {
		if a := b.signIn("op", "ada"); a.StatusCode != http.StatusFound {
			t.Fatalf("a login: %s %s", a.Status, a.body)
		}
	}
	if a := b.tryPassword("dir", "ada", "right"); a.StatusCode != http.StatusOK {
		t.Fatalf("a login by a program: %s %s", a.Status, a.body)
	}
	b.signIn("op", "ada")
	b.postJSON("/auth/refresh", map[string]string{"mode": "session"})
	b.postJSON("/auth/refresh", map[string]string{"mode": "json", "refresh_token": "nonsense"})
	b.tryPassword("nobody", "ada", "right") // no provider: no login
	b.signIn("op", "")                      // cancelled
	b.signIn("op", "down")
	b.signIn("op", "forged")
	b.get("/auth/login/op/callback?code=x&state=unknown")
	wantCounted(t, c, map[string]uint64{
		"signed in op": 3, "signed in dir": 1, "refresh ok": 1, "refresh no_session": 1,
		"refused op cancelled": 1, "refused op unavailable": 1, "refused op invalid_response": 1, "refused op no_cookie": 1,
	})
}

// The reasons of plugins are of any number; those that are counted are not.
func TestReasonsThatNobodyKnows(t *testing.T) {
	for given, want := range map[string]string{"bad_credentials": "bad_credentials", "invented_by_a_plugin": "other", "": "other"} {
		if got := web.KnownReason(given); got != want {
			t.Errorf("%q counts as %q, want %q", given, got, want)
		}
	}
}

func TestReasonsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range web.CountedWords() {
		if !strings.Contains(string(text), "`"+word+"`") {
			t.Errorf("docs/audit.md does not tell of %s", word)
		}
	}
}
