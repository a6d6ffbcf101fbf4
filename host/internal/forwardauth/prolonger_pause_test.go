package forwardauth

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
)

// still is a Prolonger that does not run, and its clock.
func still() (p *Prolonger, now *time.Time) {
	now = new(time.Time)
	*now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	return NewProlonger(nil, 5*time.Minute, func() time.Time { return *now }, hclog.NewNullLogger()), now
}

func offer(p *Prolonger, provider, session string) {
	p.Offer(sso.Session{ID: session, Provider: provider}, sso.Token("token of "+session))
}

// outcome completes the first waiting session with a result.
func outcome(t *testing.T, p *Prolonger, err error) {
	t.Helper()
	next, ok := p.take()
	if !ok {
		t.Fatal("nothing waits")
	}
	p.done(context.Background(), next, err)
}

// A provider that cannot be asked is left alone, for longer each time, while others
// continue.
func TestPauses(t *testing.T) {
	for name, err := range map[string]error{"too many wait": sso.ErrBusy, "it is down": errors.New("down")} {
		t.Run(name, func(t *testing.T) {
			p, now := still()
			for n := range 10 {
				for i := range 5 {
					offer(p, "corp", fmt.Sprint(i))
				}
				outcome(t, p, err)
				if len(p.waiting) != 0 {
					t.Fatalf("%d wait for it", len(p.waiting))
				}
				most, length := min(time.Second<<n, time.Minute), time.Duration(0)
				for ; len(p.waiting) == 0; length += 10 * time.Millisecond {
					*now = now.Add(10 * time.Millisecond)
					offer(p, "corp", "0") // which need not wait for an interval
				}
				if length < most/2 || length > most+10*time.Millisecond {
					t.Errorf("pause %d is of %v, at most %v", n, length, most)
				}
				offer(p, "other", "other")
				if n == 0 && len(p.waiting) != 2 {
					t.Error("another provider is left alone, too")
				}
				p.leave("other")
			}
			outcome(t, p, nil)
			if len(p.pauses) != 0 || len(p.asking) != 0 {
				t.Errorf("afterwards: %v, %v", p.pauses, p.asking)
			}
		})
	}
}

// Sessions of a provider that were in progress when one failed do not make its pause
// longer.
func TestPausesAreOfOneFailure(t *testing.T) {
	p, _ := still()
	for i := range 4 {
		offer(p, "corp", fmt.Sprint(i))
	}
	var underWay []offered
	for range 4 {
		next, _ := p.take()
		underWay = append(underWay, next)
	}
	for _, next := range underWay {
		p.done(context.Background(), next, sso.ErrBusy)
	}
	if length := p.pauses["corp"].length; length != firstPause {
		t.Errorf("the pause is of %v", length)
	}
}

// Dropped tokens are no longer anywhere in memory, and the number of remembered sessions
// is bounded.
func TestProlongerKeepsLittle(t *testing.T) {
	p, now := still()
	for i := range 100 {
		offer(p, "corp", fmt.Sprint(i))
	}
	for range 10 {
		outcome(t, p, nil)
	}
	*now = now.Add(waitAtMost)
	p.mu.Lock()
	p.dropOld(*now)
	p.mu.Unlock()
	for i, o := range p.waiting[:cap(p.waiting)] {
		if o.token != "" {
			t.Fatalf("token %d is kept", i)
		}
	}
	for i := range 3 * maxTried {
		p.tried.lately(fmt.Sprint("many ", i), *now, time.Hour)
		p.tried.add(fmt.Sprint("many ", i), *now)
	}
	if n := len(p.tried.young) + len(p.tried.old); n > maxTried {
		t.Errorf("%d sessions are remembered", n)
	}
}
