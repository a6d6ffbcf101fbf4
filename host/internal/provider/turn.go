package provider

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// turn waits until a call of the line may be made through the provider.
func (c connected) turn(ctx context.Context, of sso.Line) (done func(), err error) {
	name := lineName{c.route.name, of}
	c.slot.metrics.Waiting(c.slot.name, c.route.name, 1)
	done, err = c.slot.queue.enter(ctx, name, c.slot.limits.line(of), clientOf(ctx))
	c.slot.metrics.Waiting(c.slot.name, c.route.name, -1)
	if err == nil {
		return done, nil
	}
	inFlight, waiting := c.slot.queue.standing(name)
	if errors.Is(err, errQueueFull) || errors.Is(err, errTooLate) {
		c.refused(of, err, inFlight, waiting)
	}
	return nil, sdk.Unavailable("too_many_calls", "%w: %s of provider %s: %w, %d calls are in flight and %d wait",
		sso.ErrBusy, of, c.route.name, err, inFlight, waiting)
}

// refused counts a call that was not made, and tells the operator now and then:
// anybody can be refused, thousands of times in a second.
func (c connected) refused(of sso.Line, err error, inFlight, waiting int) {
	c.slot.metrics.Refused(c.slot.name, c.route.name)
	if since, say := c.route.busy.count(time.Now()); say {
		c.slot.logger.Warn("provider does not keep up, calls are refused: is it slow, or is this a flood?", "plugin", c.slot.name,
			"provider", c.route.name, "line", string(of), "error", err, "in_flight", inFlight, "waiting", waiting, "refused", since)
	}
}

// clientOf is for whom a call is made, of those who are served in turns. Who has an
// IPv6 address mostly has 2^64 of them (RFC 6177).
func clientOf(ctx context.Context) netip.Prefix {
	address := sso.ClientAddress(ctx).Unmap().WithZone("")
	prefix, err := address.Prefix(min(address.BitLen(), 64))
	if err != nil {
		return netip.Prefix{} // all that have no address are one client
	}
	return prefix
}

// seldom says of many events that some happened since it last said so.
type seldom struct {
	mu     sync.Mutex
	again  time.Time
	unsaid int
}

// sayAgain is how long an operator is not told the same again.
const sayAgain = 5 * time.Second

func (s *seldom) count(now time.Time) (since int, say bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaid++
	if now.Before(s.again) {
		return 0, false
	}
	since, s.unsaid, s.again = s.unsaid, 0, now.Add(sayAgain)
	return since, true
}
