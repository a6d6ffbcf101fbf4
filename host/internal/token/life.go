package token

import (
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

const (
	rotateAfter = 30 * 24 * time.Hour

	// PublishedEarly is how long a new key is published before it signs. Whoever
	// caches the JWKS for no longer knows each key in time.
	PublishedEarly = 10 * time.Minute

	// keptFor is how long a key verifies after it was replaced: until the last token
	// that it can have signed has expired, and some more for nodes that learn of its
	// successor late.
	keptFor = MaxLifetime + time.Hour
)

// signsFrom is when a key has been published long enough to sign.
func (k *key) signsFrom() time.Time { return k.created.Add(PublishedEarly) }

// young is false for a key that must be followed by another. One from far in the
// future, made while the clock was wrong, is not young either: else it would never be
// replaced.
func (k *key) young(now time.Time) bool { return now.Sub(k.created).Abs() < rotateAfter }

// successors are the usable keys, from the newest down to some moment: of each
// algorithm the oldest.
type successors map[string]*key

// replaced returns when a key that is older than all successors was replaced, so that
// nobody makes a token with it much later; ok is false if it was not.
//
// That is when the next key of its algorithm was made. If there is none, because the
// setting was changed, other nodes may still have the old setting: they use the key
// for as long as it is young, and make the next one then.
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
