package main

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

const (
	saveEvery  = time.Minute // sums of refusals
	countEvery = 5           // saves: then sessions are counted, and old events removed

	// keepSums is how long sums of refusals are kept, if AUDIT_RETENTION is not less. Each
	// host writes up to 64 rows a minute while somebody makes it refuse sign-ins.
	keepSums = 7 * 24 * time.Hour

	// Old events are removed in steps, so that logins wait for no more than one, and in so
	// many that more go than come.
	removeStep  = 500
	removeSteps = 100
)

// keepAudit saves what was refused, removes what the audit has kept for long enough, and
// counts sessions, until the function that it returns is called, which waits for it. A
// failure is said once: that of the store shows in all that it does.
func (h host) keepAudit(ctx context.Context, s store.Store, clock *sso.Clock, c *counts) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		each := time.NewTicker(saveEvery)
		defer each.Stop()
		failed := false
		for round := 0; ; round++ {
			err := h.keepAuditOnce(ctx, s, clock, c, round%countEvery == 0)
			if err != nil && ctx.Err() == nil && !failed {
				h.logger.Warn("keeping the audit", "error", err, "next_try", saveEvery.String())
			}
			failed = err != nil
			select {
			case <-each.C:
			case <-ctx.Done():
				h.saveLast(s, c)
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func (h host) keepAuditOnce(ctx context.Context, s store.Store, clock *sso.Clock, c *counts, thorough bool) error {
	forget := clock.RemoveBefore()
	if !forget.IsZero() {
		forget = forget.Add(-min(keepSums, h.config.AuditRetention))
	}
	if err := c.tally.Save(ctx, s, forget); err != nil || !thorough {
		return err
	}
	n, err := s.CountSessions(ctx, clock.Now())
	if err != nil {
		return err
	}
	c.sessions.Store(int64(n))
	return removeEvents(ctx, s, clock.RemoveBefore(), h.config.AuditRetention)
}

// removeEvents removes what was kept for long enough by a clock that may be believed.
func removeEvents(ctx context.Context, s store.Store, before time.Time, kept time.Duration) error {
	if before.IsZero() {
		return nil
	}
	for range removeSteps {
		n, err := s.RemoveEvents(ctx, before.Add(-kept), removeStep)
		if err != nil || n < removeStep {
			return err
		}
	}
	return nil
}

// saveLast saves what was counted until the host stopped.
func (h host) saveLast(s store.Store, c *counts) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := c.tally.Save(ctx, s, time.Time{}); err != nil {
		h.logger.Warn("keeping the audit", "error", err)
	}
}
