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

// rereadAfter is how old our view of the keys may get: other nodes make keys, and an
// operator who deletes one means it. Keys that are unchanged are not opened again.
const rereadAfter = time.Second

// ring is the keys at a moment. It is never changed; a new one takes its place.
type ring struct {
	stored []storedKey // all there are, newest first
	keys   []*key      // those that verify, newest first
	jwks   []byte      // of keys
	read   time.Time
	turn   uint64 // rings of a higher one were read later
}

// storedKey is what became of a key in the store.
type storedKey struct {
	sso.SigningKey

	key      *key      // nil: not opened
	err      error     // why
	replaced time.Time // by another; zero: it was not
	over     bool      // it verifies nothing any more
	retired  bool      // it is to be deleted for good
}

// newRing takes the keys that are of use now. Those that went out of use before
// removeBefore are retired: by now alone, keys would be gone because of a clock that
// was wrong for a moment. What was opened before is not opened again.
func newRing(seal *sso.Vault, stored []sso.SigningKey, before *ring, now, removeBefore time.Time) (*ring, error) {
	r := &ring{read: now}
	newer := successors{}
	for _, s := range stored {
		k := storedKey{SigningKey: s}
		if at, ok := newer.replaced(s); ok {
			k.replaced = at
			k.over = !now.Before(at.Add(keptFor))
			k.retired = k.over && !removeBefore.Before(at.Add(keptFor))
		}
		if !k.over {
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
		if sameStored(known.SigningKey, k.SigningKey) && !known.over {
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

// stale is true, too, when the clock was set back.
func (r *ring) stale(now time.Time) bool { return now.Sub(r.read).Abs() >= rereadAfter }

// needsKey reports whether no key of the algorithm is young.
func (r *ring) needsKey(algorithm string, now time.Time) bool {
	return !slices.ContainsFunc(r.keys, func(k *key) bool { return k.algorithm == algorithm && k.young(now) })
}

// signing returns the newest key of the algorithm that has been published long
// enough. If none has, because the setting was just changed, it is the newest of any;
// and else the oldest, because at the very start somebody must begin. It is nil if
// there is no key at all.
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

// verifying returns the key of that ID, or nil.
func (r *ring) verifying(id string) *key {
	for _, k := range r.keys {
		if k.id == id {
			return k
		}
	}
	return nil
}

// unusable returns why the keys cannot be used that cannot, by their IDs.
func (r *ring) unusable() map[string]error {
	errs := map[string]error{}
	for _, k := range r.stored {
		if k.err != nil {
			errs[k.ID] = k.err
		}
	}
	return errs
}
