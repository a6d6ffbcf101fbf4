package storetest

import (
	"fmt"
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

// rotationOf is one of session "s1", a minute after its start.
func rotationOf(old, fresh sso.TokenHash) sso.Rotation {
	return sso.Rotation{
		SessionID: "s1", Old: old, New: fresh, Successor: []byte("sealed \x00 " + string(fresh[:])), Now: start.Add(time.Minute),
		ExpiresAt: start.Add(3 * time.Hour), NotAfter: start.Add(24 * time.Hour), Groups: sso.NewGroups([]string{"other"}),
	}
}

func testRotation(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("a token is replaced", func(t *testing.T) { testReplace(t, open) })
	t.Run("a token that was spent is not replaced again", func(t *testing.T) { testSpent(t, open) })
	t.Run("what is no token of the session changes nothing", func(t *testing.T) { testForeignToken(t, open) })
	t.Run("a token of another session cannot be the new one", func(t *testing.T) {
		s, old, taken := withUser(t, open), sso.NewToken().Hash(), sso.NewToken().Hash()
		mustCreateSession(t, s, someSession("s1", "ann"), old)
		mustCreateSession(t, s, someSession("s2", "ann"), taken)
		before := mustToken(t, s, old)
		if err := s.RotateToken(t.Context(), rotationOf(old, taken)); err == nil {
			t.Error("RotateToken to a token that is taken: no error")
		}
		wantEqual(t, "the old token", mustToken(t, s, old), before)
		wantEqual(t, "session of the taken token", mustToken(t, s, taken).Session.ID, "s2")
	})
	t.Run("one successor of a session is kept", func(t *testing.T) { testSuccessors(t, open) })
	t.Run("old successors are forgotten", func(t *testing.T) { testForgetSuccessors(t, open) })
	t.Run("at once", func(t *testing.T) { testRotationsAtOnce(t, open) })
}

func testReplace(t *testing.T, open func(t *testing.T) store.Store) {
	s, session := withUser(t, open), someSession("s1", "ann")
	first, second, third := sso.NewToken().Hash(), sso.NewToken().Hash(), sso.NewToken().Hash()
	mustCreateSession(t, s, session, first)
	rotation := rotationOf(first, second)
	mustRotate(t, s, rotation)

	moved := session
	moved.ExpiresAt, moved.NotAfter, moved.AskedAt, moved.Groups = rotation.ExpiresAt, rotation.NotAfter, rotation.Now, rotation.Groups
	ann := someUser("ann", "corp", "s-1")
	wantEqual(t, "old", mustToken(t, s, first), sso.SessionToken{
		Session: moved, User: ann, ExpiresAt: session.ExpiresAt, SpentAt: rotation.Now, Successor: rotation.Successor,
	})
	wantEqual(t, "new", mustToken(t, s, second), sso.SessionToken{Session: moved, User: ann, ExpiresAt: rotation.ExpiresAt})

	less := rotationOf(second, third) // a provider may allow less than before
	less.ExpiresAt, less.NotAfter = start.Add(30*time.Minute), time.Time{}
	mustRotate(t, s, less)
	got := mustToken(t, s, third).Session
	wantEqual(t, "expiry of the session", got.ExpiresAt, less.ExpiresAt)
	wantEqual(t, "end of the session", got.NotAfter, less.NotAfter)
}

func testSpent(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	first, second, third := sso.NewToken().Hash(), sso.NewToken().Hash(), sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s1", "ann"), first)
	mustRotate(t, s, rotationOf(first, second))
	before := mustToken(t, s, first)
	again := rotationOf(first, third)
	again.Now, again.ExpiresAt = start.Add(2*time.Minute), start.Add(4*time.Hour)
	wantError(t, "RotateToken", s.RotateToken(t.Context(), again), sso.ErrSpent)
	wantEqual(t, "the old token", mustToken(t, s, first), before)
	_, err := s.SessionToken(t.Context(), third)
	wantError(t, "the new token", err, sso.ErrNotFound)
	if current := mustToken(t, s, second); !current.SpentAt.IsZero() {
		t.Errorf("the current token: %+v", current)
	}
}

func testForeignToken(t *testing.T, open func(t *testing.T) store.Store) {
	s, mine, other := withUser(t, open), sso.NewToken().Hash(), sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s1", "ann"), mine)
	mustCreateSession(t, s, someSession("s2", "ann"), other)
	before := mustToken(t, s, other)
	for name, old := range map[string]sso.TokenHash{"an unknown token": sso.NewToken().Hash(), "a token of another session": other} {
		fresh := sso.NewToken().Hash()
		wantError(t, name, s.RotateToken(t.Context(), rotationOf(old, fresh)), sso.ErrNotFound)
		_, err := s.SessionToken(t.Context(), fresh)
		wantError(t, "the new token", err, sso.ErrNotFound)
	}
	wantEqual(t, "the token of the other session", mustToken(t, s, other), before)
}

// testSuccessors rotates a session several times, and another session once.
func testSuccessors(t *testing.T, open func(t *testing.T) store.Store) {
	s, other := withUser(t, open), sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s2", "ann"), other)
	beside := rotationOf(other, sso.NewToken().Hash())
	beside.SessionID = "s2"
	mustRotate(t, s, beside)
	chain := []sso.TokenHash{sso.NewToken().Hash()}
	mustCreateSession(t, s, someSession("s1", "ann"), chain[0])
	for range 3 {
		chain = append(chain, sso.NewToken().Hash())
		mustRotate(t, s, rotationOf(chain[len(chain)-2], chain[len(chain)-1]))
	}
	bare := rotationOf(chain[3], sso.NewToken().Hash())
	want := []int{0, 0, len(bare.Successor), 0}
	for i, token := range chain {
		wantEqual(t, fmt.Sprintf("bytes of the successor of token %d", i), len(mustToken(t, s, token).Successor), want[i])
	}
	bare.Successor = nil
	mustRotate(t, s, bare)
	for i, token := range chain {
		if got := mustToken(t, s, token).Successor; got != nil {
			t.Errorf("a successor of token %d is kept, after one that is not to be kept", i)
		}
	}
	wantEqual(t, "successor in the other session", mustToken(t, s, other).Successor, beside.Successor)
}

func testForgetSuccessors(t *testing.T, open func(t *testing.T) store.Store) {
	s, tokens := withUser(t, open), []sso.TokenHash{}
	for i := range 5 {
		id, old := fmt.Sprint("s", i), sso.NewToken().Hash()
		mustCreateSession(t, s, someSession(id, "ann"), old)
		rotation := rotationOf(old, sso.NewToken().Hash())
		rotation.SessionID, rotation.Now = id, start.Add(time.Duration(i)*time.Second)
		mustRotate(t, s, rotation)
		tokens = append(tokens, old)
	}
	forget := func(before time.Time, limit, want int) {
		t.Helper()
		got, err := s.ForgetSuccessors(t.Context(), before, limit)
		wantError(t, "ForgetSuccessors", err, nil)
		wantEqual(t, "forgotten", got, want)
	}
	forget(start, 10, 0) // at that moment is not before it
	forget(start.Add(3*time.Second), 2, 2)
	forget(start.Add(3*time.Second), 2, 1)
	forget(start.Add(3*time.Second), 2, 0)
	for i, token := range tokens {
		got := mustToken(t, s, token)
		if kept := len(got.Successor) > 0; kept != (i >= 3) || !got.SpentAt.Equal(start.Add(time.Duration(i)*time.Second)) {
			t.Errorf("token spent %d s after the start: successor %v, spent at %v", i, kept, got.SpentAt)
		}
	}
}

func testRotationsAtOnce(t *testing.T, open func(t *testing.T) store.Store) {
	const tabs = 100
	s, old := withUser(t, open), sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s1", "ann"), old)
	fresh := make([]sso.TokenHash, tabs)
	got := atOnce(tabs, func(i int) error {
		fresh[i] = sso.NewToken().Hash()
		return s.RotateToken(t.Context(), rotationOf(old, fresh[i]))
	}, sso.ErrSpent)
	if diff := cmp.Diff(map[string]int{"ok": 1, sso.ErrSpent.Error(): tabs - 1}, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	successor := mustToken(t, s, old).Successor
	for _, token := range fresh {
		if stored, err := s.SessionToken(t.Context(), token); err == nil {
			wantEqual(t, "the successor that is kept", successor, rotationOf(old, token).Successor)
			wantEqual(t, "when the new token was spent", stored.SpentAt, time.Time{})
		}
	}
}
