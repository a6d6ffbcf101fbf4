package token

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

const (
	rotateAfter = 30 * 24 * time.Hour

	// PublishedEarly is how long a new key is published before it signs. Whoever
	// caches the JWKS for no longer knows each key in time.
	PublishedEarly = 10 * time.Minute

	// keptFor is how long a key verifies after its successor was made: until the
	// last token that it can have signed has expired, and some more for nodes
	// that learn of the successor late.
	keptFor = MaxLifetime + time.Hour

	// rereadAfter is how old our view of the keys may get; other nodes make and
	// delete keys, too.
	rereadAfter = time.Minute
)

// ring is the keys at a moment. It is never changed; a new one takes its place.
type ring struct {
	keys     []*key // usable, newest first
	jwks     []byte
	read     time.Time
	retired  []string // IDs to delete for good
	unusable map[string]error
}

// newRing takes the keys that are of use now. Those that went out of use before
// removeBefore are retired: by now alone, keys would be gone because of a clock that
// was wrong for a moment.
func newRing(seal *sso.Vault, stored []sso.SigningKey, now, removeBefore time.Time) (*ring, error) {
	r := &ring{read: now, unusable: map[string]error{}}
	var successor *key // the next newer key that is usable
	for _, s := range stored {
		if successor != nil && !now.Before(successor.created.Add(keptFor)) {
			if !removeBefore.Before(successor.created.Add(keptFor)) {
				r.retired = append(r.retired, s.ID)
			}
			continue
		}
		k, err := openKey(seal, s)
		if err != nil {
			r.unusable[s.ID] = fmt.Errorf("opening signing key %q: %w; access tokens that it signed are not valid here", s.ID, err)
			continue
		}
		r.keys, successor = append(r.keys, k), k
	}
	return r, r.publish()
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

// needsKey reports whether no key is young. One from far in the future, made
// while the clock was wrong, is not young either: else it would never be
// replaced.
func (r *ring) needsKey(now time.Time) bool {
	for _, k := range r.keys {
		if now.Sub(k.created).Abs() < rotateAfter {
			return false
		}
	}
	return true
}

// signing returns the newest key that has been published long enough; the
// oldest if none has, because at the very start somebody must begin. It is nil
// if there is no key at all.
func (r *ring) signing(now time.Time) *key {
	var oldest *key
	for _, k := range r.keys {
		if !now.Before(k.created.Add(PublishedEarly)) {
			return k
		}
		oldest = k
	}
	return oldest
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
