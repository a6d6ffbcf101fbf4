package token

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/doorward/doorward/host/internal/sso"
)

// maxKeys bounds how many keys an operator can create by rotating: all are published, and
// every service that verifies tokens reads them.
const maxKeys = 32

// Rotation reports what a rotation did.
type Rotation struct {
	Key     Key  `json:"key"`     // the newest key
	Existed bool `json:"existed"` // the key was created earlier, less than PublishedEarly ago
	Deleted int  `json:"deleted"` // number of deleted keys
}

// Rotate creates a key that signs after PublishedEarly. If the newest one is younger than
// that, it creates none.
func (t *Tokens) Rotate(ctx context.Context) (Rotation, error) {
	r, err := t.reread(ctx)
	if err != nil {
		return Rotation{}, err
	}
	existed := !t.lacksNew(r)
	if !existed {
		if len(r.keys) >= maxKeys {
			return Rotation{}, fmt.Errorf("there are %d signing keys already; wait until some have expired (doorward keys list), or delete all with --now", len(r.keys))
		}
		if r, err = t.addKey(ctx, t.lacksNew, sso.ActorOperator); err != nil {
			return Rotation{}, err
		}
	}
	newest, err := t.find(r, func(k storedKey) bool { return k.key != nil && t.isNew(k.key) })
	return Rotation{Key: newest, Existed: existed}, err
}

func (t *Tokens) lacksNew(r *ring) bool { return !slices.ContainsFunc(r.keys, t.isNew) }

// isNew reports whether a key is too new to sign if there are others.
func (t *Tokens) isNew(k *key) bool {
	return k.algorithm == t.config.Algorithm && t.config.Now().Sub(k.created).Abs() < PublishedEarly
}

// RevokeAll creates a key that signs at once, and deletes the older ones: all access
// tokens are refused from then on, here at once, and by other nodes a second later. It is
// for keys that were stolen. Sessions continue, and the next refresh returns a valid
// token. After an error some keys may be left: call it again.
func (t *Tokens) RevokeAll(ctx context.Context) (Rotation, error) {
	k, err := newKey(t.seal, t.config.Algorithm, t.config.Now())
	if err != nil {
		return Rotation{}, err
	}
	// Read before the new key is stored: if several nodes do this at once, none deletes
	// the last node's key, so at least that one stays.
	before, err := t.config.Keys.SigningKeys(ctx)
	if err != nil {
		return Rotation{}, fmt.Errorf("reading signing keys: %w", err)
	}
	if err := t.config.Keys.AddSigningKey(ctx, k, t.event(ctx, sso.EventSigningKeyAdded, sso.ActorOperator, sso.ReasonRevoked, k.ID)); err != nil {
		return Rotation{}, fmt.Errorf("storing a signing key: %w", err)
	}
	deleted := 0
	for _, old := range before {
		if err := t.config.Keys.DeleteSigningKey(ctx, old.ID, t.event(ctx, sso.EventSigningKeyRemoved, sso.ActorOperator, sso.ReasonRevoked, old.ID)); err != nil {
			return Rotation{}, fmt.Errorf("deleting signing key %q, which is still valid: %w; run this again", old.ID, err)
		}
		deleted++
	}
	r, err := t.reread(ctx)
	if err != nil {
		return Rotation{}, err
	}
	made, err := t.find(r, func(stored storedKey) bool { return stored.ID == k.ID })
	return Rotation{Key: made, Deleted: deleted}, err
}

// find describes the newest key that matches.
func (t *Tokens) find(r *ring, matches func(storedKey) bool) (Key, error) {
	i := slices.IndexFunc(r.stored, matches)
	if i < 0 {
		return Key{}, errors.New("the new signing key has been deleted by somebody else; run this again")
	}
	return t.describe(r, i), nil
}
