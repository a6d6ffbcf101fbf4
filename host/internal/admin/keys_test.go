package admin_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/people"
)

func (h *harness) list(as []string) answer {
	h.t.Helper()
	return ask(h.t, h.keys, http.MethodGet, "/admin/users", nil, as...)
}

func (h *harness) wantStatus(what string, got answer, want int) {
	h.t.Helper()
	if got.status != want {
		h.t.Errorf("%s: %d %s, want %d", what, got.status, got.body, want)
	}
}

func TestKeysEnd(t *testing.T) {
	h := newHarness(t)
	as := people.WithActor(t.Context(), people.Operator)
	key, err := h.ops.AddKey(as, people.AddKey{Name: "sync", Scopes: []string{"users:read"}, ExpiresAt: h.now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	bearer := []string{"Authorization", "Bearer " + key.Secret}
	h.wantStatus("a new key", h.list(bearer), 200)
	h.now = h.now.Add(time.Hour - time.Millisecond)
	h.wantStatus("before it expires", h.list(bearer), 200)
	h.now = h.now.Add(time.Millisecond)
	h.wantStatus("when it has expired", h.list(bearer), 401)
	if got := h.list(bearer).header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
		t.Errorf("WWW-Authenticate %q", got)
	}
	other := h.bearer(people.UsersRead)
	h.wantStatus("another key", h.list(other), 200)
	keys, err := h.ops.ListKeys(as, people.ListKeys{})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range keys.Items {
		if _, err := h.ops.RemoveKey(as, people.OneKey{Key: one.Name}); err != nil {
			t.Fatal(err)
		}
	}
	h.wantStatus("a removed key", h.list(other), 401)
}

// The key itself is nowhere but in the one answer.
func TestKeysAreShownOnce(t *testing.T) {
	h := newHarness(t)
	bearer := h.bearer(people.KeysRead, people.KeysWrite)
	got := ask(t, h.keys, http.MethodPost, "/admin/keys", map[string]any{"name": "x", "scopes": []string{"keys:read"}}, bearer...)
	var made struct{ Data struct{ Secret string } }
	got.decode(t, &made)
	if len(made.Data.Secret) < 43 || got.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %v %s", got.header, got.body)
	}
	if listed := ask(t, h.keys, http.MethodGet, "/admin/keys", nil, bearer...); strings.Contains(string(listed.body), made.Data.Secret) {
		t.Errorf("shown again: %s", listed.body)
	}
}

// The right to make keys does not make a key holder the operator.
func TestAKeyMakesNoKeyThatIsGoodForMore(t *testing.T) {
	h := newHarness(t)
	bearer := h.bearer(people.KeysWrite, people.UsersRead)
	for scope, want := range map[string]int{"users:read": 200, "keys:write": 200, "users:write": 403, "sessions:write": 403, "all": 400} {
		got := ask(t, h.keys, http.MethodPost, "/admin/keys", map[string]any{"name": scope, "scopes": []string{scope}}, bearer...)
		h.wantStatus(scope, got, want)
	}
}

// The last use is known to the minute, and written no more often.
func TestTheLastUseOfAKey(t *testing.T) {
	h := newHarness(t)
	as := people.WithActor(t.Context(), people.Operator)
	bearer := h.bearer(people.UsersRead)
	for _, c := range []struct {
		after time.Duration
		want  time.Time
	}{
		{0, start}, {59 * time.Second, start}, {time.Second, start.Add(time.Minute)}, {time.Second, start.Add(time.Minute)},
	} {
		h.now = h.now.Add(c.after)
		h.wantStatus("using it", h.list(bearer), 200)
		keys, err := h.ops.ListKeys(as, people.ListKeys{})
		if err != nil || len(keys.Items) != 1 || keys.Items[0].LastUsed == nil || !keys.Items[0].LastUsed.Equal(c.want) {
			t.Errorf("at %v: %+v, %v; want %v", h.now, keys.Items, err, c.want)
		}
	}
}

// Guessed keys are refused without a look at the database, and valid keys are accepted in
// the meantime.
func TestWrongKeysAreCheap(t *testing.T) {
	h, counted := newHarnessCounting(t)
	good := h.bearer(people.UsersRead)
	h.wantStatus("a good key", h.list(good), 200)
	expired := h.bearerUntil(h.now.Add(time.Minute), people.UsersRead)
	h.now = h.now.Add(time.Minute)
	h.wantStatus("an expired key", h.list(expired), 401)
	if !strings.Contains(h.logged.String(), "has expired") {
		t.Errorf("the log does not say which key has expired: %s", h.logged.String())
	}
	before := counted.lookups
	for range 100 {
		h.wantStatus("what is no key of ours", h.list([]string{"Authorization", "Bearer x" + strings.Repeat("A", 48)}), 401)
	}
	if counted.lookups != before {
		t.Errorf("%d lookups for what cannot be a key", counted.lookups-before)
	}
	codes, began := map[int]int{}, time.Now()
	for range 1000 {
		codes[h.list([]string{"Authorization", "Bearer " + wrongKey()}).status]++
	}
	if looked := counted.lookups - before; looked > 51+int(10*time.Since(began).Seconds()+1) || codes[401] != looked || codes[401]+codes[429] != 1000 {
		t.Errorf("%d lookups for 1000 wrong keys, answers %v", looked, codes)
	}
	if told := strings.Count(h.logged.String(), "wrong keys"); told == 0 || told > 2+int(time.Since(began).Minutes()) {
		t.Errorf("the log has %d lines", told)
	}
	h.wantStatus("the good key in the meantime", h.list(good), 200)
	got := h.list([]string{"Authorization", "Bearer " + wrongKey()})
	for deadline := time.Now().Add(10 * time.Second); got.status == 401 && time.Now().Before(deadline); {
		got = h.list([]string{"Authorization", "Bearer " + wrongKey()})
	}
	if got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("one wrong key more: %d %v", got.status, got.header)
	}
}

// An operation that was called by nobody was not called by the operator.
func TestNobodyIsNotTheOperator(t *testing.T) {
	h := newHarness(t)
	if _, err := h.ops.ListUsers(t.Context(), people.ListUsers{}); !errors.Is(err, people.ErrForbidden) {
		t.Errorf("got %v, want ErrForbidden", err)
	}
}

// The end of a stolen key would end nothing if it could make one that lives on.
func TestAKeyMakesNoKeyThatOutlivesIt(t *testing.T) {
	h := newHarness(t)
	until := h.now.Add(time.Hour)
	key, err := h.ops.AddKey(people.WithActor(t.Context(), people.Operator), people.AddKey{Name: "maker", Scopes: []string{"keys:write"}, ExpiresAt: until})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		expires any
		want    int
	}{
		"never": {nil, 403}, "later": {until.Add(time.Second), 403}, "with it": {until, 200}, "before": {until.Add(-time.Minute), 200},
	} {
		body := map[string]any{"name": name, "scopes": []string{"keys:write"}}
		if c.expires != nil {
			body["expires_at"] = c.expires
		}
		h.wantStatus(name, ask(t, h.keys, http.MethodPost, "/admin/keys", body, "Authorization", "Bearer "+key.Secret), c.want)
	}
	forever := h.bearer(people.KeysWrite)
	h.wantStatus("a key that never expires", ask(t, h.keys, http.MethodPost, "/admin/keys", map[string]any{"name": "heir", "scopes": []string{"keys:write"}}, forever...), 200)
}
