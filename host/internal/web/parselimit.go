package web

import (
	"context"
	"runtime"
	"time"
)

// parseSlotTTL is longer than a large body takes, if its client and the plugin keep
// up. Whoever waits for them needs no processor.
const parseSlotTTL = 100 * time.Millisecond

// parseLimit leaves half of the processors to those who do not send large bodies: what
// these take is short, but a hundred of them at once, each as urgent as a login,
// made it take fifty times as long.
type parseLimit chan struct{}

func newParseLimit() parseLimit { return make(parseLimit, max(1, runtime.GOMAXPROCS(0)/2)) }

// do does something with a body of that size; a large one waits for its
// turn.
func (p parseLimit) do(ctx context.Context, size int, do func() error) error {
	if size < largeBody {
		return do()
	}
	select {
	case p <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	timer := time.AfterFunc(parseSlotTTL, func() { <-p })
	defer func() {
		if timer.Stop() {
			<-p
		}
	}()
	return do()
}
