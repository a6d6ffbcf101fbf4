package main

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// renewals see to it that a refresh token is used once. Where it is good for one
// use, a second one would end the session of everybody who shares it; and where the
// provider took it and the profile could not be read then, the next refresh needs
// what came of it.
//
// A cache is all that this is: in another process, the second use is refused by the
// provider, and the end user signs in again.
type renewals struct {
	life  context.Context // of the goroutines, until close
	end   context.CancelFunc
	group sync.WaitGroup

	mu   sync.Mutex
	list map[[sha256.Size]byte]*renewal
}

type renewal struct {
	done   chan struct{} // closed when tokens and err are settled
	tokens codeflow.Tokens
	err    error
	ended  time.Time
}

const (
	keepRenewal = 5 * time.Minute
	maxRenewals = 1000
)

// do renews, or waits for whoever does, or returns what came of it a moment ago.
// Spent is the access token that has ended: with a refresh token that is good for
// many uses, it may be the one that is remembered, and of no use any more.
func (r *renewals) do(ctx context.Context, m *mechanism, refreshToken, spent string) (codeflow.Tokens, error) {
	key := sha256.Sum256([]byte(refreshToken))
	one, mine := r.join(key, spent, m.now())
	if mine {
		// Whoever came first may go away; others wait for the answer.
		r.group.Go(func() {
			own, cancel := m.deadline(r.life)
			defer cancel()
			tokens, err := m.renew(own, refreshToken)
			r.settle(key, one, tokens, err, m.now())
		})
	}
	select {
	case <-one.done:
		return one.tokens, one.err
	case <-ctx.Done():
		return codeflow.Tokens{}, sdk.Unavailable(codeflow.ReasonUnreachable, "waiting for new tokens: %w", context.Cause(ctx))
	}
}

// close breaks off what is under way, and waits for its end.
func (r *renewals) close() {
	r.end()
	r.group.Wait()
}

// join finds the renewal of a token, or begins one.
func (r *renewals) join(key [sha256.Size]byte, spent string, now time.Time) (one *renewal, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one, ok := r.list[key]; ok && one.serves(spent, now) {
		return one, false
	}
	if r.list == nil || len(r.list) >= maxRenewals {
		r.sweep(now)
	}
	one = &renewal{done: make(chan struct{})}
	r.list[key] = one
	return one, true
}

// serves reports whether to wait for the renewal, or to take what came of it. Those
// in the list that have ended have brought tokens. It is called with mu held.
func (o *renewal) serves(spent string, now time.Time) bool {
	return o.ended.IsZero() || now.Sub(o.ended) < keepRenewal && o.tokens.AccessToken != spent
}

// sweep drops what has ended: all that is old, and if that is not enough, all.
func (r *renewals) sweep(now time.Time) {
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

// settle tells who waits. A failure is forgotten, so that the next refresh tries
// again.
func (r *renewals) settle(key [sha256.Size]byte, one *renewal, tokens codeflow.Tokens, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one.tokens, one.err, one.ended = tokens, err, now
	if err != nil {
		delete(r.list, key)
	}
	close(one.done)
}
