package forwardauth

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
)

const (
	// There are this many prolongers in total, and at most prolongersOfOne for a
	// provider, so that a slow provider does not delay the sessions of others, or the
	// users who wait for it.
	prolongers            = 16
	prolongersPerProvider = 4

	maxWaiting = 1024             // sessions
	waitAtMost = 10 * time.Second // then its token is dropped; the next check offers it again

	// maxTried bounds the sessions that are remembered because they were tried recently.
	// If there are more, some are tried again sooner, and Service.Prolong finds that
	// there is nothing to do.
	maxTried = 100_000

	firstPause, lastPause = time.Second, time.Minute
)

// A Prolonger prolongs sessions in the background. Checks offer it the sessions that are
// due, and continue: no request calls a provider, or waits for one.
type Prolonger struct {
	prolong func(ctx context.Context, token sso.Token) error
	every   time.Duration // between two tries of a session
	now     func() time.Time
	quiet   *limitedLogger

	mu      sync.Mutex
	waiting []offered // oldest first
	wake    chan struct{}
	tried   recentTries
	pauses  map[string]pause // by provider
	asking  map[string]int   // prolongers, by provider
	stopped bool
}

// offered is a session that is due, with its token, which is stored nowhere else.
type offered struct {
	session, provider string
	token             sso.Token
	at                time.Time
}

// pause is how long a provider that cannot be asked is left alone.
type pause struct {
	until  time.Time
	length time.Duration // maximum; the next pause is twice as long
}

// NewProlonger returns a Prolonger that calls prolong for a session at most once in that
// time, unless the provider could not be asked.
func NewProlonger(prolong func(ctx context.Context, token sso.Token) error, every time.Duration, now func() time.Time, logger hclog.Logger) *Prolonger {
	return &Prolonger{
		prolong: prolong, every: every, now: now, quiet: newLimitedLogger(logger, now),
		waiting: make([]offered, 0, maxWaiting), wake: make(chan struct{}, prolongers), pauses: map[string]pause{}, asking: map[string]int{},
	}
}

// Offer offers a session that is due. It does not wait: if there is no room, the session
// is left out, and the next check offers it again.
func (p *Prolonger) Offer(session sso.Session, token sso.Token) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped || p.tried.lately(session.ID, now, p.every) {
		return
	}
	p.dropOld(now)
	if len(p.waiting) == maxWaiting || now.Before(p.pauses[session.Provider].until) {
		return
	}
	p.tried.add(session.ID, now)
	p.waiting = append(p.waiting, offered{session.ID, session.Provider, token, now})
	select {
	case p.wake <- struct{}{}:
	default: // all are awake
	}
}

// dropOld drops the tokens of sessions that have waited too long. It is called with mu
// held.
func (p *Prolonger) dropOld(now time.Time) {
	n := 0
	for n < len(p.waiting) && now.Sub(p.waiting[n].at).Abs() >= waitAtMost {
		p.tried.remove(p.waiting[n].session)
		n++
	}
	p.removeAt(0, n)
}

// removeAt clears the removed tokens in the array.
func (p *Prolonger) removeAt(i, n int) {
	kept := append(p.waiting[:i], p.waiting[i+n:]...)
	clear(p.waiting[len(kept):])
	p.waiting = kept
}

// Run prolongs sessions until ctx is done. Running calls finish: a provider may have
// replaced a refresh token that works only once.
func (p *Prolonger) Run(ctx context.Context) {
	var running sync.WaitGroup
	for range prolongers {
		running.Go(func() { p.work(ctx) })
	}
	p.forget(ctx)
	running.Wait()
}

// forget drops tokens that nobody takes, even if no further check comes.
func (p *Prolonger) forget(ctx context.Context) {
	each := time.NewTicker(waitAtMost / 2)
	defer each.Stop()
	for {
		select {
		case <-each.C:
			p.mu.Lock()
			p.dropOld(p.now())
			p.mu.Unlock()
		case <-ctx.Done():
			p.mu.Lock()
			defer p.mu.Unlock()
			p.stopped, p.waiting = true, nil
			return
		}
	}
}

func (p *Prolonger) work(ctx context.Context) {
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			return
		}
		for ctx.Err() == nil {
			next, ok := p.take()
			if !ok {
				break
			}
			p.done(ctx, next, p.try(ctx, next))
		}
	}
}

// take returns the first session whose provider may be asked.
func (p *Prolonger) take() (next offered, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropOld(p.now())
	for i, next := range p.waiting {
		if p.asking[next.provider] == prolongersPerProvider {
			continue
		}
		p.removeAt(i, 1)
		p.asking[next.provider]++
		return next, true
	}
	return offered{}, false
}

var errPanic = errors.New("panic")

// try recovers from a panic: nothing else prolongs sessions.
func (p *Prolonger) try(ctx context.Context, next offered) (err error) {
	defer func() {
		if what := recover(); what != nil {
			p.quiet.error("panic", "panic while prolonging a session", "type", fmt.Sprintf("%T", what), "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return p.prolong(ctx, next.token)
}

// done handles the result for a session. A provider that cannot be asked, or cannot say,
// is left alone for a while, and longer each time, so that not all waiting sessions come
// at once.
func (p *Prolonger) done(ctx context.Context, tried offered, err error) {
	passing := errors.Is(err, sso.ErrSessionNotNow) || errors.Is(err, sso.ErrUserInactive) || ctx.Err() != nil
	switch {
	case err == nil || passing:
	case errors.Is(err, sso.ErrSessionInvalid):
		p.quiet.logger.Info("forward-auth: a session has ended", "session", tried.session, "provider", tried.provider, "error", err)
	default:
		p.quiet.warn("prolonging "+tried.provider, "sessions cannot be prolonged", "provider", tried.provider, "error", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asking[tried.provider]--; p.asking[tried.provider] == 0 {
		delete(p.asking, tried.provider)
	}
	switch {
	case err == nil:
		delete(p.pauses, tried.provider)
	case passing || errors.Is(err, sso.ErrSessionInvalid):
	default:
		p.tried.remove(tried.session)
		p.pause(tried.provider)
	}
}

// pause is called with mu held.
func (p *Prolonger) pause(provider string) {
	now, last := p.now(), p.pauses[provider]
	if now.Before(last.until) {
		return // another call has noticed already
	}
	length := min(max(2*last.length, firstPause), lastPause)
	p.pauses[provider] = pause{now.Add(length/2 + rand.N(length/2)), length} //nolint:gosec // guessing it is useless
	p.leave(provider)
}

// leave drops the sessions that wait for a provider.
func (p *Prolonger) leave(provider string) {
	kept := p.waiting[:0]
	for _, o := range p.waiting {
		if o.provider == provider {
			p.tried.remove(o.session)
			continue
		}
		kept = append(kept, o)
	}
	clear(p.waiting[len(kept):])
	p.waiting = kept
}
