package postgres

import (
	"testing"
	"time"
)

func TestClockAhead(t *testing.T) {
	s := mustOpen(t, optionsOf(server(t).Host, server(t).Port, server(t).NewDatabase(t)))
	for _, set := range []time.Duration{-30 * time.Minute, 0, 30 * time.Minute} {
		began := time.Now()
		got, err := s.ClockAhead(t.Context(), func() time.Time { return time.Now().Add(set) })
		within := time.Since(began) + time.Second // both use the same clock
		if err != nil || (got-set).Abs() > within || set == 0 && got != 0 {
			t.Errorf("ahead by %v: got %v, %v", set, got, err)
		}
	}
}
