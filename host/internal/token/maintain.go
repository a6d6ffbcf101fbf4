package token

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// readBound is how long a request that needs no key of now waits for the store.
const readBound = 2 * time.Second

// Maintain makes a key if it is time to, and deletes those that are of no use any
// more. Somebody must call it each minute or so, and not in a request: to make a key
// for RS256 takes a while.
func (t *Tokens) Maintain(ctx context.Context) error {
	r, err := t.reread(ctx)
	if err != nil {
		return err
	}
	if t.isNeeded(r) {
		if r, err = t.addKey(ctx, t.isNeeded, sso.ActorHost); err != nil {
			return err
		}
	}
	for _, k := range r.stored {
		if !k.retired {
			continue
		}
		if err := t.config.Keys.DeleteSigningKey(ctx, k.ID, t.event(ctx, sso.EventSigningKeyRemoved, sso.ActorHost, sso.ReasonScheduled, k.ID)); err != nil {
			return fmt.Errorf("deleting retired signing key %q: %w", k.ID, err)
		}
	}
	return nil
}

func (t *Tokens) isNeeded(r *ring) bool { return r.needsKey(t.config.Algorithm, t.config.Now()) }

// lacksAny reports whether there is no key to sign with. One from far in the future,
// made while the clock was wrong, is none.
func (t *Tokens) lacksAny(r *ring) bool {
	now := t.config.Now()
	return !slices.ContainsFunc(r.keys, func(k *key) bool { return k.created.Sub(now) < rotateAfter })
}

// forSigning returns keys to sign with. It fails if they cannot be read: who cannot
// reach the store cannot log in anybody (L10). It makes a key only if there is none
// whatever.
func (t *Tokens) forSigning(ctx context.Context) (*ring, error) {
	r := t.ring.Load()
	if !r.stale(t.config.Now()) && !t.lacksAny(r) || !t.loading.CompareAndSwap(false, true) {
		return r, nil
	}
	defer t.loading.Store(false)
	return t.readToSign(ctx)
}

func (t *Tokens) readToSign(ctx context.Context) (*ring, error) {
	r, err := t.reread(ctx)
	if err != nil || !t.lacksAny(r) {
		return r, err
	}
	return t.addKey(ctx, t.lacksAny, sso.ActorHost)
}

// current returns keys to verify with and to publish. It writes nothing, since
// anybody may ask for the JWKS, and asks a store that fails once a second. If the
// store is away, the keys that we know stay good: whether a session still exists is
// checked in the store anyway.
func (t *Tokens) current(ctx context.Context) *ring {
	r, now := t.ring.Load(), t.config.Now()
	if !r.stale(now) || t.failedLately(now) || !t.loading.CompareAndSwap(false, true) {
		return r
	}
	defer t.loading.Store(false)
	ctx, cancel := context.WithTimeout(ctx, readBound)
	defer cancel()
	fresh, err := t.reread(ctx)
	if err != nil {
		t.failed.Store(&now)
		return r
	}
	t.failed.Store(nil)
	return fresh
}

func (t *Tokens) failedLately(now time.Time) bool {
	failed := t.failed.Load()
	return failed != nil && now.Sub(*failed).Abs() < rereadAfter
}

// addKey makes a key and stores it, if it is still needed by then: another node may
// have been faster.
func (t *Tokens) addKey(ctx context.Context, needed func(*ring) bool, by sso.ActorKind) (*ring, error) {
	k, err := newKey(t.seal, t.config.Algorithm, t.config.Now())
	if err != nil {
		return nil, err
	}
	if r, err := t.reread(ctx); err != nil || !needed(r) {
		return r, err
	}
	reason := "" // the operator has theirs
	if by == sso.ActorHost {
		reason = sso.ReasonScheduled
	}
	if err := t.config.Keys.AddSigningKey(ctx, k, t.event(ctx, sso.EventSigningKeyAdded, by, reason, k.ID)); err != nil {
		return nil, fmt.Errorf("storing a signing key: %w", err)
	}
	return t.reread(ctx)
}

// reread makes what is in the store our view, unless a view that was read later is
// there already: else a key that was just deleted would be back.
func (t *Tokens) reread(ctx context.Context) (*ring, error) {
	turn, now := t.turns.Add(1), t.config.Now()
	stored, err := t.config.Keys.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	for {
		before := t.ring.Load()
		if before.turn > turn {
			return before, nil
		}
		fresh, err := newRing(t.seal, stored, before, now, t.config.RemoveBefore())
		if err != nil {
			return nil, err
		}
		fresh.turn = turn
		if t.ring.CompareAndSwap(before, fresh) {
			t.warnOf(before, fresh)
			return fresh, nil
		}
	}
}

// warnOf tells of keys that cannot be used, and that were not known to be so.
func (t *Tokens) warnOf(before, fresh *ring) {
	known := before.unusable()
	for id, err := range fresh.unusable() {
		if known[id] == nil {
			t.config.Warn(err)
		}
	}
}
