package main

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// forgetEvery is how long after its grace the successor of a token may still stand in
// the store.
const forgetEvery = 10 * time.Second

// forgetSuccessors looks after that in the background, until stop is called, which
// waits for it. A failure is said once: that of the store shows in all that it does.
func (h host) forgetSuccessors(ctx context.Context, logins *sso.Service) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		each := time.NewTicker(forgetEvery)
		defer each.Stop()
		failed := false
		for {
			err := logins.ForgetSuccessors(ctx)
			if err != nil && ctx.Err() == nil && !failed {
				h.logger.Warn("old tokens lead to current ones in the database for longer than the grace period", "error", err, "next_try", forgetEvery.String())
			}
			failed = err != nil
			select {
			case <-each.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
