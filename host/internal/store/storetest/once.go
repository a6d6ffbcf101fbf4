package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func once(scope, id string) sso.OnceID {
	return sso.OnceID{Scope: scope, ID: id, Until: start.Add(time.Hour)}
}

func mustSpend(t *testing.T, s store.Store, ids ...sso.OnceID) {
	t.Helper()
	if err := s.Spend(t.Context(), ids...); err != nil {
		t.Fatalf("Spend(%v): %v", ids, err)
	}
}

func testOnce(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("A11 the second time is refused", func(t *testing.T) {
		s := open(t)
		mustSpend(t, s, once("attempt", "a"))
		wantError(t, "Spend", s.Spend(t.Context(), once("attempt", "a")), sso.ErrSpent)
	})
	t.Run("IDs that differ in anything are different", func(t *testing.T) {
		s := open(t)
		for _, id := range []sso.OnceID{
			once("attempt", "a"), once("provider:corp", "a"), once("attempt", "A"), once("attempt", "a "),
			once("attempt", "é"), once("attempt", "e\u0301"), once("attempt:a", "b"), once("attempt", "a:b"),
		} {
			mustSpend(t, s, id)
		}
	})
	t.Run("all or none", func(t *testing.T) {
		s := open(t)
		mustSpend(t, s, once("provider:corp", "assertion"))
		err := s.Spend(t.Context(), once("attempt", "a"), once("provider:corp", "assertion"), once("attempt", "b"))
		wantError(t, "Spend", err, sso.ErrSpent)
		mustSpend(t, s, once("attempt", "a"), once("attempt", "b"))
	})
	t.Run("twice in one call is refused", func(t *testing.T) {
		wantError(t, "Spend", open(t).Spend(t.Context(), once("attempt", "a"), once("attempt", "a")), sso.ErrSpent)
	})
	t.Run("nothing to spend", func(t *testing.T) { mustSpend(t, open(t)) })
	t.Run("at once", func(t *testing.T) {
		const replays = 20
		s := open(t)
		got := atOnce(replays, func(int) error { return s.Spend(t.Context(), once("attempt", "a")) }, sso.ErrSpent)
		if diff := cmp.Diff(map[string]int{"ok": 1, sso.ErrSpent.Error(): replays - 1}, got); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
	})
}
