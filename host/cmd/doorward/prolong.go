package main

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/forwardauth"
)

// prolonging prolongs sessions that are used at applications.
func prolonging(p *forwardauth.Prolonger) task {
	return task{time.Second, func(ctx context.Context) error {
		p.Run(ctx)
		return nil
	}, "sessions are not prolonged"}
}

// waitFor calls stop and waits until it returns or the stage is over. stop may then still
// be waiting in the background.
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
