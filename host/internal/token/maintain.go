package token

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// readBound is how long a request that can use older keys waits for the store.
const readBound = 2 * time.Second

// Maintain creates a key if one is due, and deletes keys that are no longer of use. The
// host must call it about once a minute, and not in a request, because creating an RS256
// key takes a while.
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

// lacksAny reports whether there is no key to sign with. A key from far in the future,
// made while the clock was wrong, does not count.
func (t *Tokens) lacksAny(r *ring) bool {
	now := t.config.Now()
	return !slices.ContainsFunc(r.keys, func(k *key) bool { return k.created.Sub(now) < rotateAfter })
}

// forSigning returns keys to sign with. It fails if they cannot be read: without the
// store, nobody can be signed in (L10). It creates a key only if there are none at all.
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

// current returns keys to verify with and to publish. It writes nothing, because anyone
// may request the JWKS, and calls a failing store at most once a second. While the store
// is unavailable, the keys in memory stay valid: whether a session still exists is
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

// addKey creates and stores a key if it is still needed: another node may have done so
// already.
func (t *Tokens) addKey(ctx context.Context, needed func(*ring) bool, by sso.ActorKind) (*ring, error) {
	k, err := newKey(t.seal, t.config.Algorithm, t.config.Now())
	if err != nil {
		return nil, err
	}
	if r, err := t.reread(ctx); err != nil || !needed(r) {
		return r, err
	}
	reason := "" // operators have their own reasons
	if by == sso.ActorHost {
		reason = sso.ReasonScheduled
	}
	if err := t.config.Keys.AddSigningKey(ctx, k, t.event(ctx, sso.EventSigningKeyAdded, by, reason, k.ID)); err != nil {
		return nil, fmt.Errorf("storing a signing key: %w", err)
	}
	return t.reread(ctx)
}

// reread loads the keys from the store, unless a later read has finished already:
// otherwise a key that was just deleted would come back.
func (t *Tokens) reread(ctx context.Context) (*ring, error) {
	turn, now := t.generations.Add(1), t.config.Now()
	stored, err := t.config.Keys.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	for {
		before := t.ring.Load()
		if before.generation > turn {
			return before, nil
		}
		fresh, err := newRing(t.seal, stored, before, now, t.config.RemoveBefore())
		if err != nil {
			return nil, err
		}
		fresh.generation = turn
		if t.ring.CompareAndSwap(before, fresh) {
			t.warnAboutUnusable(before, fresh)
			return fresh, nil
		}
	}
}

// warnAboutUnusable warns about unusable keys that were not known to be unusable before.
func (t *Tokens) warnAboutUnusable(before, fresh *ring) {
	known := before.unusable()
	for id, err := range fresh.unusable() {
		if known[id] == nil {
			t.config.Warn(err)
		}
	}
}
