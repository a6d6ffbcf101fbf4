package main

import (
	"context"
	"sync"
	"time"
)

// task is what a host does again and again, from its start on.
type task struct {
	every   time.Duration
	do      func(context.Context) error
	failing string // what the first failure of several is logged as: that of the store shows in all that it does
}

// background runs each task in a goroutine of its own, until stop is called, which waits
// for them.
func (h host) background(ctx context.Context, tasks ...task) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, t := range tasks {
		running.Go(func() { h.repeat(ctx, t) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

func (h host) repeat(ctx context.Context, t task) {
	each := time.NewTicker(t.every)
	defer each.Stop()
	failed := false
	for {
		err := t.do(ctx)
		if err != nil && ctx.Err() == nil && !failed {
			h.logger.Warn(t.failing, "error", err, "next_try", t.every.String())
		}
		failed = err != nil
		select {
		case <-each.C:
		case <-ctx.Done():
			return
		}
	}
}
