package web

import (
	"context"
	"runtime"
	"time"
)

// turnLasts is longer than a large body takes, if its client and the plugin keep
// up. Whoever waits for them needs no processor.
const turnLasts = 100 * time.Millisecond

// turns leave half of the processors to those who do not send large bodies: what
// these take is short, but a hundred of them at once, each as urgent as a login,
// made it take fifty times as long.
type turns chan struct{}

func newTurns() turns { return make(turns, max(1, runtime.GOMAXPROCS(0)/2)) }

// whileLarge does something with a body of that size; a large one waits for its
// turn.
func (t turns) whileLarge(ctx context.Context, size int, do func() error) error {
	if size < largeBody {
		return do()
	}
	select {
	case t <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	timer := time.AfterFunc(turnLasts, func() { <-t })
	defer func() {
		if timer.Stop() {
			<-t
		}
	}()
	return do()
}
