package provider

import (
	"net/netip"
	"slices"
)

// line is where the calls of one kind wait for one provider. It is guarded by the
// lock of its queue.
type line struct {
	name     lineName
	limits   lineLimits
	inFlight int
	waiting  int
	clients  []*client // those that wait, who is served next first
}

// client is whose calls are served by arrival.
type client struct {
	from    netip.Prefix
	waiters []*waiter // who came first, first
}

// waiter is a call that waits. Its turn gets nil, or the reason why it does not come.
type waiter struct {
	turn   chan error
	client *client
}

func newLine(name lineName, limits lineLimits) *line { return &line{name: name, limits: limits} }

// join puts a call into the line. When that is full, who came last of the client that
// has the most there has to go: a flood of one client costs that client its own
// places, and nobody else's. Where all have as many, those stay who were there.
func (l *line) join(from netip.Prefix) (*waiter, error) {
	mine := l.client(from)
	if l.waiting >= l.limits.waiting {
		most := slices.MaxFunc(l.clients, func(a, b *client) int { return len(a.waiters) - len(b.waiters) })
		if mine == most || len(most.waiters) <= 1 || mine != nil && len(most.waiters) <= len(mine.waiters)+1 {
			return nil, errQueueFull
		}
		last := most.waiters[len(most.waiters)-1]
		l.remove(last)
		last.turn <- errQueueFull
	}
	if mine == nil {
		mine = &client{from: from}
		l.clients = append(l.clients, mine)
	}
	w := &waiter{turn: make(chan error, 1), client: mine}
	mine.waiters = append(mine.waiters, w)
	l.waiting++
	return w, nil
}

func (l *line) client(from netip.Prefix) *client {
	for _, c := range l.clients {
		if c.from == from {
			return c
		}
	}
	return nil
}

// next takes out whose turn it is. Their client stands behind all others then.
func (l *line) next() *waiter {
	c := l.clients[0]
	w := c.waiters[0]
	c.waiters = c.waiters[1:]
	l.clients = l.clients[1:]
	if len(c.waiters) > 0 {
		l.clients = append(l.clients, c)
	}
	l.waiting--
	return w
}

// remove takes out who does not wait any more; false if they do not wait here.
func (l *line) remove(w *waiter) bool {
	i := slices.Index(w.client.waiters, w)
	if i < 0 {
		return false
	}
	w.client.waiters = slices.Delete(w.client.waiters, i, i+1)
	if len(w.client.waiters) == 0 {
		l.clients = slices.DeleteFunc(l.clients, func(c *client) bool { return c == w.client })
	}
	l.waiting--
	return true
}
