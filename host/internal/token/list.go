package token

import (
	"context"
	"time"
)

// State is the current use of a key.
type State string

// States of a key.
const (
	StatePublished State = "published" // the key does not sign yet
	StateSigning   State = "signing"
	StateVerifying State = "verifying" // the key does not sign here, but its tokens are valid
	StateUnusable  State = "unusable"  // its tokens are not valid; see Key.Reason
)

// Key describes a signing key for operators. Future times may change, as the key may be
// replaced earlier than planned; a zero time means unknown, or never.
type Key struct {
	ID        string    `json:"kid"`
	Algorithm string    `json:"algorithm"`
	State     State     `json:"state"`
	Reason    string    `json:"reason,omitempty"` // why the key is unusable
	Made      time.Time `json:"made"`

	// SignsSince and SignsUntil are when this host signs with the key. A host with
	// another algorithm in its settings may do so at other times.
	SignsSince time.Time `json:"signs_since,omitzero"`
	SignsUntil time.Time `json:"signs_until,omitzero"`

	VerifiesUntil time.Time `json:"verifies_until,omitzero"`
}

const expiredReason = "the last access token that this key can have signed has expired; the key is deleted a day later"

// List returns all stored keys, newest first.
func (t *Tokens) List(ctx context.Context) ([]Key, error) {
	r, err := t.reread(ctx)
	if err != nil {
		return nil, err
	}
	keys := []Key{}
	for i := range r.stored {
		keys = append(keys, t.describe(r, i))
	}
	return keys, nil
}

// describe describes the key at an index of r.stored.
func (t *Tokens) describe(r *ring, i int) Key {
	k, now := r.stored[i], t.config.Now()
	told := Key{ID: k.ID, Algorithm: k.Algorithm, Made: k.CreatedAt.UTC()}
	switch {
	case k.err != nil:
		told.State, told.Reason = StateUnusable, k.err.Error()
		return told
	case k.expired:
		told.State, told.Reason = StateUnusable, expiredReason
		return told
	case k.key == r.signing(t.config.Algorithm, now):
		told.State = StateSigning
	case now.Before(k.key.signsFrom()):
		told.State = StatePublished
	default:
		told.State = StateVerifying
	}
	told.VerifiesUntil = k.replacedOrPlanned().Add(keptFor).UTC()
	told.SignsSince, told.SignsUntil = t.signs(r, i)
	return told
}

// replacedOrPlanned is when the key was replaced, or will be.
func (k *storedKey) replacedOrPlanned() time.Time {
	if k.replaced.IsZero() {
		return k.CreatedAt.Add(rotateAfter)
	}
	return k.replaced
}

// signs returns from when to when this host signs with the key at an index of r.stored. A
// time is zero if the host does not sign with it, or if the end is unknown.
func (t *Tokens) signs(r *ring, i int) (since, until time.Time) {
	k := r.stored[i]
	since = k.key.signsFrom()
	if i == len(r.stored)-1 {
		since = k.CreatedAt // it was the first key
	}
	if k.Algorithm == t.config.Algorithm {
		return since.UTC(), k.replacedOrPlanned().Add(PublishedEarly).UTC()
	}
	for _, ours := range r.keys { // the last one is the oldest
		if ours.algorithm == t.config.Algorithm {
			until = ours.signsFrom().UTC()
		}
	}
	if !until.IsZero() && !since.Before(until) {
		return time.Time{}, time.Time{}
	}
	return since.UTC(), until
}
