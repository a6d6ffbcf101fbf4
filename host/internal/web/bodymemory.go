package web

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/doorward/doorward/sdk"
)

// errOverloaded means that the requests of the moment need more memory than there is. It
// passes.
var errOverloaded = errors.New("too many large requests at the same time")

// Limits of large request bodies.
const (
	// uncountedBody and less is not counted: a request can hold as much in its header, and
	// a prompt or a code must get through however many large bodies are sent.
	uncountedBody = sdk.DefaultInbound

	// largeBody and more can take only half of the room, so that the responses of ordinary
	// providers, of about 20 KB, still get through.
	largeBody = 64 << 10

	defaultBodies  = 16 << 20
	maxBodyWait    = 5 * time.Second // less than readTimeout, which includes reading the body
	maxBodyWaiters = 1024
)

// bodyMemory limits the bytes of request bodies that are held at the same time. A body
// takes several times its size on its way to a plugin. One client can take at most half of
// the room. Bodies that do not fit wait for a short time, in order of arrival.
type bodyMemory struct {
	total int64

	mu       sync.Mutex
	held     int64
	byClient map[string]int64
	waiting  []*bodyWaiter
}

type bodyWaiter struct {
	client string
	size   int64
	ready  chan struct{} // closed when there is room
}

// newBodyMemory makes room for that many bytes; 0 is a default.
func newBodyMemory(total int64) *bodyMemory {
	if total == 0 {
		total = defaultBodies
	}
	return &bodyMemory{total: max(total, 4*sdk.MaxInbound), byClient: map[string]int64{}}
}

// take returns when there is room for a body of that client, with a function that gives the
// room back. It returns errOverloaded if there is no room within maxBodyWait, and the error
// of the context if that ends first.
func (b *bodyMemory) take(ctx context.Context, client string, size int64) (release func(), err error) {
	if size <= uncountedBody {
		return func() {}, nil
	}
	w := &bodyWaiter{client: client, size: size, ready: make(chan struct{})}
	if !b.enqueue(w) {
		return nil, errOverloaded
	}
	timer := time.NewTimer(maxBodyWait)
	defer timer.Stop()
	select {
	case <-w.ready:
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = errOverloaded
	}
	if err != nil && b.dequeue(w) {
		return nil, err
	}
	return func() { b.giveBack(w) }, nil
}

// enqueue takes the room at once or makes the waiter wait. It reports false if too many are
// already waiting.
func (b *bodyMemory) enqueue(w *bodyWaiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) >= maxBodyWaiters {
		return false
	}
	b.waiting = append(b.waiting, w)
	b.admit()
	return true
}

// dequeue reports whether w was still waiting.
func (b *bodyMemory) dequeue(w *bodyWaiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiting, w)
	if i < 0 {
		return false
	}
	b.waiting = slices.Delete(b.waiting, i, i+1)
	return true
}

func (b *bodyMemory) giveBack(w *bodyWaiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= w.size
	if b.byClient[w.client] -= w.size; b.byClient[w.client] == 0 {
		delete(b.byClient, w.client)
	}
	b.admit()
}

// admit gives room to those that wait, in order of arrival; b.mu is held. A body that does
// not fit does not block smaller ones or those of other clients.
func (b *bodyMemory) admit() {
	b.waiting = slices.DeleteFunc(b.waiting, func(w *bodyWaiter) bool {
		if !b.hasRoom(w) {
			return false
		}
		b.held += w.size
		b.byClient[w.client] += w.size
		close(w.ready)
		return true
	})
}

func (b *bodyMemory) hasRoom(w *bodyWaiter) bool {
	room := b.total
	if w.size >= largeBody {
		room /= 2
	}
	return b.held+w.size <= room && b.byClient[w.client]+w.size <= room/2
}
