package codeflow

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/doorward/doorward/sdk"
)

// Renewals ensure that a refresh token is used only once. If it is single-use, a second
// use would end the session for everybody who shares it. If the provider accepted it and
// the response got lost on the way to the store, the next refresh needs that response.
//
// This is only a cache: in another process, the provider refuses the second use, and the
// end user signs in again.
type Renewals struct {
	now   func() time.Time
	life  context.Context // of the goroutines, until Close
	end   context.CancelFunc
	group sync.WaitGroup

	mu   sync.Mutex
	list map[[sha256.Size]byte]*renewal
}

type renewal struct {
	done   chan struct{} // closed when tokens and err are settled
	tokens Tokens
	err    error
	ended  time.Time
}

const (
	keepRenewal = 5 * time.Minute
	maxRenewals = 1000
)

// NewRenewals makes an empty cache.
func NewRenewals(now func() time.Time) *Renewals {
	life, end := context.WithCancel(context.Background())
	return &Renewals{now: now, life: life, end: end}
}

// Do renews, or waits for another caller's renewal, or returns the tokens of a recent
// renewal unless they are spent: with a reusable refresh token, the remembered tokens may
// be the ones that the session already has. Renew runs to its own end, even if the caller
// goes away.
func (r *Renewals) Do(ctx context.Context, refreshToken string, spent func(Tokens) bool, renew func(context.Context) (Tokens, error)) (Tokens, error) {
	key := sha256.Sum256([]byte(refreshToken))
	one, mine := r.join(key, spent)
	if mine {
		// The first caller may go away, but others wait for the response.
		r.group.Go(func() {
			tokens, err := renew(r.life)
			r.settle(key, one, tokens, err)
		})
	}
	select {
	case <-one.done:
		return one.tokens, one.err
	case <-ctx.Done():
		return Tokens{}, sdk.Unavailable(ReasonUnreachable, "waiting for new tokens: %w", context.Cause(ctx))
	}
}

// Close cancels the renewals under way, and waits for their end.
func (r *Renewals) Close() {
	r.end()
	r.group.Wait()
}

// join finds the renewal of a token, or begins one.
func (r *Renewals) join(key [sha256.Size]byte, spent func(Tokens) bool) (one *renewal, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one, ok := r.list[key]; ok && one.serves(spent, r.now()) {
		return one, false
	}
	if r.list == nil || len(r.list) >= maxRenewals {
		r.sweep(r.now())
	}
	one = &renewal{done: make(chan struct{})}
	r.list[key] = one
	return one, true
}

// serves reports whether to wait for the renewal, or to use its tokens. Those in the list
// that have ended were successful. It is called with mu held.
func (o *renewal) serves(spent func(Tokens) bool, now time.Time) bool {
	return o.ended.IsZero() || now.Sub(o.ended) < keepRenewal && !spent(o.tokens)
}

// sweep drops ended renewals: first the old ones, and if that is not enough, all.
func (r *Renewals) sweep(now time.Time) {
	kept := map[[sha256.Size]byte]*renewal{}
	for key, one := range r.list {
		if one.ended.IsZero() || now.Sub(one.ended) < keepRenewal {
			kept[key] = one
		}
	}
	if len(kept) >= maxRenewals {
		for key, one := range kept {
			if !one.ended.IsZero() {
				delete(kept, key)
			}
		}
	}
	r.list = kept
}

// settle notifies waiting callers. It forgets a failure, so that the next refresh tries
// again.
func (r *Renewals) settle(key [sha256.Size]byte, one *renewal, tokens Tokens, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one.tokens, one.err, one.ended = tokens, err, r.now()
	if err != nil && r.list[key] == one {
		delete(r.list, key)
	}
	close(one.done)
}
