package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// stages are how a host that is told to end does so: a stage is over when its context
// is done, and each is the beginning of the next.
type stages struct {
	listening context.Context // connections are accepted
	underWay  context.Context // requests may finish; the server has a bound of its own
	end       context.CancelFunc
}

// stages begin to end when ctx is done. Load balancers learn at once that the host is
// about to go. It goes on for the delay, so that they take notice before anybody is
// turned away, and then no longer listens. Each further signal ends a stage at once.
// Whoever calls it calls end, after which no stage is left.
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

// delay is for how long a host that is told to end goes on, and what makes it shorter.
// Ctrl-C comes from somebody who is watching, and has no load balancer.
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
