package token

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// rereadAfter is the maximum age of the keys in memory: other nodes create keys, and a
// key that an operator deletes must stop working. Unchanged keys are not opened again.
const rereadAfter = time.Second

// ring holds the keys as read at some time. It is never changed; a new one replaces it.
type ring struct {
	stored     []storedKey // all stored keys, newest first
	keys       []*key      // keys that verify, newest first
	jwks       []byte      // of keys
	read       time.Time
	generation uint64 // rings of a higher one were read later
}

// storedKey is a key in the store, with what is known about it.
type storedKey struct {
	sso.SigningKey

	key      *key      // nil: not opened
	err      error     // why
	replaced time.Time // by another key; zero: not replaced
	expired  bool      // it no longer verifies tokens
	retired  bool      // it is to be deleted
}

// newRing returns the keys that are in use now. Keys that went out of use before
// removeBefore are retired: judging by now alone, a clock that is wrong for a moment
// would delete keys. Keys that before has opened are not opened again.
func newRing(seal *sso.Vault, stored []sso.SigningKey, before *ring, now, removeBefore time.Time) (*ring, error) {
	r := &ring{read: now}
	newer := successors{}
	for _, s := range stored {
		k := storedKey{SigningKey: s}
		if at, ok := newer.replaced(s); ok {
			k.replaced = at
			k.expired = !now.Before(at.Add(keptFor))
			k.retired = k.expired && !removeBefore.Before(at.Add(keptFor))
		}
		if !k.expired {
			k.open(seal, before)
		}
		if k.key != nil {
			r.keys = append(r.keys, k.key)
			newer[s.Algorithm] = k.key
		}
		r.stored = append(r.stored, k)
	}
	if slices.Equal(r.keys, before.keys) && before.jwks != nil {
		r.jwks = before.jwks
		return r, nil
	}
	return r, r.publish()
}

func (k *storedKey) open(seal *sso.Vault, before *ring) {
	for _, known := range before.stored {
		if sameStored(known.SigningKey, k.SigningKey) && !known.expired {
			k.key, k.err = known.key, known.err
			return
		}
	}
	var err error
	if k.key, err = openKey(seal, k.SigningKey); err != nil {
		k.err = fmt.Errorf("opening signing key %q: %w; access tokens that it signed are not valid here", k.ID, err)
	}
}

func (r *ring) publish() (err error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range r.keys {
		set.Keys = append(set.Keys, k.jwk())
	}
	if r.jwks, err = json.Marshal(set); err != nil {
		return fmt.Errorf("publishing signing keys: %w", err)
	}
	return nil
}

// stale is also true after the clock was set back.
func (r *ring) stale(now time.Time) bool { return now.Sub(r.read).Abs() >= rereadAfter }

// needsKey reports whether the algorithm has no young key.
func (r *ring) needsKey(algorithm string, now time.Time) bool {
	return !slices.ContainsFunc(r.keys, func(k *key) bool { return k.algorithm == algorithm && k.young(now) })
}

// signing returns the newest key of the algorithm that has been published long enough. If
// none has, because the setting was just changed, it returns the newest of any algorithm
// that has; otherwise the oldest, because the first key has to sign at once. It is nil if
// there are no keys.
func (r *ring) signing(algorithm string, now time.Time) *key {
	var newest, oldest *key
	for _, k := range r.keys {
		oldest = k
		if now.Before(k.signsFrom()) {
			continue
		}
		if k.algorithm == algorithm {
			return k
		}
		newest = cmp.Or(newest, k)
	}
	return cmp.Or(newest, oldest)
}

// verifying returns the key with that ID, or nil.
func (r *ring) verifying(id string) *key {
	for _, k := range r.keys {
		if k.id == id {
			return k
		}
	}
	return nil
}

// unusable returns the errors of the keys that cannot be used, by ID.
func (r *ring) unusable() map[string]error {
	errs := map[string]error{}
	for _, k := range r.stored {
		if k.err != nil {
			errs[k.ID] = k.err
		}
	}
	return errs
}
