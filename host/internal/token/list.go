package token

import (
	"context"
	"time"
)

// State is what a key does.
type State string

// States of a key.
const (
	StatePublished State = "published" // it does not sign yet
	StateSigning   State = "signing"
	StateVerifying State = "verifying" // it does not sign here, and tokens that it signed are good
	StateUnusable  State = "unusable"  // tokens that it signed are not good; see Key.Reason
)

// Key is what an operator may know of a signing key. Of times to come, the key may be
// replaced earlier than planned; a zero time is unknown, or never.
type Key struct {
	ID        string    `json:"kid"`
	Algorithm string    `json:"algorithm"`
	State     State     `json:"state"`
	Reason    string    `json:"reason,omitempty"` // why it is unusable
	Made      time.Time `json:"made"`

	// SignsSince and SignsUntil are when this host signs with the key. One with
	// another algorithm as its setting may do so at other times.
	SignsSince time.Time `json:"signs_since,omitzero"`
	SignsUntil time.Time `json:"signs_until,omitzero"`

	VerifiesUntil time.Time `json:"verifies_until,omitzero"`
}

const overReason = "the last access token that it can have signed has expired; the key is deleted a day later"

// List returns all keys that are stored, newest first.
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

// describe tells of the key at an index of r.stored.
func (t *Tokens) describe(r *ring, i int) Key {
	k, now := r.stored[i], t.config.Now()
	told := Key{ID: k.ID, Algorithm: k.Algorithm, Made: k.CreatedAt.UTC()}
	switch {
	case k.err != nil:
		told.State, told.Reason = StateUnusable, k.err.Error()
		return told
	case k.over:
		told.State, told.Reason = StateUnusable, overReason
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

// signs returns from when to when this host signs with the key at an index of
// r.stored; zero if it does not, or if the end cannot be told.
func (t *Tokens) signs(r *ring, i int) (since, until time.Time) {
	k := r.stored[i]
	since = k.key.signsFrom()
	if i == len(r.stored)-1 {
		since = k.CreatedAt // there was no other
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
