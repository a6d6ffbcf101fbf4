package storetest

import (
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

// prolongationOf is one of session "s1", a minute after its start.
func prolongationOf(token sso.TokenHash, holder string) sso.Prolongation {
	return sso.Prolongation{
		SessionID: "s1", Token: token, Holder: holder, AskedAt: start.Add(time.Minute), ExpiresAt: start.Add(5 * time.Hour),
		NotAfter: start.Add(24 * time.Hour), Groups: sso.NewGroups([]string{"other"}),
	}
}

func testProlongation(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("the ends move, and the token stays", func(t *testing.T) { testProlong(t, open) })
	t.Run("who has the lease ends it", func(t *testing.T) { testProlongLeased(t, open) })
	t.Run("what is no current token is not prolonged", func(t *testing.T) { testProlongSpent(t, open) })
	t.Run("nobody asks who does not know of the last question", func(t *testing.T) { testAskedSince(t, open) })
	t.Run("beside rotations", func(t *testing.T) { testProlongAtOnce(t, open) })
}

func mustProlong(t *testing.T, s store.Store, p sso.Prolongation) {
	t.Helper()
	if err := s.ProlongSession(t.Context(), p); err != nil {
		t.Fatalf("ProlongSession: %v", err)
	}
}

func testProlong(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := leasing(t, open)
	other := sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s2", "ann"), other)
	want, beside := mustToken(t, s, token), mustToken(t, s, other)
	p := prolongationOf(token, "")
	mustProlong(t, s, p)
	want.ExpiresAt = p.ExpiresAt.UTC()
	want.Session.ExpiresAt, want.Session.NotAfter, want.Session.AskedAt, want.Session.Groups = p.ExpiresAt, p.NotAfter, p.AskedAt, p.Groups
	got := mustToken(t, s, token)
	wantEqual(t, "the token", got, want)
	wantUTC(t, got.ExpiresAt, got.Session.ExpiresAt, got.Session.NotAfter, got.Session.AskedAt)
	wantEqual(t, "the token of another session", mustToken(t, s, other), beside)

	less := p // a provider may allow less than before, and not know the groups
	less.ExpiresAt, less.NotAfter, less.Groups = start.Add(30*time.Minute), time.Time{}, ""
	mustProlong(t, s, less)
	got = mustToken(t, s, token)
	wantEqual(t, "expiry of the token", got.ExpiresAt, less.ExpiresAt.UTC())
	wantEqual(t, "end of the session", got.Session.NotAfter, time.Time{})
	wantEqual(t, "groups", got.Session.Groups, "")
	at, err := s.AtProvider(t.Context(), "s1")
	wantError(t, "AtProvider", err, nil)
	wantEqual(t, "at the provider", at, atProvider("n1", "i1"))
}

func testProlongLeased(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := leasing(t, open)
	prolong := func(what, holder string, want error) {
		t.Helper()
		before := mustToken(t, s, token)
		wantError(t, what, s.ProlongSession(t.Context(), prolongationOf(token, holder)), want)
		if want != nil {
			wantEqual(t, what, mustToken(t, s, token), before)
		}
	}
	prolong("without the lease that it names", "a", sso.ErrLeased)
	wantLease(t, "b", s, leaseOf(token, "b"), nil)
	prolong("while another has it", "a", sso.ErrLeased)
	prolong("without having asked", "", nil)
	wantLeased(t, "then", s, true, false)
	prolong("who has it", "b", nil)
	wantLeased(t, "afterwards", s, false, false)
	wantLease(t, "a", s, leaseOf(token, "a"), nil)
}

func testProlongSpent(t *testing.T, open func(t *testing.T) store.Store) {
	s, first := leasing(t, open)
	second, other := sso.NewToken().Hash(), sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s2", "ann"), other)
	mustRotate(t, s, rotationOf(first, second))
	before := mustToken(t, s, second)
	for what, c := range map[string]struct {
		token sso.TokenHash
		want  error
	}{
		"a token that was replaced":  {first, sso.ErrSpent},
		"an unknown token":           {sso.NewToken().Hash(), sso.ErrNotFound},
		"a token of another session": {other, sso.ErrNotFound},
	} {
		wantError(t, what, s.ProlongSession(t.Context(), prolongationOf(c.token, "")), c.want)
	}
	wantEqual(t, "the current token", mustToken(t, s, second), before)
	wantError(t, "EndSession", s.EndSession(t.Context(), "s1", sso.Event{}), nil)
	wantError(t, "a session that has ended", s.ProlongSession(t.Context(), prolongationOf(second, "")), sso.ErrNotFound)
}

func testAskedSince(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := leasing(t, open)
	lease := func(what string, token sso.TokenHash, knows time.Time, want error) {
		t.Helper()
		l := leaseOf(token, "a")
		l.AskedAt = knows
		wantLease(t, what, s, l, want)
	}
	lease("nobody asked since the login", token, mustToken(t, s, token).Session.AskedAt, nil)
	lease("of before the login", token, start.Add(-time.Millisecond), sso.ErrSpent)
	mustProlong(t, s, prolongationOf(token, "a"))
	lease("asked since", token, start, sso.ErrSpent)
	wantLeased(t, "then", s, false, false)
	lease("who knows of it", token, start.Add(time.Minute), nil)
	next := rotationOf(token, sso.NewToken().Hash())
	next.Now = start.Add(2 * time.Minute)
	mustRotate(t, s, next)
	lease("refreshed since", next.New, start.Add(time.Minute), sso.ErrSpent)
	lease("who knows of the refresh", next.New, next.Now, nil)
}

// testProlongAtOnce replaces a token while its session is prolonged: in either order, the
// new token is current in the end, and the session ends when that token does.
func testProlongAtOnce(t *testing.T, open func(t *testing.T) store.Store) {
	s, old := leasing(t, open)
	next := rotationOf(old, sso.NewToken().Hash())
	atOnce(20, func(i int) error {
		if i == 10 {
			return s.RotateToken(t.Context(), next)
		}
		err := s.ProlongSession(t.Context(), prolongationOf(old, ""))
		if kind := kindOf(err, []error{sso.ErrSpent}); kind != "ok" && kind != sso.ErrSpent.Error() {
			t.Error(kind)
		}
		return nil
	})
	got := mustToken(t, s, next.New)
	wantEqual(t, "expiry of the new token", got.ExpiresAt, next.ExpiresAt.UTC())
	wantEqual(t, "expiry of the session", got.Session.ExpiresAt, next.ExpiresAt.UTC())
	wantEqual(t, "the last refresh", got.Session.AskedAt, next.Now.UTC())
}
