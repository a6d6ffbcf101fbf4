// Package storetest holds a database to the contract of store.Store. Each
// database has a test that calls Run.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

// Run tests the stores that open returns. Each must be empty, and open closes
// it when the test ends. reopen opens the database of such a store once more, has
// confirm look at it, and closes it again; it is nil for what stands before a store.
func Run(t *testing.T, open func(t *testing.T) store.Store, reopen func(t *testing.T, s store.Store, confirm sso.ConfirmSecret) error) {
	for _, part := range []struct {
		name string
		test func(t *testing.T, open func(t *testing.T) store.Store)
	}{
		{"users", testUsers},
		{"links", testLinks},
		{"links by e-mail address", testEmailLinks},
		{"claims", testClaims},
		{"roles", testRoles},
		{"sessions", testSessions},
		{"login", testLogin},
		{"logins of one user at once", testDecisions},
		{"at the provider", testAtProvider},
		{"leases", testLeases},
		{"expiry", testExpiry},
		{"rotation", testRotation},
		{"prolongation", testProlongation},
		{"once", testOnce},
		{"text", testText},
		{"signing keys", testSigningKeys},
		{"sealed", testSealed},
		{"people", testPeople},
		{"their own accounts", testOwnAccounts},
		{"keys of the administration", testAdminKeys},
		{"counts", testCounts},
		{"events", testEvents},
		{"sums of refusals", testRefusals},
		{"context", testContext},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, open) })
	}
	if reopen != nil {
		t.Run("confirming", func(t *testing.T) { testConfirming(t, open, reopen) })
	}
}

// start is a moment with milliseconds and a time zone, both of which must
// survive: the one as it is, the other as UTC.
var start = time.Date(2026, 11, 23, 12, 34, 56, 789_000_000, time.FixedZone("", 2*60*60))

func someUser(id, provider, subject string) sso.User {
	return sso.User{
		ID: id, Provider: provider, Subject: subject, Status: sso.UserActive, Role: "editor",
		Username: "ann.o", Email: "ann@example.org", EmailVerifiedBy: "corp", FirstName: "Ann", LastName: "O'Neil", Language: "en-GB", CreatedAt: start, LastAccess: start.Add(time.Second),
	}
}

func someSession(id, userID string) sso.Session {
	return sso.Session{
		ID: id, UserID: userID, Provider: "corp", Kind: sso.KindSession, CreatedAt: start, ExpiresAt: start.Add(time.Hour),
		NotAfter: start.Add(48 * time.Hour), AskedAt: start, IP: "2001:db8::17", UserAgent: "Browser/1.0 (Ünï)",
		Groups: sso.NewGroups([]string{"staff", "Çà et là, \"x\"", "staff "}),
	}
}

// withUser returns a store with the user "ann" in it.
func withUser(t *testing.T, open func(t *testing.T) store.Store) store.Store {
	t.Helper()
	s := open(t)
	mustCreateUser(t, s, someUser("ann", "corp", "s-1"))
	return s
}

func mustCreateUser(t *testing.T, s store.Store, u sso.User) sso.User {
	t.Helper()
	stored, err := s.CreateUser(t.Context(), u)
	if err != nil {
		t.Fatalf("CreateUser(%q): %v", u.ID, err)
	}
	return stored
}

func mustCreateSession(t *testing.T, s store.Store, session sso.Session, token sso.TokenHash) {
	t.Helper()
	if err := s.CreateSession(t.Context(), sso.NewSession{Session: session, Token: token}); err != nil {
		t.Fatalf("CreateSession(%q): %v", session.ID, err)
	}
}

func mustToken(t *testing.T, s store.Store, token sso.TokenHash) sso.SessionToken {
	t.Helper()
	stored, err := s.SessionToken(t.Context(), token)
	if err != nil {
		t.Fatalf("SessionToken: %v", err)
	}
	return stored
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

func wantEqual[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: difference (-want +got):\n%s", what, diff)
	}
}

func wantUTC(t *testing.T, times ...time.Time) {
	t.Helper()
	for _, at := range times {
		if at.Location() != time.UTC {
			t.Errorf("time %v is not in UTC", at)
		}
	}
}

// atOnce runs n calls at the same time and counts their errors by what they
// are; nil counts as "ok".
func atOnce(n int, call func(i int) error, kinds ...error) map[string]int {
	var (
		mu    sync.Mutex
		count = map[string]int{}
		ready = make(chan struct{})
		wg    sync.WaitGroup
	)
	for i := range n {
		wg.Go(func() {
			<-ready
			err := call(i)
			mu.Lock()
			defer mu.Unlock()
			count[kindOf(err, kinds)]++
		})
	}
	close(ready)
	wg.Wait()
	return count
}

func kindOf(err error, kinds []error) string {
	if err == nil {
		return "ok"
	}
	for _, k := range kinds {
		if errors.Is(err, k) {
			return k.Error()
		}
	}
	return fmt.Sprintf("unexpected: %v", err)
}

func testContext(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	old, fresh := sso.NewToken().Hash(), sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s1", "ann"), old)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := map[string]func() error{
		"Ping":       func() error { return s.Ping(ctx) },
		"CreateUser": func() error { _, err := s.CreateUser(ctx, someUser("bob", "corp", "s-2")); return err },
		"CreateSession": func() error {
			return s.CreateSession(ctx, sso.NewSession{Session: someSession("s2", "ann"), Token: fresh, RemoveBefore: start})
		},
		"SessionToken": func() error { _, err := s.SessionToken(ctx, old); return err },
		"RotateToken": func() error {
			return s.RotateToken(ctx, sso.Rotation{SessionID: "s1", Old: old, New: fresh, Now: start, ExpiresAt: start})
		},
		"ProlongSession":   func() error { return s.ProlongSession(ctx, prolongationOf(old, "")) },
		"ForgetSuccessors": func() error { _, err := s.ForgetSuccessors(ctx, start, 10); return err },
		"EndSession":       func() error { return s.EndSession(ctx, "s1", sso.Event{}) },
		"AtProvider":       func() error { _, err := s.AtProvider(ctx, "s1"); return err },
		"EndProviderSessions": func() error {
			_, err := s.EndProviderSessions(ctx, sso.Selection{Provider: "corp", Subject: "s-1"}, sso.Event{})
			return err
		},
		"SessionUser": func() error { _, _, err := s.SessionUser(ctx, "s1", start); return err },
		"Spend":       func() error { return s.Spend(ctx, sso.OnceID{Scope: "attempt", ID: "a", Until: start}) },
		"SigningKeys": func() error { _, err := s.SigningKeys(ctx); return err },
		"AddSigningKey": func() error {
			return s.AddSigningKey(ctx, sso.SigningKey{ID: "k", Sealed: []byte("x"), CreatedAt: start}, sso.Event{})
		},
		"DeleteSigningKey":  func() error { return s.DeleteSigningKey(ctx, "k", sso.Event{}) },
		"SwapSigningKey":    func() error { return s.SwapSigningKey(ctx, "k", []byte("x"), []byte("y")) },
		"EndSessions":       func() error { _, err := s.EndSessions(ctx, sso.SessionMatch{}, 10, sso.Event{}); return err },
		"SecretChecks":      func() error { _, err := s.SecretChecks(ctx); return err },
		"DeleteSecretCheck": func() error { return s.DeleteSecretCheck(ctx, "c") },
		"SealedGrants":      func() error { _, err := s.SealedGrants(ctx, "", 10); return err },
		"SwapGrants":        func() error { return s.SwapGrants(ctx, []sso.GrantSwap{{SessionID: "s1"}}) },
		"ForgetSecret":      func() error { return s.ForgetSecret(ctx, sso.Event{}) },
	}
	for _, more := range []map[string]func() error{
		callsOfLeases(ctx, s, old), callsOfRoles(ctx, s), callsOfCounts(ctx, s), callsOfPeople(ctx, s),
		callsOfAudit(ctx, s), callsOfAccounts(ctx, s), callsOfClaims(ctx, s),
	} {
		maps.Copy(calls, more)
	}
	for name, call := range calls {
		wantError(t, name+" with a context that is done", call(), context.Canceled)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping afterwards: %v", err)
	}
	mustToken(t, s, old) // neither ended nor rotated
	_, err := s.SessionToken(t.Context(), fresh)
	wantError(t, "a token written after the context was done", err, sso.ErrNotFound)
}
