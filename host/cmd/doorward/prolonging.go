package main

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/forwardauth"
)

// prolonging prolongs the sessions that are used at applications.
func prolonging(p *forwardauth.Prolonger) task {
	return task{time.Second, func(ctx context.Context) error {
		p.Run(ctx)
		return nil
	}, "sessions are not prolonged"}
}

// waitFor waits until stop has stopped something, or until the stage is over. Then stop
// goes on, until what it waits for is broken off.
func waitFor(stage context.Context, stop func()) {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	select {
	case <-stopped:
	case <-stage.Done():
	}
}
