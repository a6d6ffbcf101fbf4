package token

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// A clock that is wrong for a moment deletes no key, and tokens signed before stay valid.
func TestKeysOutliveAWrongClock(t *testing.T) {
	for name, wrong := range map[string][]int{
		"years ahead": {10}, "further ahead": {10, 20, 30}, "years back": {-30}, "ahead and back": {10, -30, 20},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t)
			n.clock.set(start.Add(rotateAfter))
			mustMaintain(t, n)
			n.clock.set(start.Add(rotateAfter + PublishedEarly))
			token, before := n.mustIssue(t), n.keyIDs(t)
			right := n.clock.Now()
			n.config.RemoveBefore = func() time.Time { return time.Time{} } // the clock was set
			for _, years := range wrong {
				n.clock.set(right.AddDate(years, 0, 0))
				mustMaintain(t, n)
				n.mustIssue(t)
				mustMaintain(t, n)
			}
			n.clock.set(right.Add(time.Minute))
			wantVerify(t, n, "a token of before", token, nil)
			wantVerify(t, n, "a token of after", n.mustIssue(t), nil)
			for _, id := range before {
				if !slices.Contains(n.keyIDs(t), id) {
					t.Errorf("key %s was deleted", id)
				}
			}
		})
	}
}

func TestKeysAreSealedAnew(t *testing.T) {
	n := newNode(t)
	token, next := n.mustIssue(t), []byte(strings.Repeat("n", sso.MinSecret))
	config := n.config
	config.Secret, config.SecretPrevious = next, secret
	both, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := both.Verify(t.Context(), token); err != nil || len(n.keyIDs(t)) != 1 {
		t.Errorf("with both: %v, %d keys", err, len(n.keyIDs(t)))
	}
	for _, want := range []int{1, 0} {
		if sealed, err := both.Reseal(t.Context()); sealed != want || err != nil {
			t.Errorf("%d keys sealed again, want %d, error %v", sealed, want, err)
		}
	}
	config.SecretPrevious = nil
	after, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after.Verify(t.Context(), token); err != nil {
		t.Errorf("with the new SECRET alone: %v", err)
	}
	n.store.close()
	if _, err := both.Reseal(t.Context()); !errors.Is(err, errAway) {
		t.Errorf("while the store is away: %v", err)
	}
}
