package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func testLeases(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("one host has it", func(t *testing.T) { testLease(t, open) })
	t.Run("of several at once one gets it", func(t *testing.T) { testLeasesAtOnce(t, open) })
	t.Run("it ends by itself", func(t *testing.T) { testLeaseEnds(t, open) })
	t.Run("it ends with the token", func(t *testing.T) { testLeaseOfRotated(t, open) })
	t.Run("what is no current token gets none", func(t *testing.T) { testLeaseOfForeign(t, open) })
	t.Run("who has it replaces the grant", func(t *testing.T) { testReplaceGrant(t, open) })
	t.Run("who has it replaces the token", func(t *testing.T) { testRotateLeased(t, open) })
	t.Run("who has it ends the session", func(t *testing.T) { testEndLeased(t, open) })
}

// leasing is a store with session "s1" of token, which has a grant.
func leasing(t *testing.T, open func(t *testing.T) store.Store) (s store.Store, token sso.TokenHash) {
	t.Helper()
	s, token = withUser(t, open), sso.NewToken().Hash()
	session := someSession("s1", "ann")
	session.AtProvider = atProvider("n1", "i1")
	mustCreateSession(t, s, session, token)
	return s, token
}

func leaseOf(token sso.TokenHash, holder string) sso.GrantLease {
	return sso.GrantLease{SessionID: "s1", Token: token, Holder: holder, For: time.Hour}
}

func wantLease(t *testing.T, what string, s store.Store, lease sso.GrantLease, want error) {
	t.Helper()
	sealed, err := s.LeaseGrant(t.Context(), lease)
	wantError(t, what, err, want)
	if got := len(sealed) > 0; got != (want == nil) {
		t.Errorf("%s: sealed grant %q", what, sealed)
	}
}

// wantLeased checks for each of the hosts "a" and "b" whether another one has the lease.
func wantLeased(t *testing.T, what string, s store.Store, a, b bool) {
	t.Helper()
	for host, want := range map[string]bool{"a": a, "b": b} {
		got, err := s.GrantLeased(t.Context(), "s1", host)
		wantError(t, what, err, nil)
		wantEqual(t, what+", for "+host, got, want)
	}
}

func testLease(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := leasing(t, open)
	before := mustToken(t, s, token)
	wantLeased(t, "before", s, false, false)
	wantLease(t, "a", s, leaseOf(token, "a"), nil)
	wantLease(t, "b while a has it", s, leaseOf(token, "b"), sso.ErrLeased)
	wantLease(t, "a once more", s, leaseOf(token, "a"), nil)
	wantLeased(t, "while a has it", s, false, true)
	wantEqual(t, "the token", mustToken(t, s, token), before)

	wantError(t, "ReleaseGrant of who does not have it", s.ReleaseGrant(t.Context(), "s1", "b"), nil)
	wantLease(t, "b after that", s, leaseOf(token, "b"), sso.ErrLeased)
	wantError(t, "ReleaseGrant", s.ReleaseGrant(t.Context(), "s1", "a"), nil)
	wantLeased(t, "when a has let it go", s, false, false)
	wantLease(t, "b then", s, leaseOf(token, "b"), nil)
	wantLeased(t, "while b has it", s, true, false)
	wantError(t, "ReleaseGrant of an unknown session", s.ReleaseGrant(t.Context(), "s2", "a"), nil)
	leased, err := s.GrantLeased(t.Context(), "s2", "a")
	wantError(t, "GrantLeased of an unknown session", err, nil)
	wantEqual(t, "whether it is", leased, false)
}

func testLeasesAtOnce(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := leasing(t, open)
	const hosts = 20
	got := atOnce(hosts, func(i int) error {
		_, err := s.LeaseGrant(t.Context(), leaseOf(token, fmt.Sprint("host ", i)))
		return err
	}, sso.ErrLeased)
	if diff := cmp.Diff(map[string]int{"ok": 1, sso.ErrLeased.Error(): hosts - 1}, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func testLeaseEnds(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := leasing(t, open)
	over := leaseOf(token, "a")
	over.For = 0
	wantLease(t, "a for no time", s, over, nil)
	wantLeased(t, "when that is over", s, false, false)
	short := leaseOf(token, "a")
	short.For = 50 * time.Millisecond
	wantLease(t, "a for a moment", s, short, nil)
	wantEventually(t, "the lease is over", func() bool {
		leased, err := s.GrantLeased(t.Context(), "s1", "b")
		wantError(t, "GrantLeased", err, nil)
		return !leased
	})
	wantLease(t, "b after a's is over", s, leaseOf(token, "b"), nil)
	wantLease(t, "a then", s, leaseOf(token, "a"), sso.ErrLeased)
	wantError(t, "ReleaseGrant of who had it", s.ReleaseGrant(t.Context(), "s1", "a"), nil)
	wantLease(t, "a after that", s, leaseOf(token, "a"), sso.ErrLeased)
}

func wantEventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	again, late := time.NewTicker(5*time.Millisecond), time.After(30*time.Second)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("timed out: %s", what)
		}
	}
}

func testLeaseOfRotated(t *testing.T, open func(t *testing.T) store.Store) {
	s, first := leasing(t, open)
	second := sso.NewToken().Hash()
	wantLease(t, "a", s, leaseOf(first, "a"), nil)
	mustRotate(t, s, rotationOf(first, second))
	wantLeased(t, "afterwards", s, false, false)
	wantLease(t, "with the old token", s, leaseOf(first, "b"), sso.ErrSpent)
	wantLease(t, "with the new one", s, leaseOf(second, "b"), nil)
	// A host that does not support leases, or did not have to ask.
	mustRotate(t, s, rotationOf(second, sso.NewToken().Hash()))
	wantLeased(t, "when another one replaced the token", s, false, false)
}

func testLeaseOfForeign(t *testing.T, open func(t *testing.T) store.Store) {
	s, _ := leasing(t, open)
	other := sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s2", "ann"), other)
	for name, token := range map[string]sso.TokenHash{"an unknown token": sso.NewToken().Hash(), "a token of another session": other} {
		wantLease(t, name, s, leaseOf(token, "a"), sso.ErrNotFound)
	}
	wantLeased(t, "afterwards", s, false, false)
}

func testReplaceGrant(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := leasing(t, open)
	replace := func(what, session, holder string, want error) {
		t.Helper()
		wantError(t, what, s.ReplaceGrant(t.Context(), session, holder, []byte("grant of "+holder)), want)
	}
	wantGrant := func(what, want string) {
		t.Helper()
		got, err := s.AtProvider(t.Context(), "s1")
		wantError(t, what, err, nil)
		at := atProvider("n1", "i1")
		at.SealedGrant = []byte(want)
		wantEqual(t, what, got, at)
	}
	replace("without a lease", "s1", "a", sso.ErrLeased)
	replace("an unknown session", "s2", "a", sso.ErrNotFound)
	wantGrant("before", string(atProvider("", "").SealedGrant))

	over := leaseOf(token, "a")
	over.For = 0
	wantLease(t, "a for no time", s, over, nil)
	replace("when the lease is over and nobody else took it", "s1", "a", nil)
	wantGrant("the new one", "grant of a")
	sealed, err := s.LeaseGrant(t.Context(), leaseOf(token, "b"))
	wantError(t, "b", err, nil)
	wantEqual(t, "the grant that b gets", string(sealed), "grant of a")
	replace("when another took it", "s1", "a", sso.ErrLeased)
	replace("who has it", "s1", "b", nil)
	wantGrant("afterwards", "grant of b")
	wantError(t, "ReleaseGrant", s.ReleaseGrant(t.Context(), "s1", "b"), nil)
	replace("who has let it go", "s1", "b", sso.ErrLeased)
}

func testRotateLeased(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := leasing(t, open)
	before := mustToken(t, s, token)
	refused := func(what, holder string, want error) {
		t.Helper()
		rotation := rotationOf(token, sso.NewToken().Hash())
		rotation.Holder = holder
		wantError(t, what, s.RotateToken(t.Context(), rotation), want)
		_, err := s.SessionToken(t.Context(), rotation.New)
		wantError(t, what+", the new token", err, sso.ErrNotFound)
	}
	refused("without a lease", "a", sso.ErrLeased)
	over := leaseOf(token, "a")
	over.For = 0
	wantLease(t, "a for no time", s, over, nil)
	wantLease(t, "b", s, leaseOf(token, "b"), nil)
	refused("when another took it", "a", sso.ErrLeased)
	wantEqual(t, "the token", mustToken(t, s, token), before)
	wantLeased(t, "afterwards", s, true, false)

	over.Holder = "b"
	wantLease(t, "b for no time", s, over, nil)
	rotation := rotationOf(token, sso.NewToken().Hash())
	rotation.Holder = "b"
	mustRotate(t, s, rotation) // it is over, and nobody else took it
	wantLeased(t, "when the token was replaced", s, false, false)
	refused("with the old token", "b", sso.ErrSpent)
}

func testEndLeased(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := leasing(t, open)
	other := sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s2", "ann"), other)
	refused := func(what, holder string) {
		t.Helper()
		wantError(t, what, s.EndLeased(t.Context(), "s1", holder, sso.Event{}), sso.ErrLeased)
		mustToken(t, s, token)
	}
	refused("without a lease", "a")
	refused("without a lease, and without a name", "")
	over := leaseOf(token, "a")
	over.For = 0
	wantLease(t, "a for no time", s, over, nil)
	wantLease(t, "b", s, leaseOf(token, "b"), nil)
	refused("when another took it", "a")
	over.Holder = "b"
	wantLease(t, "b for no time", s, over, nil)
	wantError(t, "when it is over, and nobody else took it", s.EndLeased(t.Context(), "s1", "b", sso.Event{}), nil)
	_, err := s.SessionToken(t.Context(), token)
	wantError(t, "the token afterwards", err, sso.ErrNotFound)
	wantError(t, "once more", s.EndLeased(t.Context(), "s1", "b", sso.Event{}), sso.ErrLeased)
	mustToken(t, s, other)
}

func callsOfLeases(ctx context.Context, s store.Store, token sso.TokenHash) map[string]func() error {
	return map[string]func() error{
		"LeaseGrant": func() error {
			_, err := s.LeaseGrant(ctx, sso.GrantLease{SessionID: "s1", Token: token, Holder: "a", For: time.Hour})
			return err
		},
		"GrantLeased":  func() error { _, err := s.GrantLeased(ctx, "s1", "a"); return err },
		"ReleaseGrant": func() error { return s.ReleaseGrant(ctx, "s1", "a") },
		"EndLeased":    func() error { return s.EndLeased(ctx, "s1", "a", sso.Event{}) },
		"ReplaceGrant": func() error { return s.ReplaceGrant(ctx, "s1", "a", nil) },
	}
}
