package sso

import (
	"context"
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
	done   chan struct{}
	answer T
	err    error
}

// do returns what ask returns, called by whoever comes first. The others wait
// for as long as their context allows. ask must end by itself.
func (f *flights[T]) do(ctx context.Context, key string, ask func() (T, error)) (T, error) {
	f.mu.Lock()
	running, ok := f.byKey[key]
	if ok {
		f.mu.Unlock()
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
	// Stays for the others if ask panics.
	mine := &flight[T]{done: make(chan struct{}), err: ErrPluginFault}
	f.byKey[key] = mine
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.byKey, key)
		f.mu.Unlock()
		close(mine.done)
	}()
	mine.answer, mine.err = ask()
	return mine.answer, mine.err
}
