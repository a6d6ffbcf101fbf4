package provider

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// turn waits until a call of the line may be made to the provider.
func (h *handle) turn(ctx context.Context, of sso.Line) (done func(), err error) {
	name := lineName{h.name, of}
	h.backend.metrics.Waiting(h.backend.name, h.name, 1)
	done, err = h.backend.queue.enter(ctx, name, h.backend.limits.line(of), clientOf(ctx))
	h.backend.metrics.Waiting(h.backend.name, h.name, -1)
	if err == nil {
		return done, nil
	}
	inFlight, waiting := h.backend.queue.counts(name)
	if errors.Is(err, errQueueFull) || errors.Is(err, errTooLate) {
		h.refused(of, err, inFlight, waiting)
	}
	return nil, sdk.Unavailable("too_many_calls", "%w: %s of provider %s: %w, %d calls are in flight and %d wait",
		sso.ErrBusy, of, h.name, err, inFlight, waiting)
}

// refused counts a call that was not made, and logs refusals at a limited rate: anyone
// can cause thousands of them a second.
func (h *handle) refused(of sso.Line, err error, inFlight, waiting int) {
	h.backend.metrics.Refused(h.backend.name, h.name)
	if since, log := h.refusals.count(time.Now()); log {
		h.backend.logger.Warn("provider does not keep up and calls are refused: is it slow, or is this a flood?", "plugin", h.backend.name,
			"provider", h.name, "line", string(of), "error", err, "in_flight", inFlight, "waiting", waiting, "refused", since)
	}
}

// clientOf identifies the client of a call; clients are served in turns. A client with
// an IPv6 address usually has 2^64 of them (RFC 6177).
func clientOf(ctx context.Context) netip.Prefix {
	address := sso.ClientAddress(ctx).Unmap().WithZone("")
	prefix, err := address.Prefix(min(address.BitLen(), 64))
	if err != nil {
		return netip.Prefix{} // all calls without an address count as one client
	}
	return prefix
}
