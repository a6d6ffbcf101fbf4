package token

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/doorward/doorward/host/internal/sso"
)

func wantList(t *testing.T, what string, n *node, want ...Key) {
	t.Helper()
	got, err := n.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Key{}, "ID", "Reason")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
	for _, k := range got {
		if (k.State == StateUnusable) != (k.Reason != "") {
			t.Errorf("%s: key %s is %s because of %q", what, k.ID, k.State, k.Reason)
		}
	}
}

func TestList(t *testing.T) {
	n := newNode(t)
	planned := start.Add(rotateAfter)
	first := Key{
		Algorithm: "EdDSA", State: StateSigning, Made: start,
		SignsSince: start, SignsUntil: planned.Add(PublishedEarly), VerifiesUntil: planned.Add(keptFor),
	}
	wantList(t, "at the start", n, first)

	rotated := start.AddDate(0, 0, 10)
	n.clock.set(rotated)
	if _, err := n.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.SignsUntil, first.VerifiesUntil = rotated.Add(PublishedEarly), rotated.Add(keptFor)
	second := Key{
		Algorithm: "EdDSA", State: StatePublished, Made: rotated, SignsSince: rotated.Add(PublishedEarly),
		SignsUntil: rotated.Add(rotateAfter + PublishedEarly), VerifiesUntil: rotated.Add(rotateAfter + keptFor),
	}
	wantList(t, "after a rotation", n, second, first)

	changed := rotated.AddDate(0, 0, 1)
	es := startAlgorithm(t, n.store, changed, "ES256")
	first.State, second.State = StateVerifying, StateSigning
	first.SignsSince, first.SignsUntil, second.SignsUntil = start, time.Time{}, time.Time{}
	wantList(t, "after the setting was changed, before a key is made", es, second, first)
	mustMaintain(t, es)
	third := Key{
		Algorithm: "ES256", State: StatePublished, Made: changed, SignsSince: changed.Add(PublishedEarly),
		SignsUntil: changed.Add(rotateAfter + PublishedEarly), VerifiesUntil: changed.Add(rotateAfter + keptFor),
	}
	first.SignsUntil, second.SignsUntil = changed.Add(PublishedEarly), changed.Add(PublishedEarly)
	wantList(t, "after the setting was changed", es, third, second, first)

	es.clock.set(changed.Add(PublishedEarly))
	second.State, third.State = StateVerifying, StateSigning
	wantList(t, "when the new algorithm signs", es, third, second, first)

	other := startNode(t, n.store, rotated.Add(keptFor), []byte(strings.Repeat("o", sso.MinSecret)), issuer)
	own := Key{
		Algorithm: "EdDSA", State: StateSigning, Made: other.clock.Now(), SignsSince: other.clock.Now().Add(PublishedEarly),
		SignsUntil: other.clock.Now().Add(rotateAfter + PublishedEarly), VerifiesUntil: other.clock.Now().Add(rotateAfter + keptFor),
	}
	unusable := func(k Key) Key { return Key{Algorithm: k.Algorithm, Made: k.Made, State: StateUnusable} }
	wantList(t, "with another SECRET", other, own, unusable(third), unusable(second), unusable(first))

	n.clock.set(rotated.Add(keptFor))
	n.config.RemoveBefore = func() time.Time { return time.Time{} }
	list, err := n.List(t.Context())
	if err != nil || list[len(list)-1].Reason != expiredReason {
		t.Errorf("a key that is over: %+v, error %v", list[len(list)-1], err)
	}
}

func TestListOfNothingMakesNothing(t *testing.T) {
	s := &keyStore{}
	tokens, err := Open(Config{Keys: s, Secret: secret, Issuer: issuer, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := tokens.List(t.Context()); err != nil || keys == nil || len(keys) != 0 || len(s.keys) != 0 {
		t.Errorf("keys %v, error %v, %d stored", keys, err, len(s.keys))
	}
	s.close()
	if _, err := tokens.List(t.Context()); !errors.Is(err, errAway) {
		t.Errorf("while the store is away: %v", err)
	}
}

func TestRotate(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, n *node) {
		n.clock.set(start.Add(time.Hour))
		token := n.mustIssue(t)
		got, err := n.Rotate(t.Context())
		if err != nil || got.Existed || got.Deleted != 0 || got.Key.State != StatePublished || got.Key.ID == signedBy(t, token) {
			t.Errorf("rotation %+v, error %v", got, err)
		}
		again, err := n.Rotate(t.Context())
		if err != nil || !again.Existed || again.Key != got.Key {
			t.Errorf("a second one at once: %+v, error %v", again, err)
		}
		wantIDs(t, "published", n.published(t), got.Key.ID, signedBy(t, token))
		n.clock.set(n.clock.Now().Add(PublishedEarly))
		if by := signedBy(t, n.mustIssue(t)); by != got.Key.ID {
			t.Error("the new key does not sign when it should")
		}
		wantVerify(t, n, "a token of before", token, nil)
		mustMaintain(t, n)
		if got := len(n.keyIDs(t)); got != 2 {
			t.Errorf("%d keys, want 2", got)
		}
	})
}

func TestRotationsAreBounded(t *testing.T) {
	n := newNode(t)
	var err error
	for range 2 * maxKeys {
		n.clock.set(n.clock.Now().Add(PublishedEarly))
		if _, err = n.Rotate(t.Context()); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "--now") || len(n.keyIDs(t)) != maxKeys {
		t.Errorf("%d keys, error %v", len(n.keyIDs(t)), err)
	}
	if got, err := n.RevokeAll(t.Context()); err != nil || got.Deleted != maxKeys {
		t.Errorf("%+v, error %v", got, err)
	}
}

// Everything that a thief signs with a stolen key is refused, and so is everything signed
// with it before: here at once, by other nodes a second later.
func TestRevokeAll(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, n *node) {
		other := startAlgorithm(t, n.store, start, n.config.Algorithm)
		token, stolen := n.mustIssue(t), n.private(t)
		unknown := sso.SigningKey{ID: "of a later version", Algorithm: "ML-DSA-65", Sealed: []byte("x"), CreatedAt: start}
		if err := n.store.AddSigningKey(t.Context(), unknown, sso.Event{}); err != nil {
			t.Fatal(err)
		}
		got, err := n.RevokeAll(t.Context())
		if err != nil || got.Deleted != 2 || got.Key.State != StateSigning {
			t.Errorf("%+v, error %v", got, err)
		}
		wantIDs(t, "stored", n.keyIDs(t), got.Key.ID)
		forged := forge(t, stolen, part(t, token, 0), part(t, token, 1))
		wantVerify(t, n, "a token of before", token, sso.ErrTokenInvalid)
		wantVerify(t, n, "a token of the thief", forged, sso.ErrTokenInvalid)
		fresh := n.mustIssue(t)
		if signedBy(t, fresh) != got.Key.ID || slices.Contains(n.published(t), signedBy(t, token)) {
			t.Error("the new key does not sign at once, or the old one is published")
		}
		other.clock.set(start.Add(rereadAfter))
		wantVerify(t, other, "a token of the thief at another node", forged, sso.ErrTokenInvalid)
		wantVerify(t, other, "a fresh token at another node", fresh, nil)
	})
}

func TestRotationsWhileTheStoreIsAway(t *testing.T) {
	n := newNode(t)
	token := n.mustIssue(t)
	n.store.close()
	if _, err := n.Rotate(t.Context()); !errors.Is(err, errAway) {
		t.Errorf("Rotate: %v", err)
	}
	if _, err := n.RevokeAll(t.Context()); !errors.Is(err, errAway) {
		t.Errorf("RevokeAll: %v", err)
	}
	wantVerify(t, n, "a token of before", token, nil)
}

// interrupted is a store in which something else happens before one call of a node.
type interrupted struct {
	*keyStore
	before int // how many calls there are before it
	by     func()
}

func (s *interrupted) call() {
	if s.before--; s.before == -1 {
		s.by()
	}
}

func (s *interrupted) SigningKeys(ctx context.Context) ([]sso.SigningKey, error) {
	s.call()
	return s.keyStore.SigningKeys(ctx)
}

func (s *interrupted) AddSigningKey(ctx context.Context, key sso.SigningKey, event sso.Event) error {
	s.call()
	return s.keyStore.AddSigningKey(ctx, key, event)
}

func (s *interrupted) DeleteSigningKey(ctx context.Context, id string, event sso.Event) error {
	s.call()
	return s.keyStore.DeleteSigningKey(ctx, id, event)
}

// Two nodes that revoke all keys at the same moment leave none of the old keys, and do
// not delete each other's new keys so that none is left: an empty key set would be
// published, and cached by verifying services.
func TestTwoThatRevokeAll(t *testing.T) {
	for before := range 5 {
		store := &keyStore{}
		first, second := startNode(t, store, start, secret, issuer), startNode(t, store, start, secret, issuer)
		old := first.keyIDs(t)
		first.config.Keys = &interrupted{store, before, func() {
			if _, err := second.RevokeAll(t.Context()); err != nil {
				t.Errorf("before call %d: %v", before, err)
			}
		}}
		_, err := first.RevokeAll(t.Context()) // may say that its key is gone
		left := first.keyIDs(t)
		if len(left) == 0 || slices.Contains(left, old[0]) {
			t.Errorf("before call %d: %d keys are left, of before: %q, error %v", before, len(left), old, err)
		}
		if err != nil && !strings.Contains(err.Error(), "deleted by somebody else") {
			t.Errorf("before call %d: %v", before, err)
		}
	}
}
