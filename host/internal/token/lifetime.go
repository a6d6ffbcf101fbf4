package token

import (
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

const (
	rotateAfter = 30 * 24 * time.Hour

	// PublishedEarly is how long a new key is published before it signs. A service that
	// caches the JWKS for no longer has each key in time.
	PublishedEarly = 10 * time.Minute

	// keptFor is how long a key verifies after it was replaced: until the last token that
	// it can have signed has expired, and some longer for nodes that learn of its
	// successor late.
	keptFor = MaxLifetime + time.Hour
)

// signsFrom is the time when a key has been published long enough to sign.
func (k *key) signsFrom() time.Time { return k.created.Add(PublishedEarly) }

// young is false for a key that needs a successor. A key from far in the future, made
// while the clock was wrong, is not young either: otherwise it would never be replaced.
func (k *key) young(now time.Time) bool { return now.Sub(k.created).Abs() < rotateAfter }

// successors holds, of the usable keys newer than some time, the oldest of each
// algorithm.
type successors map[string]*key

// replaced returns when a key that is older than all successors was replaced, so that no
// node signs a token with it much later; ok is false if it was not replaced.
//
// That is when the next key of its algorithm was created. If there is none because the
// setting was changed, other nodes may still have the old setting: they use the key as
// long as it is young, and create the next one then.
func (s successors) replaced(stored sso.SigningKey) (at time.Time, ok bool) {
	if same := s[stored.Algorithm]; same != nil {
		return same.created, true
	}
	for _, other := range s {
		if !ok || other.created.Before(at) {
			at, ok = other.created, true
		}
	}
	if old := stored.CreatedAt.Add(rotateAfter); ok && at.Before(old) {
		at = old
	}
	return at, ok
}
