package main

import (
	"context"
	"sync"
	"time"
)

// task is something that a host does periodically, beginning at its start.
type task struct {
	every   time.Duration
	do      func(context.Context) error
	failing string // message for the first of several failures; others would repeat it
}

// background runs each task in its own goroutine, until stop is called. stop waits for
// them.
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
