package provider

import (
	"net/netip"
	"slices"
)

// line is where the calls of one kind wait for one provider. The lock of its queue
// guards it.
type line struct {
	name     lineName
	limits   lineLimits
	inFlight int
	waiting  int
	clients  []*client // with calls that wait, in the order in which they are served
}

// client is a client with the calls that it has waiting.
type client struct {
	from    netip.Prefix
	waiters []*waiter // in the order of their arrival
}

// waiter is a call that waits. It receives nil on turn when its turn comes, or the
// reason why it does not come.
type waiter struct {
	turn   chan error
	client *client
}

func newLine(name lineName, limits lineLimits) *line { return &line{name: name, limits: limits} }

// join puts a call into the line. When the line is full, the last call of the client
// with the most calls leaves: a client that floods the line loses its own places and no
// others. If all clients have equally many, the earlier calls stay.
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

// next takes out the call whose turn it is. Its client goes behind all others.
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

// remove takes out a call that no longer waits; false if it is not in the line.
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
