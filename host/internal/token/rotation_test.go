package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
)

func wantIDs(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestG14Rotation(t *testing.T) {
	n := newNode(t)
	first := n.keyIDs(t)[0]
	old := n.private(t)

	n.clock.set(start.AddDate(0, 0, 30).Add(-time.Second))
	mustMaintain(t, n)
	wantIDs(t, "stored before day 30", n.keyIDs(t), first)

	made := start.AddDate(0, 0, 30)
	n.clock.set(made)
	mustMaintain(t, n)
	if got := signedBy(t, n.mustIssue(t)); got != first {
		t.Error("G14 a key signs as soon as it is published")
	}
	second := n.keyIDs(t)[0]
	wantIDs(t, "published on day 30", n.published(t), second, first)

	n.clock.set(made.Add(PublishedEarly - time.Second))
	lastOfFirst, err := n.Issue(t.Context(), sso.AccessClaims{
		UserID: "user-1", SessionID: "session-1", IssuedAt: n.clock.Now(), ExpiresAt: n.clock.Now().Add(MaxLifetime),
	})
	if err != nil || signedBy(t, lastOfFirst) != first {
		t.Fatalf("error %v, or signed by another key than the first", err)
	}

	n.clock.set(made.Add(PublishedEarly))
	if got := signedBy(t, n.mustIssue(t)); got != second {
		t.Error("G14 the old key still signs")
	}
	wantVerify(t, n, "G14 the old key verifies during the overlap", lastOfFirst, nil)

	n.clock.set(made.Add(PublishedEarly - 2*time.Second + MaxLifetime))
	wantVerify(t, n, "G14 the last token of the old key, just before it expires", lastOfFirst, nil)
	wantIDs(t, "published then", n.published(t)[1:], first)

	n.clock.set(made.Add(keptFor))
	mustMaintain(t, n)
	n.mustIssue(t)
	if slices.Contains(n.keyIDs(t), first) || slices.Contains(n.published(t), first) {
		t.Error("G14 the first key is still stored or published")
	}
	forged := forge(t, old, part(t, lastOfFirst, 0), with(part(t, lastOfFirst, 1), "exp", n.clock.Now().Add(time.Hour).Unix()))
	wantVerify(t, n, "G14 a token by a removed key", forged, sso.ErrTokenInvalid)
}

func TestRemovedKey(t *testing.T) {
	n := newNode(t)
	token := n.mustIssue(t)
	if err := n.store.DeleteSigningKey(t.Context(), signedBy(t, token), sso.Event{}); err != nil {
		t.Fatal(err)
	}
	n.clock.set(start.Add(rereadAfter))
	wantVerify(t, n, "G14 removed by the operator", token, sso.ErrTokenInvalid)
	wantVerify(t, n, "a token by the key that took its place", n.mustIssue(t), nil)
}

func TestReadingWritesNothing(t *testing.T) {
	n := newNode(t)
	token := n.mustIssue(t)
	before := n.keyIDs(t)
	n.clock.set(start.Add(rotateAfter + keptFor))
	wantVerify(t, n, "an expired token", token, sso.ErrTokenExpired)
	n.JWKS(t.Context())
	wantIDs(t, "keys after Verify and JWKS", n.keyIDs(t), before...)
}

func TestNodesOnOneStore(t *testing.T) {
	a := newNode(t)
	b := startNode(t, a.store, start.Add(time.Minute), secret, issuer)
	wantIDs(t, "keys of the second node", b.keyIDs(t), a.keyIDs(t)...)
	wantVerify(t, b, "a token of the first node", a.mustIssue(t), nil)

	b.clock.set(start.Add(rotateAfter))
	mustMaintain(t, b)
	b.clock.set(start.Add(rotateAfter + PublishedEarly))
	a.clock.set(b.clock.Now())
	wantVerify(t, a, "a token by a key that the other node made", b.mustIssue(t), nil)
}

func TestIssueAtOnceWhenRotationIsDue(t *testing.T) {
	n := newNode(t)
	n.clock.set(start.Add(rotateAfter))
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			token, err := n.Issue(t.Context(), claimsAt(n.clock.Now()))
			if err != nil {
				t.Error(err)
				return
			}
			wantVerify(t, n, "a token issued in the meantime", token, nil)
			n.JWKS(t.Context())
			mustMaintain(t, n)
		})
	}
	wg.Wait()
	if got := len(n.keyIDs(t)); got != 2 {
		t.Errorf("%d keys, want 2", got)
	}
}

func TestSecretChanged(t *testing.T) {
	before := newNode(t)
	token, old := before.mustIssue(t), before.keyIDs(t)[0]
	other := []byte(strings.Repeat("o", sso.MinSecret))
	after := startNode(t, before.store, start.Add(time.Hour), other, issuer)
	if len(after.warned) != 1 || !strings.Contains(after.warned[0].Error(), "SECRET") || !strings.Contains(after.warned[0].Error(), old) {
		t.Errorf("warnings %v, want one about SECRET and the key", after.warned)
	}
	wantVerify(t, after, "a token from before", token, sso.ErrTokenInvalid)
	wantVerify(t, after, "a token from after", after.mustIssue(t), nil)
	wantIDs(t, "published", after.published(t), after.keyIDs(t)[0])

	after.clock.set(start.Add(3 * time.Hour))
	after.mustIssue(t)
	if len(after.warned) != 1 {
		t.Errorf("%d warnings about one key", len(after.warned))
	}
	back := startNode(t, before.store, start, secret, issuer)
	wantVerify(t, back, "a token from before, with the old secret again", token, nil)

	after.clock.set(start.Add(time.Hour + keptFor))
	mustMaintain(t, after)
	if slices.Contains(after.keyIDs(t), old) {
		t.Error("a key that nobody can open is never deleted")
	}
}

func pkcs8(t *testing.T, generate func() (any, error)) []byte {
	t.Helper()
	private, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestUnusableKeys(t *testing.T) {
	n := newNode(t)
	good, err := n.store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	otherLabel, err := sso.NewVault(secret, nil, "doorward attempt v1")
	if err != nil {
		t.Fatal(err)
	}
	seed := []byte(strings.Repeat("k", 32))
	stored := []sso.SigningKey{
		{ID: "G12 sealed for another ID", Algorithm: "EdDSA", Sealed: good[0].Sealed},
		{ID: "G12 sealed for another purpose", Algorithm: "EdDSA", Sealed: otherLabel.Seal(seed, []byte("G12 sealed for another purpose"))},
		{ID: "not sealed", Algorithm: "EdDSA", Sealed: seed},
		{ID: "empty", Algorithm: "EdDSA", Sealed: []byte{}},
	}
	for id, k := range map[string]struct {
		algorithm string
		content   []byte
	}{
		"too short":                 {"EdDSA", seed[1:]},
		"unknown algorithm":         {"ML-DSA-65", seed},
		"algorithm in another case": {"eddsa", seed},
		"a seed as ES256":           {"ES256", seed},
		"another curve as ES256":    {"ES256", pkcs8(t, func() (any, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) })},
		"ES256 as RS256":            {"RS256", pkcs8(t, func() (any, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) })},
		"G11 a small key as RS256":  {"RS256", pkcs8(t, func() (any, error) { return rsa.GenerateKey(rand.Reader, 1024) })}, //nolint:gosec // what must not be used
	} {
		stored = append(stored, sso.SigningKey{ID: id, Algorithm: k.algorithm, Sealed: n.seal.Seal(k.content, []byte(id))})
	}
	for _, k := range stored {
		k.CreatedAt = start
		if err := n.store.AddSigningKey(t.Context(), k, sso.Event{}); err != nil {
			t.Fatal(err)
		}
	}
	again := startNode(t, n.store, start.Add(time.Hour), secret, issuer)
	if len(again.warned) != len(stored) {
		t.Errorf("%d warnings, want %d: %v", len(again.warned), len(stored), again.warned)
	}
	for _, warning := range again.warned {
		if strings.Contains(warning.Error(), string(seed[1:])) {
			t.Errorf("a warning holds the key: %v", warning)
		}
	}
	wantIDs(t, "published", again.published(t), good[0].ID)
	wantVerify(t, again, "a token beside unusable keys", again.mustIssue(t), nil)
}

func TestStoreAway(t *testing.T) {
	n := newNode(t)
	token := n.mustIssue(t)
	n.store.close()
	wantVerify(t, n, "verifying without the store", token, nil)
	n.mustIssue(t) // our view of the keys is fresh

	n.clock.set(start.Add(rereadAfter))
	wantVerify(t, n, "verifying with an older view", token, nil)
	if len(n.JWKS(t.Context())) == 0 {
		t.Error("no JWKS")
	}
	if _, err := n.Issue(t.Context(), claimsAt(n.clock.Now())); err == nil {
		t.Error("L10 a token is issued while the store is away")
	}
	if _, err := New(t.Context(), n.config); err == nil {
		t.Error("L10 starting while the store is away: no error")
	}
}

func TestClockOfKeys(t *testing.T) {
	for name, moved := range map[string]time.Duration{"L10 an hour ahead": time.Hour, "L10 an hour back": -time.Hour} {
		n := newNode(t)
		n.clock.set(start.Add(moved))
		wantVerify(t, n, name, n.mustIssue(t), nil)
		if got := len(n.keyIDs(t)); got != 1 {
			t.Errorf("%s: %d keys, want 1", name, got)
		}
	}
}

// A key created while the clock was years ahead must not sign until that year.
func TestKeyFromTheFuture(t *testing.T) {
	s := &keyStore{}
	future := startNode(t, s, start.AddDate(10, 0, 0), secret, issuer).keyIDs(t)[0]
	n := startNode(t, s, start, secret, issuer)
	if got := signedBy(t, n.mustIssue(t)); got == future {
		t.Error("a key from the future signs")
	}
	for range 3 {
		n.clock.set(n.clock.Now().Add(rereadAfter))
		mustMaintain(t, n)
		n.mustIssue(t)
	}
	if got := len(n.keyIDs(t)); got != 2 {
		t.Errorf("%d keys, want 2", got)
	}
}

func TestContextOfMaintain(t *testing.T) {
	n := newNode(t)
	n.clock.set(start.Add(rotateAfter))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Maintain(ctx); !errors.Is(err, ctx.Err()) {
		t.Errorf("error %v, want that of the context", err)
	}
	mustMaintain(t, n)
	if got := len(n.keyIDs(t)); got != 2 {
		t.Errorf("%d keys, want 2", got)
	}
}
