package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/store"
)

func testCounts(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	exchange := func(host, counts string, after time.Duration) map[string]string {
		t.Helper()
		now, told := start.Add(after), []byte(counts)
		if counts == "" {
			told = nil
		}
		others, err := s.ExchangeCounts(t.Context(), host, told, now, now.Add(-time.Minute))
		wantError(t, "ExchangeCounts", err, nil)
		texts := map[string]string{}
		for name, counts := range others {
			texts[name] = string(counts)
		}
		return texts
	}
	wantEqual(t, "nobody", exchange("a", "", 0), map[string]string{})
	wantEqual(t, "the first", exchange("a", "1\x00", 0), map[string]string{})
	wantEqual(t, "the second", exchange("b", "2", time.Second), map[string]string{"a": "1\x00"})
	wantEqual(t, "nothing new", exchange("a", "", 2*time.Second), map[string]string{"b": "2"})
	wantEqual(t, "something new", exchange("a", "3", 30*time.Second), map[string]string{"b": "2"})
	wantEqual(t, "in place of the old", exchange("b", "", 31*time.Second), map[string]string{"a": "3"})
	wantEqual(t, "a third, later", exchange("c", "", 70*time.Second), map[string]string{"a": "3"})
	wantEqual(t, "what is removed", exchange("c", "4", 100*time.Second), map[string]string{})
	wantEqual(t, "what is left", exchange("d", "", 70*time.Second), map[string]string{"c": "4"})
	many := atOnce(8, func(i int) error {
		_, err := s.ExchangeCounts(t.Context(), fmt.Sprint(i), make([]byte, 200<<10), start, start.Add(-time.Minute))
		return err
	})
	wantEqual(t, "many at once", many, map[string]int{"ok": 8})
}

func callsOfCounts(ctx context.Context, s store.Store) map[string]func() error {
	return map[string]func() error{
		"ExchangeCounts": func() error {
			_, err := s.ExchangeCounts(ctx, "h", []byte("x"), start, start)
			return err
		},
		"ExchangeCounts, to read": func() error { _, err := s.ExchangeCounts(ctx, "h", nil, start, start); return err },
	}
}
