package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/host/internal/admin"
	"github.com/doorward/doorward/host/internal/people"
)

const (
	followEvery = time.Second

	// An event can appear later than one with a higher ID, because its transaction took
	// longer. So each look goes back by twice the time that a transaction may take.
	followBack = 20 * time.Second
)

// follower shows events as they happen.
type follower struct {
	operator *operator
	req      people.ListEvents
	seen     map[int]time.Time // events after req.After that were shown, and when
}

func newFollower(o *operator, req people.ListEvents) *follower {
	return &follower{operator: o, req: req, seen: map[int]time.Time{}}
}

// run shows the events that there are, and new ones, until ctx is done. If the host
// restarts, it waits for it.
func (f *follower) run(ctx context.Context) error {
	if err := f.look(ctx); err != nil {
		return err
	}
	f.req.Last, f.req.Limit = false, people.MaxLimit
	each := time.NewTicker(followEvery)
	defer each.Stop()
	for {
		select {
		case <-each.C:
		case <-ctx.Done():
			return nil
		}
		err := f.look(ctx)
		if _, refused := errors.AsType[*admin.Refusal](err); refused && ctx.Err() == nil {
			return err
		}
	}
}

// look reads all pages that may have new events.
func (f *follower) look(ctx context.Context) error {
	req := f.req
	for {
		answer, err := f.operator.client.Call(ctx, "listEvents", req)
		if err != nil {
			return err
		}
		events, err := admin.Decode[[]people.Event](answer)
		if err != nil {
			return err
		}
		if err := f.show(events, time.Now()); err != nil {
			return err
		}
		if req.Cursor = answer.Next; req.Cursor == "" {
			f.settle(time.Now())
			return nil
		}
	}
}

func (f *follower) show(events []people.Event, now time.Time) error {
	if f.req.Last && len(events) > 0 {
		f.req.After = max(f.req.After, events[0].ID-1) // earlier events are not wanted
	}
	for _, e := range events {
		if _, shown := f.seen[e.ID]; shown {
			continue
		}
		f.seen[e.ID] = now
		if now.Sub(e.At) > followBack {
			f.seen[e.ID] = e.At // old enough that no earlier event can still appear
		}
		if err := f.print(e); err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) print(e people.Event) error {
	if !f.operator.asJSON {
		_, err := fmt.Fprintln(f.operator.out, eventLine(e))
		return err
	}
	return writeJSON(f.operator.out, e, "")
}

// settle advances the point at which the next look starts.
func (f *follower) settle(now time.Time) {
	for id, at := range f.seen {
		if now.Sub(at) > followBack {
			f.req.After = max(f.req.After, id)
		}
	}
	for id := range f.seen {
		if id <= f.req.After {
			delete(f.seen, id)
		}
	}
}
