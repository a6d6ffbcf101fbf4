package token

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
)

const issuer = "https://login.example.org"

var (
	start  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	secret = bytes.Repeat([]byte("s"), sso.MinSecret)
)

// clock is a clock that stands still until it is set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// node is a host whose keys are in a store, which it may share.
type node struct {
	*Tokens
	store  *keyStore
	clock  *clock
	warned []error
}

func startNode(t testing.TB, s *keyStore, at time.Time, secret []byte, issuer string) *node {
	t.Helper()
	return startConfigured(t, s, at, Config{Secret: secret, Issuer: issuer})
}

// startAlgorithm starts a node with that setting.
func startAlgorithm(t testing.TB, s *keyStore, at time.Time, algorithm string) *node {
	t.Helper()
	return startConfigured(t, s, at, Config{Secret: secret, Issuer: issuer, Algorithm: algorithm})
}

// eachAlgorithm runs a test with a node for each algorithm.
func eachAlgorithm(t *testing.T, test func(t *testing.T, n *node)) {
	for _, a := range algorithms {
		t.Run(string(a.name), func(t *testing.T) { test(t, startAlgorithm(t, &keyStore{}, start, string(a.name))) })
	}
}

func startConfigured(t testing.TB, s *keyStore, at time.Time, config Config) *node {
	t.Helper()
	n := &node{store: s, clock: &clock{now: at}}
	config.Keys, config.Now, config.RemoveBefore = s, n.clock.Now, n.clock.Now
	config.Warn = func(err error) { n.warned = append(n.warned, err) }
	tokens, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	n.Tokens = tokens
	return n
}

func newNode(t testing.TB) *node {
	t.Helper()
	return startNode(t, &keyStore{}, start, secret, issuer)
}

func claimsAt(now time.Time) sso.AccessClaims {
	return sso.AccessClaims{UserID: "user-1", Role: "editor", SessionID: "session-1", IssuedAt: now, ExpiresAt: now.Add(15 * time.Minute)}
}

// mustMaintain does what a host does every minute.
func mustMaintain(t testing.TB, n *node) {
	t.Helper()
	if err := n.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (n *node) mustIssue(t testing.TB) string {
	t.Helper()
	token, err := n.Issue(t.Context(), claimsAt(n.clock.Now()))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (n *node) keyIDs(t testing.TB) (ids []string) {
	t.Helper()
	keys, err := n.store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return ids
}

func (n *node) published(t testing.TB) (ids []string) {
	t.Helper()
	var set struct {
		Keys []struct{ Kid string }
	}
	if err := json.Unmarshal(n.JWKS(t.Context()), &set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		ids = append(ids, k.Kid)
	}
	return ids
}

// part decodes a part of a token.
func part(t testing.TB, token string, i int) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func signedBy(t testing.TB, token string) string {
	t.Helper()
	id, _ := part(t, token, 0)["kid"].(string)
	return id
}

func wantVerify(t testing.TB, n *node, what, token string, want error) {
	t.Helper()
	claims, err := n.Verify(t.Context(), token)
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
	if err != nil && claims != (sso.AccessClaims{}) {
		t.Errorf("%s: claims with an error", what)
	}
}

func TestIssuedTokenAsOthersSeeIt(t *testing.T) {
	n := newNode(t)
	token := n.mustIssue(t)
	header, claims := part(t, token, 0), part(t, token, 1)
	id, _ := claims["jti"].(string)
	if len(id) != 22 {
		t.Errorf("jti %q is not 128 bits", id)
	}
	delete(claims, "jti")
	if diff := cmp.Diff(map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": n.keyIDs(t)[0]}, header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	want := map[string]any{
		"iss": issuer, "aud": issuer, "client_id": issuer, "sub": "user-1", "sid": "session-1",
		"iat": float64(start.Unix()), "exp": float64(start.Add(15 * time.Minute).Unix()),
		"id": "user-1", "role": "editor", "app_access": false, "admin_access": false,
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if again := part(t, n.mustIssue(t), 1)["jti"]; again == id {
		t.Error("two tokens of the same jti")
	}
}

func TestTokenWithoutRole(t *testing.T) {
	n, claims := newNode(t), claimsAt(start)
	claims.Role = ""
	token, err := n.Issue(t.Context(), claims)
	if err != nil {
		t.Fatal(err)
	}
	if role, there := part(t, token, 1)["role"]; !there || role != nil {
		t.Errorf("role is %v (there: %t), want null", role, there)
	}
	got, err := n.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(claims, got); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

// Other services verify with only the published key.
func TestPublishedKeyVerifies(t *testing.T) {
	n := newNode(t)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(n.JWKS(t.Context()), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 1 {
		t.Fatalf("%d keys published, want 1", len(set.Keys))
	}
	x := set.Keys[0]["x"]
	delete(set.Keys[0], "x")
	want := map[string]string{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": n.keyIDs(t)[0]}
	if diff := cmp.Diff(want, set.Keys[0]); diff != "" { // no "d": it would be the private key
		t.Errorf("published key (-want +got):\n%s", diff)
	}
	public, err := base64.RawURLEncoding.DecodeString(x)
	if err != nil {
		t.Fatal(err)
	}
	token := n.mustIssue(t)
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		t.Fatal(err)
	}
	if !ed25519.Verify(public, []byte(token[:dot]), signature) {
		t.Error("the published key does not verify the token")
	}
}

func TestVerifyReturnsWhatWasIssued(t *testing.T) {
	n := newNode(t)
	got, err := n.Verify(t.Context(), n.mustIssue(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(claimsAt(start), got); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestIssueRefuses(t *testing.T) {
	n := newNode(t)
	for name, change := range map[string]func(*sso.AccessClaims){
		"no user":               func(c *sso.AccessClaims) { c.UserID = "" },
		"no session":            func(c *sso.AccessClaims) { c.SessionID = "" },
		"no time":               func(c *sso.AccessClaims) { c.IssuedAt = time.Time{} },
		"no expiry":             func(c *sso.AccessClaims) { c.ExpiresAt = time.Time{} },
		"expired when made":     func(c *sso.AccessClaims) { c.ExpiresAt = c.IssuedAt },
		"too long a life":       func(c *sso.AccessClaims) { c.ExpiresAt = c.IssuedAt.Add(MaxLifetime + 1) },
		"too long for a header": func(c *sso.AccessClaims) { c.Role = strings.Repeat("r", maxToken) },
	} {
		t.Run(name, func(t *testing.T) {
			claims := claimsAt(start)
			change(&claims)
			if token, err := n.Issue(t.Context(), claims); err == nil || token != "" {
				t.Errorf("token of %d bytes, error %v, want an error", len(token), err)
			}
		})
	}
	claims := claimsAt(start)
	claims.ExpiresAt = start.Add(MaxLifetime)
	if _, err := n.Issue(t.Context(), claims); err != nil {
		t.Errorf("the longest life: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	good := Config{Keys: &keyStore{}, Secret: secret, Issuer: issuer, Now: time.Now}
	for name, change := range map[string]func(*Config){
		"short secret": func(c *Config) { c.Secret = secret[1:] },
		"no issuer":    func(c *Config) { c.Issuer = "" },
		"no keys":      func(c *Config) { c.Keys = nil },
		"no clock":     func(c *Config) { c.Now = nil },
	} {
		bad := good
		change(&bad)
		if _, err := New(t.Context(), bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := New(t.Context(), good); err != nil {
		t.Errorf("a good configuration: %v", err)
	}
}

func TestClock(t *testing.T) {
	n := newNode(t)
	token := n.mustIssue(t)
	expiry := start.Add(15 * time.Minute)
	for _, c := range []struct {
		name string
		now  time.Time
		want error
	}{
		{"before the expiry", expiry.Add(-time.Millisecond), nil},
		{"at the expiry", expiry, sso.ErrTokenExpired},
		{"after the expiry", expiry.Add(time.Hour), sso.ErrTokenExpired},
		{"L10 clock an hour back", start.Add(-time.Hour), nil},
	} {
		n.clock.set(c.now)
		wantVerify(t, n, c.name, token, c.want)
	}
	n.clock.set(expiry)
	wantVerify(t, n, "an expired token that was altered", token[:len(token)-4]+"AAAA", sso.ErrTokenInvalid)
}
