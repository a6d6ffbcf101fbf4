package tally_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/tally"
)

var start = time.Date(2026, 11, 30, 12, 0, 30, 0, time.UTC)

// sums are the totals to be stored, in order.
type sums struct {
	stored []sso.RefusalSum
	err    error
}

func (s *sums) AddRefusals(_ context.Context, minute time.Time, list []sso.RefusalSum, _ time.Time) error {
	if s.err != nil {
		return s.err
	}
	for _, sum := range list {
		sum.Minute = minute
		s.stored = append(s.stored, sum)
	}
	return nil
}

func (s *sums) total() (n int) {
	for _, sum := range s.stored {
		n += sum.N
	}
	return n
}

func newTally() *tally.Tally { return tally.New(func() time.Time { return start }) }

func save(t *testing.T, c *tally.Tally, to *sums) {
	t.Helper()
	if err := c.Save(t.Context(), to, time.Time{}); !errors.Is(err, to.err) {
		t.Errorf("Save: %v, want %v", err, to.err)
	}
}

func TestWhateverIsRefusedTakesFewRows(t *testing.T) {
	c, to := newTally(), &sums{}
	for i := range 100_000 {
		c.Refused(fmt.Sprint("p", i%5000), fmt.Sprint("r", i%7))
	}
	c.Refused("corp", "bad_credentials")
	save(t, c, to)
	if len(to.stored) > 64 || to.total() != 100_001 {
		t.Errorf("%d rows with %d refusals", len(to.stored), to.total())
	}
	if n := len(c.Counted().Refusals); n > 2001 {
		t.Errorf("%d kinds are counted", n)
	}
	save(t, c, to)
	if to.total() != 100_001 {
		t.Errorf("the second time there are %d", to.total())
	}
}

func TestSumsAreOfTheirMinute(t *testing.T) {
	c, to := newTally(), &sums{}
	for range 200 {
		c.Refused("corp", "bad_credentials")
	}
	c.Refused("", "no_cookie")
	save(t, c, to)
	minute := start.Truncate(time.Minute)
	want := []sso.RefusalSum{{Minute: minute, Provider: "corp", Reason: "bad_credentials", N: 200}, {Minute: minute, Reason: "no_cookie", N: 1}}
	if fmt.Sprint(to.stored) != fmt.Sprint(want) {
		t.Errorf("stored %v, want %v", to.stored, want)
	}
}

// Counts that could not be stored are stored later, unless they may already be there.
func TestAStoreThatFails(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{{errors.New("away"), 3}, {fmt.Errorf("%w: gone", sso.ErrOutcomeUnknown), 1}} {
		c, to := newTally(), &sums{err: tc.err}
		c.Refused("corp", "x")
		c.Refused("corp", "y")
		save(t, c, to)
		c.Refused("corp", "x")
		to.err = nil
		save(t, c, to)
		if to.total() != tc.want {
			t.Errorf("after %v: %d refusals, want %d", tc.err, to.total(), tc.want)
		}
	}
}

func TestCountsOfManyAtOnce(t *testing.T) {
	c, to := newTally(), &sums{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				c.SignedIn("corp")
				c.Refused("corp", "x")
				c.Refreshed("ok")
			}
		})
	}
	for range 10 {
		save(t, c, to)
	}
	wg.Wait()
	save(t, c, to)
	counted := c.Counted()
	if counted.SignIns["corp"] != 800 || counted.Refusals[tally.Refusal{Provider: "corp", Reason: "x"}] != 800 || counted.Refreshes["ok"] != 800 || to.total() != 800 {
		t.Errorf("counted %+v, stored %d", counted, to.total())
	}
}
