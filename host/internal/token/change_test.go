package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
)

// published returns the members of the published keys.
func publishedKeys(t *testing.T, n *node) []map[string]string {
	t.Helper()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(n.JWKS(t.Context()), &set); err != nil {
		t.Fatal(err)
	}
	return set.Keys
}

// The published keys have the members required by RFC 7518 section 6 and RFC 8037 section
// 2, and nothing of the private key; the kid is the thumbprint of RFC 7638 section 3.
func TestPublishedKeysOfEachAlgorithm(t *testing.T) {
	for alg, want := range map[string]struct {
		members    map[string]string // empty: any
		thumbprint string            // with the members in the order of RFC 7638 section 3.3
	}{
		"EdDSA": {map[string]string{"kty": "OKP", "crv": "Ed25519", "x": ""}, `{"crv":"Ed25519","kty":"OKP","x":"<x>"}`},
		"ES256": {map[string]string{"kty": "EC", "crv": "P-256", "x": "", "y": ""}, `{"crv":"P-256","kty":"EC","x":"<x>","y":"<y>"}`},
		"RS256": {map[string]string{"kty": "RSA", "n": "", "e": "AQAB"}, `{"e":"AQAB","kty":"RSA","n":"<n>"}`},
	} {
		t.Run(alg, func(t *testing.T) {
			n := startAlgorithm(t, &keyStore{}, start, alg)
			keys := publishedKeys(t, n)
			if len(keys) != 1 {
				t.Fatalf("%d keys, want 1", len(keys))
			}
			thumbprint := want.thumbprint
			for name, value := range keys[0] {
				thumbprint = strings.ReplaceAll(thumbprint, "<"+name+">", value)
			}
			sum := sha256.Sum256([]byte(thumbprint))
			want.members["alg"], want.members["use"], want.members["kid"] = alg, "sig", b64.EncodeToString(sum[:])
			got := map[string]string{}
			for name, value := range keys[0] {
				if got[name] = value; want.members[name] == "" {
					got[name] = ""
				}
			}
			if diff := cmp.Diff(want.members, got); diff != "" {
				t.Errorf("published key (-want +got):\n%s", diff)
			}
		})
	}
}

// Other services verify with only the published members.
func TestPublishedMembersVerify(t *testing.T) {
	integer := func(text string) *big.Int {
		raw, err := b64.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return new(big.Int).SetBytes(raw)
	}
	for alg, verify := range map[string]func(jwk map[string]string, sum, signature []byte) bool{
		"ES256": func(jwk map[string]string, sum, signature []byte) bool {
			if len(jwk["x"]) != 43 || len(jwk["y"]) != 43 || len(signature) != 64 {
				t.Errorf("x of %d, y of %d characters, a signature of %d bytes", len(jwk["x"]), len(jwk["y"]), len(signature))
			}
			point := slices.Concat([]byte{4}, integer(jwk["x"]).FillBytes(make([]byte, 32)), integer(jwk["y"]).FillBytes(make([]byte, 32)))
			public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
			if err != nil {
				t.Fatal(err)
			}
			return ecdsa.Verify(public, sum, new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
		},
		"RS256": func(jwk map[string]string, sum, signature []byte) bool {
			public := &rsa.PublicKey{N: integer(jwk["n"]), E: int(integer(jwk["e"]).Int64())}
			return rsa.VerifyPKCS1v15(public, 5, sum, signature) == nil // 5 is SHA-256
		},
	} {
		n := startAlgorithm(t, &keyStore{}, start, alg)
		token := n.mustIssue(t)
		dot := strings.LastIndexByte(token, '.')
		signature, err := b64.DecodeString(token[dot+1:])
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(token[:dot]))
		if !verify(publishedKeys(t, n)[0], sum[:], signature) {
			t.Errorf("%s: the published key does not verify the token", alg)
		}
		header := part(t, token, 0)
		if diff := cmp.Diff(map[string]any{"alg": alg, "typ": "at+jwt", "kid": n.keyIDs(t)[0]}, header); diff != "" {
			t.Errorf("%s: header (-want +got):\n%s", alg, diff)
		}
	}
}

func TestTokensOfEachAlgorithmAreBounded(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, n *node) {
		claims := claimsAt(start)
		shortest := len(n.mustIssue(t))
		room := (maxToken - shortest) / 4 * 3
		claims.Role = strings.Repeat("r", room)
		token, err := n.Issue(t.Context(), claims)
		if err != nil {
			t.Fatalf("a role of %d bytes: %v", room, err)
		}
		wantVerify(t, n, "the longest token", token, nil)
		claims.Role += "rrrrrrrrrrrr"
		if token, err := n.Issue(t.Context(), claims); err == nil {
			t.Errorf("a token of %d bytes", len(token))
		}
		if shortest > 1100 {
			t.Errorf("an ordinary token has %d bytes", shortest)
		}
	})
}

// A restart changes the setting, without any effect on clients.
func TestG14ChangeOfAlgorithm(t *testing.T) {
	before := newNode(t)
	old := before.mustIssue(t)
	changed := start.AddDate(0, 0, 10)
	after := startAlgorithm(t, before.store, changed, "ES256")
	if got := len(after.keyIDs(t)); got != 1 {
		t.Errorf("%d keys, want 1: a start waits for none to be made", got)
	}
	mustMaintain(t, after)
	ids := after.keyIDs(t)
	wantIDs(t, "published", after.published(t), ids[0], signedBy(t, old))

	after.clock.set(changed.Add(PublishedEarly - time.Second))
	if got := signedBy(t, after.mustIssue(t)); got != ids[1] {
		t.Error("G14 the new key signs before everybody knows it")
	}
	claims := claimsAt(after.clock.Now())
	claims.ExpiresAt = claims.IssuedAt.Add(MaxLifetime)
	lastOfOld, err := after.Issue(t.Context(), claims)
	if err != nil {
		t.Fatal(err)
	}
	after.clock.set(changed.Add(PublishedEarly))
	token := after.mustIssue(t)
	if alg := part(t, token, 0)["alg"]; alg != "ES256" || signedBy(t, token) != ids[0] {
		t.Errorf("signed with %v", alg)
	}
	after.clock.set(changed.Add(PublishedEarly + MaxLifetime - 2*time.Second))
	mustMaintain(t, after)
	wantVerify(t, after, "G14 the last token of the old key, just before it expires", lastOfOld, nil)

	// Nobody creates keys for EdDSA any more: the last one is deleted, too.
	after.clock.set(start.Add(rotateAfter + keptFor))
	mustMaintain(t, after)
	if slices.Contains(after.keyIDs(t), ids[1]) || slices.Contains(after.published(t), ids[1]) {
		t.Error("G14 the last key of the old algorithm is never deleted")
	}
}

// Switching back and forth creates no extra key.
func TestAlgorithmChangedBack(t *testing.T) {
	first := newNode(t)
	for i, alg := range []string{"ES256", "EdDSA", "ES256", "EdDSA"} {
		n := startAlgorithm(t, first.store, start.Add(time.Duration(i+1)*time.Hour), alg)
		mustMaintain(t, n)
		n.clock.set(n.clock.Now().Add(PublishedEarly))
		if got := part(t, n.mustIssue(t), 0)["alg"]; got != alg {
			t.Errorf("with %s: signed with %v", alg, got)
		}
		if got := len(n.keyIDs(t)); got != 2 {
			t.Errorf("after change %d there are %d keys, want 2", i+1, got)
		}
	}
}

// Nodes with different settings share a store for a long time, their clocks differ, and
// settings change now and then: no unnecessary keys are created, each key is published
// before it signs, and each token is valid everywhere until it expires.
func TestNodesOfDifferentSettings(t *testing.T) {
	const seeds, days = 2, 150
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := &change{random: rand.New(rand.NewPCG(seed, 15)), store: &keyStore{}, seen: map[string]time.Time{}} //nolint:gosec // a test
			skews := []time.Duration{0, 20 * time.Second, -20 * time.Second}
			c.start(t, skews, start)
			changes := 0
			for now := start; now.Before(start.AddDate(0, 0, days)); now = now.Add(c.pause()) {
				if c.random.IntN(100) == 0 {
					changes++
					c.restartOne(t, skews, now)
				}
				c.step(t, skews, now)
			}
			// Each algorithm in use needs one key every 30 days, and each change one
			// more.
			if most := 2*(days/30+1) + changes + len(skews); len(c.seen) > most {
				t.Errorf("%d keys were made in %d days with %d changes, want at most %d", len(c.seen), days, changes, most)
			}
		})
	}
}

// change is a simulation of some nodes on one store.
type change struct {
	random *rand.Rand
	store  *keyStore
	nodes  []*node
	seen   map[string]time.Time // when each key was first published
	tokens []signedToken
}

type signedToken struct {
	text    string
	expires time.Time
}

// pause lasts some minutes or some hours.
func (c *change) pause() time.Duration {
	most := []time.Duration{10 * time.Minute, 40 * time.Hour}[c.random.IntN(2)]
	return time.Duration(c.random.Int64N(int64(most)))
}

func (c *change) algorithm() string { return []string{"EdDSA", "ES256"}[c.random.IntN(2)] }

func (c *change) start(t *testing.T, skews []time.Duration, now time.Time) {
	for _, skew := range skews {
		c.nodes = append(c.nodes, startAlgorithm(t, c.store, now.Add(skew), c.algorithm()))
	}
}

func (c *change) restartOne(t *testing.T, skews []time.Duration, now time.Time) {
	i := c.random.IntN(len(c.nodes))
	c.nodes[i] = startAlgorithm(t, c.store, now.Add(skews[i]), c.algorithm())
}

func (c *change) step(t *testing.T, skews []time.Duration, now time.Time) {
	for i, n := range c.nodes {
		n.clock.set(now.Add(skews[i]))
		mustMaintain(t, n)
		for _, id := range n.keyIDs(t) {
			if _, ok := c.seen[id]; !ok {
				c.seen[id] = now
			}
		}
	}
	c.verifyEverywhere(t, now)
	c.issueEverywhere(t, now)
}

func (c *change) issueEverywhere(t *testing.T, now time.Time) {
	for _, n := range c.nodes {
		claims := sso.AccessClaims{UserID: "u", SessionID: "s", IssuedAt: n.clock.Now(), ExpiresAt: n.clock.Now().Add(MaxLifetime)}
		text, err := n.Issue(t.Context(), claims)
		if err != nil {
			t.Fatal(err)
		}
		id := signedBy(t, text)
		if early := now.Sub(c.seen[id]); early < PublishedEarly-time.Minute && len(c.seen) > len(c.nodes) {
			t.Errorf("a key signs %v after it was published", early)
		}
		c.tokens = append(c.tokens, signedToken{text, claims.ExpiresAt})
	}
}

// verifyEverywhere checks one of the tokens that expire next.
func (c *change) verifyEverywhere(t *testing.T, now time.Time) {
	const margin = time.Minute // more than the clocks differ
	c.tokens = slices.DeleteFunc(c.tokens, func(s signedToken) bool { return !now.Add(margin).Before(s.expires) })
	if len(c.tokens) == 0 {
		return
	}
	token := c.tokens[c.random.IntN(min(len(c.tokens), 10))] // of the oldest
	for _, n := range c.nodes {
		wantVerify(t, n, "a token that has not expired", token.text, nil)
	}
}

func TestViewReadEarlierDoesNotComeBack(t *testing.T) {
	n := newNode(t)
	token := n.mustIssue(t)
	slow := &slowKeys{signingKeys: n.store, read: make(chan struct{}), answer: make(chan struct{})}
	n.config.Keys = slow
	n.clock.set(start.Add(rereadAfter))
	done := make(chan error)
	go func() {
		_, err := n.reread(context.WithValue(context.Background(), slowly{}, true))
		done <- err
	}()
	<-slow.read
	if _, err := n.RevokeAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(slow.answer)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantVerify(t, n, "a token of a deleted key, after a view of before has come", token, sso.ErrTokenInvalid)
}

// slowKeys makes one caller wait when told to.
type slowKeys struct {
	signingKeys
	read, answer chan struct{}
}

type slowly struct{}

// signingKeys names the embedded interface differently from its method.
type signingKeys interface{ sso.SigningKeys }

func (s *slowKeys) SigningKeys(ctx context.Context) ([]sso.SigningKey, error) {
	keys, err := s.signingKeys.SigningKeys(ctx)
	if ctx.Value(slowly{}) != nil {
		close(s.read)
		<-s.answer
	}
	return keys, err
}

// countedKeys counts how often the keys are read.
type countedKeys struct {
	signingKeys
	reads int
}

func (c *countedKeys) SigningKeys(ctx context.Context) ([]sso.SigningKey, error) {
	c.reads++
	return c.signingKeys.SigningKeys(ctx)
}

func TestAnybodyCausesOneReadASecond(t *testing.T) {
	for name, away := range map[string]bool{"store works": false, "store is away": true} {
		n := newNode(t)
		token := n.mustIssue(t)
		if away {
			n.store.close()
		}
		counted := &countedKeys{signingKeys: n.store}
		n.config.Keys = counted
		for second := range 3 {
			n.clock.set(start.Add(time.Duration(second+1) * rereadAfter))
			opened, set := n.ring.Load().keys[0], &n.ring.Load().jwks[0]
			for range 100 {
				n.JWKS(t.Context())
				wantVerify(t, n, name, token, nil)
			}
			if counted.reads != second+1 {
				t.Errorf("%s: the keys were read %d times in %d s", name, counted.reads, second+1)
			}
			if r := n.ring.Load(); r.keys[0] != opened || &r.jwks[0] != set {
				t.Errorf("%s: a key that has not changed was opened or published again", name)
			}
		}
	}
}
