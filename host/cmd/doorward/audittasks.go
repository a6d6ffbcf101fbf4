package main

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

const (
	saveEvery   = time.Minute // the sums of refusals
	removeEvery = 5 * time.Minute
	countEvery  = 5 * time.Minute

	// keepSums is how long sums of refusals are kept, unless AUDIT_RETENTION is shorter.
	// Each host writes up to 64 rows a minute while somebody makes it refuse sign-ins.
	keepSums = 7 * 24 * time.Hour

	// Old events are removed in small steps, so that logins wait for one step only, and in
	// enough steps to remove events faster than they are added.
	removeStep  = 500
	removeSteps = 100

	saveTimeout = 5 * time.Second // of the last sums, when the host stops
)

// auditTasks save the sums of refusals, remove old events, and count sessions.
func (h host) auditTasks(s store.Store, clock *sso.Clock, c *counts) []task {
	kept := h.config.AuditRetention
	return []task{
		{saveEvery, func(ctx context.Context) error {
			return c.tally.Save(ctx, s, keptSince(clock, min(keepSums, kept)))
		}, "refused sign-ins are not saved in the audit"},
		{removeEvery, func(ctx context.Context) error { return removeEvents(ctx, s, keptSince(clock, kept)) },
			"the audit keeps events for longer than AUDIT_RETENTION"},
		{countEvery, func(ctx context.Context) error { return c.countSessions(ctx, s, clock.Now()) }, "sessions are not counted for the monitoring"},
	}
}

// keptSince is the time before which events are removed; zero while the clock may be wrong.
func keptSince(clock *sso.Clock, kept time.Duration) time.Time {
	before := clock.RemoveBefore()
	if before.IsZero() {
		return before
	}
	return before.Add(-kept)
}

func removeEvents(ctx context.Context, s store.Store, before time.Time) error {
	if before.IsZero() {
		return nil
	}
	for range removeSteps {
		if n, err := s.RemoveEvents(ctx, before, removeStep); err != nil || n < removeStep {
			return err
		}
	}
	return nil
}

// saveLast saves the counts of the time before the host stopped.
func (h host) saveLast(s store.Store, c *counts) {
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	if err := c.tally.Save(ctx, s, time.Time{}); err != nil {
		h.logger.Warn("the last refused sign-ins are not saved in the audit", "error", err)
	}
}
