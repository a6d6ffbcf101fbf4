package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// stages are the stages of a shutdown. A stage is over when its context is done, and then
// the next one begins.
type stages struct {
	listening context.Context // connections are accepted
	underWay  context.Context // requests may finish; the server has its own bound
	end       context.CancelFunc
}

// stages starts the shutdown when ctx is done. The host tells load balancers at once that it
// is not ready. It keeps serving for the delay, so that they notice before any request is
// refused, and then stops listening. Each further signal ends a stage at once. The caller
// must call end, which ends all stages.
func (h host) stages(ctx context.Context, notReady func()) stages {
	listening, stopListening := context.WithCancel(context.WithoutCancel(ctx))
	underWay, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	go func() { // ends with underWay
		defer stopListening()
		select {
		case <-ctx.Done():
		case <-underWay.Done():
			return
		}
		notReady()
		delay, again := h.delay(context.Cause(ctx))
		h.logger.Info("stopping", "because_of", context.Cause(ctx), "listens_ms", delay.Milliseconds())
		select {
		case <-time.After(delay):
		case <-again:
		case <-underWay.Done():
		}
		stopListening()
		select {
		case <-again:
			giveUp()
		case <-underWay.Done():
		}
	}()
	return stages{listening: listening, underWay: underWay, end: giveUp}
}

// delay returns how long a stopping host keeps serving, and the signals that end the delay.
// Ctrl-C comes from a terminal, where there is no load balancer.
func (h host) delay(cause error) (time.Duration, <-chan os.Signal) {
	var signal *interrupted
	switch {
	case !errors.As(cause, &signal):
		return 0, nil
	case signal.by == syscall.SIGTERM:
		return h.config.ShutdownDelay, signal.again
	default:
		return 0, signal.again
	}
}
