package provider

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// tally counts what is told of calls that wait.
type tally struct {
	noMetrics
	waiting, refused atomic.Int64
}

func (c *tally) Waiting(_, _ string, change int) { c.waiting.Add(int64(change)) }
func (c *tally) Refused(string, string)          { c.refused.Add(1) }

// call makes one call when it is its turn.
func (h host) call(ctx context.Context, provider string, line sso.Line, hint string) error {
	m, done, err := h.Mechanism(ctx, provider, line)
	if err != nil {
		return err
	}
	defer done()
	_, err = m.Begin(ctx, sdk.BeginRequest{State: "s", LoginHint: hint})
	return err
}

// hangAll makes as many calls that do not end as may be in flight, until the
// function that it returns is called.
func (h host) hangAll(t *testing.T, provider string, line sso.Line, calls int) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	before := h.inFlight(provider)
	for range calls {
		group.Go(func() { _ = h.call(ctx, provider, line, "hang") })
	}
	eventually(t, "the calls to be in flight", func() bool { return h.inFlight(provider) == before+calls })
	return func() { cancel(); group.Wait() }
}

// A provider that hangs costs its own callers their time, and nobody else anything.
func TestProviderThatHangsLeavesOthersFree(t *testing.T) {
	limits := testLimits()
	limits.logins = lineLimits{own: 1, most: 4, waiting: 8, patience: 20 * time.Millisecond}
	limits.shared = 6 // two that hang hold all of it
	counts := &tally{}
	h := startHost(t, Config{Binaries: binaries(t, "fake"), limits: limits, Metrics: counts, Providers: []Configured{
		configured("fake", "hangs"), configured("fake", "hangs-too"), configured("fake", "lives"),
	}})
	end, endOther := h.hangAll(t, "hangs", sso.LineLogins, 4), h.hangAll(t, "hangs-too", sso.LineLogins, 4)
	for range 3 {
		err := h.call(t.Context(), "hangs", sso.LineLogins, "")
		if !errors.Is(err, sso.ErrBusy) || !errors.Is(err, sdk.ErrUnavailable) || sdk.ReasonOf(err) != "too_many_calls" {
			t.Errorf("one more: %v", err)
		}
		if err := h.call(t.Context(), "lives", sso.LineLogins, ""); err != nil {
			t.Errorf("through another provider: %v", err)
		}
		for _, line := range []sso.Line{sso.LineSessions, sso.LineOthers} {
			if err := h.call(t.Context(), "hangs", line, ""); err != nil {
				t.Errorf("%s of the same: %v", line, err)
			}
		}
	}
	if refused, waiting := counts.refused.Load(), counts.waiting.Load(); refused != 3 || waiting != 0 {
		t.Errorf("%d were refused, want 3, and %d wait", refused, waiting)
	}
	// Anybody can cause refusals, so they are one line.
	h.logs.await(t, "does not keep up")
	if n := strings.Count(h.logs.String(), "does not keep up"); n != 1 || !strings.Contains(h.logs.String(), `"in_flight":4`) {
		t.Errorf("%d lines for the operator, want 1:\n%s", n, h.logs)
	}
	waits := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	h.supervisors["fake"].limits.logins.patience = long
	go func() { waits <- h.call(ctx, "hangs", sso.LineLogins, "") }()
	eventually(t, "it to wait", func() bool { return counts.waiting.Load() == 1 })
	cancel()
	if err := <-waits; !errors.Is(err, sso.ErrBusy) || !errors.Is(err, context.Canceled) {
		t.Errorf("who does not wait: %v", err)
	}
	if refused := counts.refused.Load(); refused != 3 {
		t.Errorf("who does not wait counts as refused")
	}
	end()
	endOther()
	h.mustBegin(t, "hangs")
}

// What anybody may send without signing in cannot keep people from that, nor can
// logins keep those from it who are signed in.
func TestLinesDoNotTakeEachOthersPlaces(t *testing.T) {
	limits := testLimits()
	h := startHost(t, Config{Binaries: binaries(t, "fake"), limits: limits, Providers: []Configured{configured("fake", "a")}})
	lines := []sso.Line{sso.LineLogins, sso.LineSessions, sso.LineOthers}
	for _, full := range lines {
		end := h.hangAll(t, "a", full, limits.line(full).most)
		for _, line := range lines {
			if line == full {
				continue
			}
			if err := h.call(t.Context(), "a", line, ""); err != nil {
				t.Errorf("%s while %s are at their limit: %v", line, full, err)
			}
		}
		end()
	}
}

// However many come at once, a provider that keeps up serves them all.
func TestManyAtOnceAreAllServed(t *testing.T) {
	for _, many := range []int{100, 400} {
		t.Run(fmt.Sprint(many), func(t *testing.T) {
			counts := &tally{}
			h := startHost(t, Config{Binaries: binaries(t, "fake"), Metrics: counts, Providers: []Configured{configured("fake", "a")}})
			ctx := sso.WithRequest(t.Context(), sso.Request{Address: netip.MustParseAddr("192.0.2.1")})
			var group sync.WaitGroup
			for range many {
				group.Go(func() {
					if err := h.call(ctx, "a", sso.LineLogins, "take a moment"); err != nil {
						t.Errorf("one of %d at once: %v", many, err)
					}
				})
			}
			group.Wait()
			if n := counts.refused.Load(); n != 0 {
				t.Errorf("%d of %d were refused", n, many)
			}
		})
	}
}

func TestWhoIsOneClient(t *testing.T) {
	for _, tc := range []struct{ address, want string }{
		{"192.0.2.1", "192.0.2.1/32"},
		{"::ffff:192.0.2.1", "192.0.2.1/32"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::/64"},
	} {
		if got := clientOf(sso.WithRequest(t.Context(), sso.Request{Address: netip.MustParseAddr(tc.address)})); got.String() != tc.want {
			t.Errorf("%s counts as %s, want %s", tc.address, got, tc.want)
		}
	}
	if got := clientOf(t.Context()); got != (netip.Prefix{}) {
		t.Errorf("nobody's address counts as %s", got)
	}
}

func TestOperatorIsToldSeldom(t *testing.T) {
	var s logThrottle
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var said []int
	for i := range 1000 {
		if since, say := s.count(now.Add(time.Duration(i) * 10 * time.Millisecond)); say {
			said = append(said, since)
		}
	}
	if len(said) != 2 || said[0] != 1 || said[1] != 500 {
		t.Errorf("of 1000 events in 10 s it told %v", said)
	}
}
