package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func testRefusals(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("sums of hosts are added up", func(t *testing.T) { testSums(t, open) })
	t.Run("hosts add at once", func(t *testing.T) { testSumsAtOnce(t, open) })
	t.Run("sessions are counted", func(t *testing.T) { testCountSessions(t, open) })
}

// mustSums reads all sums in pages of two.
func mustSums(t *testing.T, s store.Store, since time.Time) (list []string) {
	t.Helper()
	part := people.Part{Limit: 2}
	for range 100 {
		found, next, err := s.FindRefusals(t.Context(), since, part)
		if err != nil || len(found) > 2 {
			t.Fatalf("FindRefusals: %d, %v", len(found), err)
		}
		for _, sum := range found {
			list = append(list, fmt.Sprintf("%s %s %s %d", sum.Minute.UTC().Format("15:04:05"), sum.Provider, sum.Reason, sum.N))
		}
		if part.After = next; next == "" {
			return list
		}
	}
	t.Fatal("the list has no end")
	return nil
}

func testSums(t *testing.T, open func(t *testing.T) store.Store) {
	s, minute := open(t), start.Truncate(time.Minute)
	for _, sums := range [][]sso.RefusalSum{
		{{Provider: "corp", Reason: "bad_credentials", N: 200}, {Provider: "corp", Reason: "cancelled", N: 1}, {Reason: "other", N: 3}},
		{{Provider: "corp", Reason: "bad_credentials", N: 7}},
	} {
		wantError(t, "AddRefusals", s.AddRefusals(t.Context(), minute, sums, time.Time{}), nil)
	}
	next := minute.Add(time.Minute)
	wantError(t, "AddRefusals", s.AddRefusals(t.Context(), next, []sso.RefusalSum{{Provider: "corp", Reason: "cancelled", N: 2}}, minute), nil)
	wantEqual(t, "all", mustSums(t, s, time.Time{}), []string{"10:34:00  other 3", "10:34:00 corp bad_credentials 207", "10:34:00 corp cancelled 1", "10:35:00 corp cancelled 2"})
	wantEqual(t, "of one minute", mustSums(t, s, next), []string{"10:35:00 corp cancelled 2"})
	wantError(t, "AddRefusals", s.AddRefusals(t.Context(), next, []sso.RefusalSum{{Reason: "other", N: 1}}, next), nil)
	wantEqual(t, "what is left", mustSums(t, s, time.Time{}), []string{"10:35:00  other 1", "10:35:00 corp cancelled 2"})
	for _, position := range []string{"x", "1\na", "1\na\nb\nc"} {
		_, _, err := s.FindRefusals(t.Context(), minute, people.Part{After: position, Limit: 1})
		wantError(t, "a position that is none", err, people.ErrInvalid)
	}
}

func testSumsAtOnce(t *testing.T, open func(t *testing.T) store.Store) {
	s, minute := open(t), start.Truncate(time.Minute)
	got := atOnce(10, func(i int) error {
		sums := []sso.RefusalSum{{Provider: "a", Reason: "x", N: 1}, {Provider: "b", Reason: "x", N: 1}}
		if i%2 == 0 {
			sums[0], sums[1] = sums[1], sums[0]
		}
		return s.AddRefusals(t.Context(), minute, sums, minute)
	})
	wantEqual(t, "outcomes", got, map[string]int{"ok": 10})
	wantEqual(t, "sums", mustSums(t, s, minute), []string{"10:34:00 a x 10", "10:34:00 b x 10"})
}

func testCountSessions(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	for i := range 3 {
		session := someSession(fmt.Sprint("s", i), "ann")
		session.ExpiresAt = start.Add(time.Duration(i) * time.Hour)
		mustCreateSession(t, s, session, sso.NewToken().Hash())
	}
	n, err := s.CountSessions(t.Context(), start)
	wantError(t, "CountSessions", err, nil)
	wantEqual(t, "sessions", n, 2)
}
