package web

import (
	"context"
	"runtime"
	"time"
)

// parseSlotTTL is longer than a large body takes if its client and the plugin keep up. A
// body that is waiting for them needs no processor.
const parseSlotTTL = 100 * time.Millisecond

// parseLimit keeps half of the processors free of large bodies. Each takes little time, but
// a hundred at once, each as urgent as a login, made a login take fifty times as long.
type parseLimit chan struct{}

func newParseLimit() parseLimit { return make(parseLimit, max(1, runtime.GOMAXPROCS(0)/2)) }

// do calls do for a body of that size; a large one waits for its turn.
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
