package token

import (
	"context"
	"fmt"
)

// maintained returns keys to sign with, after looking after them if that is
// due. It fails if that fails: who cannot reach the store cannot log in
// anybody (L10).
func (t *Tokens) maintained(ctx context.Context) (*ring, error) {
	r, now := t.ring.Load(), t.config.Now()
	if !r.stale(now) && !r.needsKey(now) || !t.loading.CompareAndSwap(false, true) {
		return r, nil
	}
	defer t.loading.Store(false)
	return t.maintain(ctx)
}

// current returns keys to verify with and to publish. It writes nothing, since
// anybody may ask for the JWKS. If the store is away, the keys that we know
// stay good: whether a session still exists is checked in the store anyway.
func (t *Tokens) current(ctx context.Context) *ring {
	r := t.ring.Load()
	if !r.stale(t.config.Now()) || !t.loading.CompareAndSwap(false, true) {
		return r
	}
	defer t.loading.Store(false)
	if fresh, err := t.reread(ctx); err == nil {
		return fresh
	}
	return r
}

// maintain reads the keys, makes one if it is time to, and deletes those that
// are of no use any more.
func (t *Tokens) maintain(ctx context.Context) (*ring, error) {
	r, err := t.reread(ctx)
	if err != nil {
		return nil, err
	}
	if r.needsKey(t.config.Now()) {
		if r, err = t.addKey(ctx); err != nil {
			return nil, err
		}
	}
	for _, id := range r.retired {
		if err := t.config.Keys.DeleteSigningKey(ctx, id); err != nil {
			return nil, fmt.Errorf("deleting retired signing key %q: %w", id, err)
		}
	}
	return r, nil
}

func (t *Tokens) addKey(ctx context.Context) (*ring, error) {
	k, err := newKey(t.seal, t.config.Now())
	if err != nil {
		return nil, err
	}
	if err := t.config.Keys.AddSigningKey(ctx, k); err != nil {
		return nil, fmt.Errorf("storing a signing key: %w", err)
	}
	return t.reread(ctx)
}

func (t *Tokens) reread(ctx context.Context) (*ring, error) {
	stored, err := t.config.Keys.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	fresh, err := newRing(t.seal, stored, t.config.Now(), t.config.RemoveBefore())
	if err != nil {
		return nil, err
	}
	known := t.ring.Swap(fresh).unusable
	for id, err := range fresh.unusable {
		if known[id] == nil {
			t.config.Warn(err)
		}
	}
	return fresh, nil
}
