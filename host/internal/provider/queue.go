package provider

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// queue makes the calls to one plugin wait for their turn. Each line of each provider
// has its own places, which no other line takes, and can take shared places beyond
// those. So a provider that hangs holds at most its share, and when several of them
// hold all shared places, every other provider still has its own.
//
// It has no goroutine: callers wait in their own.
type queue struct {
	mu     sync.Mutex
	shared int // places that are free for any line
	lines  map[lineName]*line
	served []*line // lines with calls that wait, in the order in which they get shared places
}

type lineName struct {
	provider string
	line     sso.Line
}

func newQueue(shared int) *queue { return &queue{shared: shared, lines: map[lineName]*line{}} }

// Why a caller that waited did not get its turn.
var (
	errQueueFull = errors.New("the queue is full")
	errTooLate   = errors.New("its turn did not come in time")
)

// enter returns when it is the caller's turn. The calls of one client are served in the
// order of their arrival, and clients take turns. A caller whose context is done leaves
// at once. The error is errQueueFull, errTooLate, or the error of the context; without
// an error, the caller calls leave when its call has ended.
func (q *queue) enter(ctx context.Context, name lineName, limits lineLimits, client netip.Prefix) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q.mu.Lock()
	l := q.line(name, limits)
	leave = sync.OnceFunc(func() { q.leave(l) })
	// While calls wait there is no free place: each place that becomes free goes to one
	// of them at once.
	if q.take(l) {
		q.mu.Unlock()
		return leave, nil
	}
	w, err := l.join(client)
	if err != nil {
		q.mu.Unlock()
		return nil, err
	}
	if l.waiting == 1 {
		q.served = append(q.served, l)
	}
	q.mu.Unlock()
	if err := q.await(ctx, l, w); err != nil {
		return nil, err
	}
	return leave, nil
}

func (q *queue) await(ctx context.Context, l *line, w *waiter) error {
	timer := time.NewTimer(l.limits.patience)
	defer timer.Stop()
	var err error
	select {
	case err := <-w.turn:
		return err
	case <-timer.C:
		err = errTooLate
	case <-ctx.Done():
		err = ctx.Err()
		if errors.Is(err, context.DeadlineExceeded) {
			err = errTooLate
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !l.remove(w) { // its turn was decided a moment before
		return <-w.turn
	}
	q.tidy(l)
	return err
}

// leave gives a place back and hands it to the next caller.
func (q *queue) leave(l *line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l.inFlight--
	if l.inFlight < l.limits.own {
		q.serve(l)
	} else {
		q.shared++
		q.share()
	}
	q.tidy(l)
}

// share gives free shared places to the lines with calls that wait. A line that got one
// goes behind the others.
func (q *queue) share() {
	for range len(q.served) {
		if q.shared == 0 || len(q.served) == 0 {
			return
		}
		next := q.served[0]
		q.served = append(q.served[1:], next)
		q.serve(next)
	}
}

// serve gives the next call in a line its turn, if there is a place.
func (q *queue) serve(l *line) {
	if l.waiting == 0 || !q.take(l) {
		return
	}
	l.next().turn <- nil
	q.tidy(l)
}

// take takes a place for a call of the line, if one is free.
func (q *queue) take(l *line) bool {
	switch {
	case l.inFlight < l.limits.own:
	case l.inFlight < l.limits.most && q.shared > 0:
		q.shared--
	default:
		return false
	}
	l.inFlight++
	return true
}

func (q *queue) line(name lineName, limits lineLimits) *line {
	l, ok := q.lines[name]
	if !ok {
		l = newLine(name, limits)
		q.lines[name] = l
	}
	return l
}

// tidy takes a line without waiting calls out of served, and forgets an unused line.
func (q *queue) tidy(l *line) {
	if l.waiting > 0 {
		return
	}
	for i, served := range q.served {
		if served == l {
			q.served = append(q.served[:i:i], q.served[i+1:]...)
			break
		}
	}
	if l.inFlight == 0 && q.lines[l.name] == l {
		delete(q.lines, l.name)
	}
}

// counts returns how many calls of a line are in flight and how many wait.
func (q *queue) counts(name lineName) (inFlight, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l, ok := q.lines[name]; ok {
		return l.inFlight, l.waiting
	}
	return 0, 0
}
