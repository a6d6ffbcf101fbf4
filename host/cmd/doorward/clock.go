package main

import (
	"context"
	"fmt"
	"time"

	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/postgres"
)

// lookAtClock is how often, since a machine that slept has another time when it wakes.
const lookAtClock = time.Minute

// clockMayDiffer is by how much the clock of each host may be ahead of that of the database,
// or behind. Two hosts are no further apart than twice that, which does nothing.
const clockMayDiffer = time.Second

// clocksTogether says if the clock of this host is not that of the others. By a host that is
// ahead by more than the grace, a session ends whose token another one has just replaced.
// A database of one host has one clock.
func clocksTogether(database store.Store, now func() time.Time) []task {
	shared, ok := database.(*postgres.Store)
	if !ok {
		return nil
	}
	look := func(ctx context.Context) error {
		ahead, err := shared.ClockAhead(ctx, now)
		if err != nil {
			return nil //nolint:nilerr // that the store fails shows in all that it does
		}
		return clockError(ahead)
	}
	return []task{{lookAtClock, look, "the clock of this host is wrong, or that of the database: with several hosts, sessions may end too soon"}}
}

func clockError(ahead time.Duration) error {
	where := "ahead of"
	if ahead < 0 {
		where = "behind"
	}
	if ahead.Abs() < clockMayDiffer {
		return nil
	}
	return fmt.Errorf("it is %v %s that of the database: keep both right, by NTP", ahead.Abs().Round(100*time.Millisecond), where)
}
