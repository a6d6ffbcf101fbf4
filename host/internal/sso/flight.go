package sso

import (
	"context"
	"errors"
	"sync"
)

// flights lets callers that ask the same thing at the same time share one
// answer, so that a refresh token is spent once and a slow provider is asked
// once for all who wait.
type flights[T any] struct {
	mu    sync.Mutex
	byKey map[string]*flight[T]
}

type flight[T any] struct {
	waiting int                // callers that want the answer; guarded by flights.mu
	leave   context.CancelFunc // when none does any more

	done   chan struct{}
	answer T
	err    error
}

// do returns what ask returns, called by whoever comes first. The others wait
// for as long as their context allows. ask must end by itself; its context is done
// when nobody waits for the answer any more, so that it can give up while that loses
// nothing.
func (f *flights[T]) do(ctx context.Context, key string, ask func(waiting context.Context) (T, error)) (T, error) {
	for {
		answer, err := f.once(ctx, key, ask)
		// Others had given up, and ask with them, when this caller came.
		if given := errors.Is(err, context.Canceled) && ctx.Err() == nil; !given {
			return answer, err
		}
	}
}

func (f *flights[T]) once(ctx context.Context, key string, ask func(waiting context.Context) (T, error)) (T, error) {
	f.mu.Lock()
	running, ok := f.byKey[key]
	if ok {
		running.waiting++
		f.mu.Unlock()
		defer context.AfterFunc(ctx, func() { f.left(running) })()
		select {
		case <-running.done:
			return running.answer, running.err
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
	}
	if f.byKey == nil {
		f.byKey = map[string]*flight[T]{}
	}
	waiting, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	// Stays for the others if ask panics.
	mine := &flight[T]{waiting: 1, leave: leave, done: make(chan struct{}), err: ErrPluginFault}
	f.byKey[key] = mine
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.byKey, key)
		f.mu.Unlock()
		close(mine.done)
	}()
	defer context.AfterFunc(ctx, func() { f.left(mine) })()
	mine.answer, mine.err = ask(waiting)
	return mine.answer, mine.err
}

// left is for a caller that does not want the answer any more.
func (f *flights[T]) left(from *flight[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if from.waiting--; from.waiting == 0 {
		from.leave()
	}
}
