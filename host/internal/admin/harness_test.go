package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/admin"
	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
)

var start = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// harness has the handlers, with a real database behind them.
type harness struct {
	t        *testing.T
	store    *sqlite.Store
	ops      *people.Operations
	operator http.Handler
	keys     http.Handler
	now      time.Time
	logged   strings.Builder
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h, _ := newHarnessCounting(t)
	return h
}

// newHarnessCounting also returns what counts the lookups of keys.
func newHarnessCounting(t *testing.T) (*harness, *counting) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	h := &harness{t: t, store: store, now: start}
	keys := &counting{AdminKeys: store}
	h.ops = people.New(people.Ports{
		Accounts: store, Claims: store, Roles: store, Sessions: store, Keys: keys, Audit: store,
		Providers: func() []sso.Provider { return []sso.Provider{{Name: "corp"}, {Name: "other"}} }, Now: func() time.Time { return h.now },
	})
	config := admin.Config{Operations: h.ops, Version: "test", Log: func(message string, args ...any) { fmt.Fprintln(&h.logged, message, args) }}
	h.operator, h.keys = admin.NewOperatorHandler(config), admin.NewKeyHandler(config)
	return h, keys
}

// counting counts the lookups of keys.
type counting struct {
	people.AdminKeys
	lookups int
}

func (c *counting) AdminKey(ctx context.Context, hash people.KeyHash) (people.Key, error) {
	c.lookups++
	return c.AdminKeys.AdminKey(ctx, hash)
}

// wrongKey is a key in form that nobody has.
func wrongKey() string { return "dwadm_" + string(sso.NewToken()) }

// answer is a response, read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) decode(t *testing.T, to any) {
	t.Helper()
	if err := json.Unmarshal(a.body, to); err != nil {
		t.Fatalf("%d with %s: %v", a.status, a.body, err)
	}
}

// ask makes a request; a body that is not a string becomes JSON.
func ask(t *testing.T, handler http.Handler, method, path string, body any, header ...string) answer {
	t.Helper()
	text, isText := body.(string)
	data := []byte(text)
	if body != nil && !isText {
		var err error
		if data, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	req := httptest.NewRequest(method, path, bytes.NewReader(data))
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, req)
	return answer{recorder.Code, recorder.Header(), recorder.Body.Bytes()}
}

// bearer is the header with a new key of those scopes.
func (h *harness) bearer(scopes ...people.Scope) []string {
	h.t.Helper()
	return h.bearerUntil(time.Time{}, scopes...)
}

// bearerUntil is one with a key that expires.
func (h *harness) bearerUntil(expires time.Time, scopes ...people.Scope) []string {
	h.t.Helper()
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	key, err := h.ops.AddKey(people.WithActor(h.t.Context(), people.Operator), people.AddKey{Name: "key " + sso.NewUUID(), Scopes: names, ExpiresAt: expires})
	if err != nil {
		h.t.Fatal(err)
	}
	return []string{"Authorization", "Bearer " + key.Secret}
}

func (h *harness) mustAddRole(role sso.Role) {
	h.t.Helper()
	if err := h.store.AddRole(h.t.Context(), role, sso.Event{}); err != nil {
		h.t.Fatal(err)
	}
}

// person makes a user with a link and a session.
func (h *harness) person(subject string) (user, session string) {
	h.t.Helper()
	u := sso.User{ID: sso.NewUUID(), Provider: "corp", Subject: subject, Status: sso.UserActive, Email: subject + "@example.org", CreatedAt: h.now}
	if err := h.store.AddUser(h.t.Context(), u, sso.Event{}); err != nil {
		h.t.Fatal(err)
	}
	s := sso.Session{
		ID: sso.NewUUID(), UserID: u.ID, Provider: "corp", Kind: sso.KindSession, CreatedAt: h.now, ExpiresAt: h.now.Add(time.Hour),
		IP: "2001:db8::1", AtProvider: sso.AtProvider{Subject: subject},
	}
	if err := h.store.CreateSession(h.t.Context(), sso.NewSession{Session: s, Token: sso.NewToken().Hash()}); err != nil {
		h.t.Fatal(err)
	}
	return u.ID, s.ID
}

// unclaimed makes a user without a link.
func (h *harness) unclaimed(name string) string {
	h.t.Helper()
	u := sso.User{ID: sso.NewUUID(), Status: sso.UserInvited, Email: name + "@example.org", CreatedAt: h.now}
	if err := h.store.AddUser(h.t.Context(), u, sso.Event{}); err != nil {
		h.t.Fatal(err)
	}
	return u.ID
}
