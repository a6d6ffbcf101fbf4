package main

import (
	"context"
	"fmt"
	"time"

	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/postgres"
)

// lookAtClock is how often the clock is checked: it may be wrong after the machine slept.
const lookAtClock = time.Minute

// clockMayDiffer is how much the clock of a host may differ from that of the database. Two
// hosts then differ by at most twice that, which is harmless.
const clockMayDiffer = time.Second

// clocksTogether warns if the clock of this host differs from that of the others. A host
// that is ahead by more than the grace period ends a session whose token another host has
// just replaced. A host with its own database needs no check.
func clocksTogether(database store.Store, now func() time.Time) []task {
	shared, ok := database.(*postgres.Store)
	if !ok {
		return nil
	}
	look := func(ctx context.Context) error {
		ahead, err := shared.ClockAhead(ctx, now)
		if err != nil {
			return nil //nolint:nilerr // a failing store shows everywhere
		}
		return clockError(ahead)
	}
	return []task{{lookAtClock, look, "the clock of this host or of the database is wrong: with several hosts, sessions may end too early"}}
}

func clockError(ahead time.Duration) error {
	where := "ahead of"
	if ahead < 0 {
		where = "behind"
	}
	if ahead.Abs() < clockMayDiffer {
		return nil
	}
	return fmt.Errorf("this host is %v %s the database: synchronize both clocks with NTP", ahead.Abs().Round(100*time.Millisecond), where)
}
