package sso

import (
	"context"
	"errors"
	"sync"
)

// singleflight lets simultaneous callers with the same question share one answer, so that
// a refresh token is spent once and a slow provider is asked once for all of them.
type singleflight[T any] struct {
	mu    sync.Mutex
	byKey map[string]*singleflightCall[T]
}

type singleflightCall[T any] struct {
	waiting int                // callers that want the answer; guarded by singleflight.mu
	cancel  context.CancelFunc // called when none is left

	done   chan struct{}
	answer T
	err    error
}

// do returns the result of ask, which the first caller runs. The others wait as long as
// their contexts allow. ask must end by itself; its context is cancelled when nobody
// waits for the answer any more, so that it can stop while that loses nothing.
func (f *singleflight[T]) do(ctx context.Context, key string, ask func(waiting context.Context) (T, error)) (T, error) {
	for {
		answer, err := f.once(ctx, key, ask)
		// All other callers had given up, and cancelled ask, when this one came.
		if given := errors.Is(err, context.Canceled) && ctx.Err() == nil; !given {
			return answer, err
		}
	}
}

func (f *singleflight[T]) once(ctx context.Context, key string, ask func(waiting context.Context) (T, error)) (T, error) {
	f.mu.Lock()
	running, ok := f.byKey[key]
	if ok {
		running.waiting++
		f.mu.Unlock()
		defer context.AfterFunc(ctx, func() { f.abandon(running) })()
		select {
		case <-running.done:
			return running.answer, running.err
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
	}
	if f.byKey == nil {
		f.byKey = map[string]*singleflightCall[T]{}
	}
	waiting, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	// The error for the other callers if ask panics.
	mine := &singleflightCall[T]{waiting: 1, cancel: leave, done: make(chan struct{}), err: ErrPluginFault}
	f.byKey[key] = mine
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.byKey, key)
		f.mu.Unlock()
		close(mine.done)
	}()
	defer context.AfterFunc(ctx, func() { f.abandon(mine) })()
	mine.answer, mine.err = ask(waiting)
	return mine.answer, mine.err
}

// abandon is called when a caller no longer wants the answer.
func (f *singleflight[T]) abandon(from *singleflightCall[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if from.waiting--; from.waiting == 0 {
		from.cancel()
	}
}
