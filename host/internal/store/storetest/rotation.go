package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func mustRotate(t *testing.T, s store.Store, r sso.Rotation) {
	t.Helper()
	if err := s.RotateToken(t.Context(), r); err != nil {
		t.Fatalf("RotateToken: %v", err)
	}
}

func testRotation(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("a token is replaced", func(t *testing.T) { testReplace(t, open) })
	t.Run("grace", func(t *testing.T) { testGrace(t, open) })
	t.Run("an unknown token changes nothing", func(t *testing.T) {
		s, fresh := withUser(t, open), sso.NewToken().Hash()
		err := s.RotateToken(t.Context(), sso.Rotation{Old: sso.NewToken().Hash(), New: fresh, Now: start, ExpiresAt: start.Add(time.Hour)})
		wantError(t, "RotateToken", err, sso.ErrNotFound)
		_, err = s.SessionToken(t.Context(), fresh)
		wantError(t, "the new token", err, sso.ErrNotFound)
	})
	t.Run("a token of another session cannot be the new one", func(t *testing.T) {
		s, old, taken := withUser(t, open), sso.NewToken().Hash(), sso.NewToken().Hash()
		mustCreateSession(t, s, someSession("s1", "ann"), old)
		mustCreateSession(t, s, someSession("s2", "ann"), taken)
		before := mustToken(t, s, old)
		if err := s.RotateToken(t.Context(), sso.Rotation{Old: old, New: taken, Now: start, ExpiresAt: start.Add(2 * time.Hour)}); err == nil {
			t.Error("RotateToken to a token that is taken: no error")
		}
		wantEqual(t, "the old token", mustToken(t, s, old), before)
		wantEqual(t, "session of the taken token", mustToken(t, s, taken).Session.ID, "s2")
	})
	t.Run("at once", func(t *testing.T) { testRotationsAtOnce(t, open) })
}

func testReplace(t *testing.T, open func(t *testing.T) store.Store) {
	s, session := withUser(t, open), someSession("s1", "ann")
	first, second, third := sso.NewToken().Hash(), sso.NewToken().Hash(), sso.NewToken().Hash()
	mustCreateSession(t, s, session, first)
	at, until := start.Add(time.Minute), start.Add(3*time.Hour)
	mustRotate(t, s, sso.Rotation{Old: first, New: second, Now: at, ExpiresAt: until})

	moved := session
	moved.ExpiresAt = until
	ann := someUser("ann", "corp", "s-1")
	wantEqual(t, "old", mustToken(t, s, first), sso.SessionToken{Session: moved, User: ann, ExpiresAt: session.ExpiresAt, SpentAt: at})
	wantEqual(t, "new", mustToken(t, s, second), sso.SessionToken{Session: moved, User: ann, ExpiresAt: until})

	earlier := start.Add(30 * time.Minute) // a provider may allow less than before
	mustRotate(t, s, sso.Rotation{Old: second, New: third, Now: at.Add(time.Minute), ExpiresAt: earlier})
	wantEqual(t, "expiry of the session", mustToken(t, s, third).Session.ExpiresAt, earlier)
}

func testGrace(t *testing.T, open func(t *testing.T) store.Store) {
	spent := start.Add(time.Minute)
	for name, c := range map[string]struct {
		graceFrom time.Time
		want      error
	}{
		"none: a spent token is refused":       {time.Time{}, sso.ErrSpent},
		"spent before it: refused":             {spent.Add(time.Millisecond), sso.ErrSpent},
		"spent when it starts: rotated again":  {spent, nil},
		"spent after it starts: rotated again": {spent.Add(-time.Second), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, first, second, third := withUser(t, open), sso.NewToken().Hash(), sso.NewToken().Hash(), sso.NewToken().Hash()
			mustCreateSession(t, s, someSession("s1", "ann"), first)
			mustRotate(t, s, sso.Rotation{Old: first, New: second, Now: spent, ExpiresAt: start.Add(2 * time.Hour)})
			before := mustToken(t, s, first)

			again := sso.Rotation{Old: first, New: third, Now: spent.Add(time.Second), ExpiresAt: start.Add(4 * time.Hour), GraceFrom: c.graceFrom}
			wantError(t, "RotateToken", s.RotateToken(t.Context(), again), c.want)
			_, err := s.SessionToken(t.Context(), third)
			if c.want != nil {
				wantError(t, "the new token", err, sso.ErrNotFound)
				wantEqual(t, "the old token", mustToken(t, s, first), before)
				return
			}
			wantError(t, "the new token", err, nil)
			wantEqual(t, "when the old token was spent", mustToken(t, s, first).SpentAt, spent)
			wantEqual(t, "expiry of the session", mustToken(t, s, first).Session.ExpiresAt, again.ExpiresAt)
		})
	}
}

func testRotationsAtOnce(t *testing.T, open func(t *testing.T) store.Store) {
	const tabs = 20
	for name, c := range map[string]struct {
		graceFrom time.Time
		want      map[string]int
	}{
		"without grace one wins": {time.Time{}, map[string]int{"ok": 1, sso.ErrSpent.Error(): tabs - 1}},
		"with grace all win":     {start.Add(-time.Second), map[string]int{"ok": tabs}},
	} {
		t.Run(name, func(t *testing.T) {
			s, old := withUser(t, open), sso.NewToken().Hash()
			mustCreateSession(t, s, someSession("s1", "ann"), old)
			got := atOnce(tabs, func(int) error {
				return s.RotateToken(t.Context(), sso.Rotation{
					Old: old, New: sso.NewToken().Hash(), Now: start, ExpiresAt: start.Add(time.Hour), GraceFrom: c.graceFrom,
				})
			}, sso.ErrSpent)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
		})
	}
}
