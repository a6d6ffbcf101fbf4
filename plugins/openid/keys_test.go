package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// keyServer publishes a key set that the test changes.
type keyServer struct {
	*httptest.Server
	requests atomic.Int64

	mu     sync.Mutex
	status int
	header http.Header
	body   []byte
}

func startKeyServer(t *testing.T, keys ...map[string]any) *keyServer {
	t.Helper()
	s := &keyServer{}
	s.publish(t, keys...)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.requests.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		for name, values := range s.header {
			w.Header()[name] = values
		}
		w.WriteHeader(s.status)
		_, _ = w.Write(s.body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) publish(t *testing.T, keys ...map[string]any) {
	t.Helper()
	if keys == nil {
		keys = []map[string]any{}
	}
	body, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	s.answer(http.StatusOK, http.Header{}, body)
}

func (s *keyServer) answer(status int, header http.Header, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.header, s.body = status, header, body
}

func (s *keyServer) store(t *testing.T, now func() time.Time) *keyStore {
	t.Helper()
	client, err := plugin.HTTPClient(sdk.HTTPSettings{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return newKeyStore(s.URL, client, now, func(error) {})
}

func verifyWith(t *testing.T, store *keyStore, alg jose.SignatureAlgorithm, raw string) error {
	t.Helper()
	header, err := parseCompact(raw, string(alg))
	if err != nil {
		t.Fatal(err)
	}
	payload, _, err := store.verify(t.Context(), raw, header)
	if err == nil && string(payload) != `{"sub":"a"}` {
		t.Errorf("payload %s", payload)
	}
	return err
}

var someone = map[string]any{"sub": "a"}

func TestKeyChoice(t *testing.T) {
	one, two := rsaKey(t, 2048, 1), rsaKey(t, 2048, 2)
	small := rsaKey(t, 1024, 1)
	p256, p384 := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384())
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := func(key crypto.PublicKey, change map[string]any) map[string]any { return publicJWK(t, key, change) }
	for _, test := range []struct {
		name   string
		keys   []map[string]any
		alg    jose.SignatureAlgorithm
		key    crypto.PrivateKey
		kid    string
		reason sdk.Reason
	}{
		{name: "kid", keys: []map[string]any{jwk(one.Public(), map[string]any{"kid": "1"}), jwk(two.Public(), map[string]any{"kid": "2"})}, alg: jose.RS256, key: two, kid: "2"},
		{name: "PS256", keys: []map[string]any{jwk(one.Public(), nil)}, alg: jose.PS256, key: one},
		{name: "ES256", keys: []map[string]any{jwk(p256.Public(), nil)}, alg: jose.ES256, key: p256},
		{name: "ES384", keys: []map[string]any{jwk(p384.Public(), nil)}, alg: jose.ES384, key: p384},
		{name: "EdDSA", keys: []map[string]any{jwk(ed.Public(), nil)}, alg: jose.EdDSA, key: ed},
		{name: "key_ops verify", keys: []map[string]any{jwk(one.Public(), map[string]any{"key_ops": []string{"verify"}})}, alg: jose.RS256, key: one},
		{name: "x5c is ignored", keys: []map[string]any{jwk(one.Public(), map[string]any{"x5c": []string{"garbage"}, "x5t": "x"})}, alg: jose.RS256, key: one},

		{name: "F13 kid absent, one key", keys: []map[string]any{jwk(one.Public(), map[string]any{"kid": "1"})}, alg: jose.RS256, key: one},
		{name: "F13 kid absent, one key fits", keys: []map[string]any{jwk(one.Public(), nil), jwk(p256.Public(), nil), jwk(two.Public(), map[string]any{"use": "enc"})}, alg: jose.RS256, key: one},
		{name: "F14 kid absent, two keys", keys: []map[string]any{jwk(one.Public(), nil), jwk(two.Public(), nil)}, alg: jose.RS256, key: one, reason: reasonKeyAmbiguous},
		{name: "F14 kid twice", keys: []map[string]any{jwk(one.Public(), map[string]any{"kid": "1"}), jwk(two.Public(), map[string]any{"kid": "1"})}, alg: jose.RS256, key: one, kid: "1", reason: reasonKeyAmbiguous},
		{name: "kid in the token only", keys: []map[string]any{jwk(one.Public(), nil)}, alg: jose.RS256, key: one, kid: "1", reason: reasonKeyUnknown},
		{name: "F11 other key", keys: []map[string]any{jwk(one.Public(), map[string]any{"kid": "1"})}, alg: jose.RS256, key: two, kid: "1", reason: reasonSignature},

		{name: "G05 alg of the key", keys: []map[string]any{jwk(one.Public(), map[string]any{"alg": "PS256"})}, alg: jose.RS256, key: one, reason: reasonKeyUnknown},
		{name: "G05 use enc", keys: []map[string]any{jwk(one.Public(), map[string]any{"use": "enc"})}, alg: jose.RS256, key: one, reason: reasonKeyUnknown},
		{name: "G05 use of no kind", keys: []map[string]any{jwk(one.Public(), map[string]any{"use": 1})}, alg: jose.RS256, key: one, reason: reasonKeyUnknown},
		{name: "G05 key_ops encrypt", keys: []map[string]any{jwk(one.Public(), map[string]any{"key_ops": []string{"encrypt"}})}, alg: jose.RS256, key: one, reason: reasonKeyUnknown},
		{name: "G05 key_ops empty", keys: []map[string]any{jwk(one.Public(), map[string]any{"key_ops": []string{}})}, alg: jose.RS256, key: one, reason: reasonKeyUnknown},
		{name: "G05 other curve", keys: []map[string]any{jwk(p384.Public(), nil)}, alg: jose.ES256, key: p256, reason: reasonKeyUnknown},
		{name: "G11 RSA 1024", keys: []map[string]any{jwk(small.Public(), nil)}, alg: jose.RS256, key: small, reason: reasonKeyUnknown},
		{name: "F23 e=1", keys: []map[string]any{jwk(one.Public(), map[string]any{"e": "AQ"})}, alg: jose.RS256, key: one, reason: reasonKeyUnknown},
		{name: "F23 e even", keys: []map[string]any{jwk(one.Public(), map[string]any{"e": "AQAA"})}, alg: jose.RS256, key: one, reason: reasonKeyUnknown},
		{name: "F23 private key", keys: []map[string]any{jwk(one.Public(), map[string]any{"d": "AQ"})}, alg: jose.RS256, key: one, reason: reasonKeyUnknown},
		{name: "F23 symmetric key", keys: []map[string]any{{"kty": "oct", "k": "c2VjcmV0"}}, alg: jose.RS256, key: one, reason: reasonKeyUnknown},
		{name: "F23 no keys", alg: jose.RS256, key: one, reason: reasonKeyUnknown},
		{name: "F23 neighbours of no use", keys: []map[string]any{nil, {"kty": "x"}, {"kty": "RSA", "n": "", "e": ""}, {"kid": 1}, jwk(one.Public(), nil)}, alg: jose.RS256, key: one},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := startKeyServer(t, test.keys...)
			err := verifyWith(t, server.store(t, time.Now), test.alg, signed(t, test.alg, test.key, test.kid, someone))
			if test.reason == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if test.reason != "" {
				checkReason(t, err, sdk.ErrInvalidResponse, test.reason)
			}
		})
	}
}

func TestKeySetRefused(t *testing.T) {
	key := rsaKey(t, 2048, 1)
	raw := signed(t, jose.RS256, key, "1", someone)
	many := make([]map[string]any, maxKeys+1)
	for i := range many {
		many[i] = publicJWK(t, key.Public(), map[string]any{"kid": fmt.Sprint(i)})
	}
	tooMany, err := json.Marshal(map[string]any{"keys": many})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		status int
		body   string
		kind   error
		reason sdk.Reason
	}{
		{"F23 down", 503, `{}`, sdk.ErrUnavailable, reasonKeysStatus},
		{"F23 redirect", 302, `{}`, sdk.ErrUnavailable, reasonKeysStatus},
		{"F23 garbage", 200, `<html>`, sdk.ErrInvalidResponse, reasonKeysMalformed},
		{"F23 no keys member", 200, `{}`, sdk.ErrInvalidResponse, reasonKeysMalformed},
		{"F23 keys is an object", 200, `{"keys":{}}`, sdk.ErrInvalidResponse, reasonKeysMalformed},
		{"F31 keys twice", 200, `{"keys":[],"keys":[]}`, sdk.ErrInvalidResponse, reasonKeysMalformed},
		{"F31 member twice", 200, `{"keys":[{"kid":"1","kid":"2"}]}`, sdk.ErrInvalidResponse, reasonKeysMalformed},
		{"F23 101 keys", 200, string(tooMany), sdk.ErrInvalidResponse, reasonKeysMalformed},
		{"F23 too large", 200, `{"keys":[]}` + strings.Repeat(" ", sdk.DefaultMaxBody), sdk.ErrUnavailable, reasonKeysUnreachable},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := startKeyServer(t)
			server.answer(test.status, http.Header{"Location": {"/elsewhere"}}, []byte(test.body))
			checkReason(t, verifyWith(t, server.store(t, time.Now), jose.RS256, raw), test.kind, test.reason)
			if n := server.requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestKeyRotationAtOnce(t *testing.T) {
	now := newClock()
	one, two := rsaKey(t, 2048, 1), rsaKey(t, 2048, 2)
	server := startKeyServer(t, publicJWK(t, one.Public(), map[string]any{"kid": "1"}))
	store := server.store(t, now.Now)
	if err := verifyWith(t, store, jose.RS256, signed(t, jose.RS256, one, "1", someone)); err != nil {
		t.Fatal(err)
	}
	server.publish(t, publicJWK(t, two.Public(), map[string]any{"kid": "2"}))
	if err := verifyWith(t, store, jose.RS256, signed(t, jose.RS256, two, "2", someone)); err != nil {
		t.Errorf("F20 key rotated just before signing: %v", err)
	}
	if n := server.requests.Load(); n != 2 {
		t.Errorf("F20 %d requests, want one more", n)
	}
	checkReason(t, verifyWith(t, store, jose.RS256, signed(t, jose.RS256, one, "1", someone)), sdk.ErrInvalidResponse, reasonKeyUnknown)
}

func TestKeyRotationWithoutKeyIDs(t *testing.T) {
	one, two := rsaKey(t, 2048, 1), rsaKey(t, 2048, 2)
	server := startKeyServer(t, publicJWK(t, one.Public(), nil))
	store := server.store(t, newClock().Now)
	if err := verifyWith(t, store, jose.RS256, signed(t, jose.RS256, one, "", someone)); err != nil {
		t.Fatal(err)
	}
	server.publish(t, publicJWK(t, two.Public(), nil))
	if err := verifyWith(t, store, jose.RS256, signed(t, jose.RS256, two, "", someone)); err != nil {
		t.Errorf("F20 only key rotated, no key IDs: %v", err)
	}
}

func TestUnknownKeyFlood(t *testing.T) {
	now := newClock()
	key := rsaKey(t, 2048, 1)
	server := startKeyServer(t, publicJWK(t, key.Public(), map[string]any{"kid": "1"}))
	store := server.store(t, now.Now)
	if err := verifyWith(t, store, jose.RS256, signed(t, jose.RS256, key, "1", someone)); err != nil {
		t.Fatal(err)
	}
	for window := range int64(3) {
		for i := range 50 {
			err := verifyWith(t, store, jose.RS256, signed(t, jose.RS256, key, fmt.Sprint("unknown-", i), someone))
			checkReason(t, err, sdk.ErrInvalidResponse, reasonKeyUnknown)
		}
		if got := server.requests.Load(); got != 2+window {
			t.Errorf("F21 %d requests after window %d, want one for each 30 s", got, window)
		}
		if err := verifyWith(t, store, jose.RS256, signed(t, jose.RS256, key, "1", someone)); err != nil {
			t.Errorf("F21 good tokens suffer: %v", err)
		}
		now.advance(renewEvery)
	}
	for range 50 {
		bad := signed(t, jose.RS256, rsaKey(t, 2048, 2), "1", someone)
		checkReason(t, verifyWith(t, store, jose.RS256, bad), sdk.ErrInvalidResponse, reasonSignature)
	}
	if got := server.requests.Load(); got != 4 {
		t.Errorf("F21 %d requests: a bad signature loads the keys anew", got)
	}
}

func TestWithdrawnKey(t *testing.T) {
	one, two := rsaKey(t, 2048, 1), rsaKey(t, 2048, 2)
	first, second := publicJWK(t, one.Public(), map[string]any{"kid": "1"}), publicJWK(t, two.Public(), map[string]any{"kid": "2"})
	for _, test := range []struct {
		name, cacheControl string
		fresh              time.Duration
	}{
		{"F22 an hour at most", "max-age=86400", time.Hour},
		{"F22 an hour if not told", "", time.Hour},
		{"F22 max-age", "public, max-age=600, must-revalidate", 10 * time.Minute},
		{"F22 smallest max-age", "MAX-AGE=900, max-age=600", 10 * time.Minute},
		{"F22 no-store", "no-store, max-age=600", time.Minute},
		{"F22 max-age=0", "max-age=0", time.Minute},
		{"F22 nonsense", "max-age=-1", time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			now := newClock()
			server := startKeyServer(t, first, second)
			server.header.Set("Cache-Control", test.cacheControl)
			store := server.store(t, now.Now)
			raw := signed(t, jose.RS256, one, "1", someone)
			if err := verifyWith(t, store, jose.RS256, raw); err != nil {
				t.Fatal(err)
			}
			server.publish(t, second)
			now.advance(test.fresh - time.Second)
			if err := verifyWith(t, store, jose.RS256, raw); err != nil {
				t.Errorf("a second before: %v", err)
			}
			now.advance(time.Second)
			checkReason(t, verifyWith(t, store, jose.RS256, raw), sdk.ErrInvalidResponse, reasonKeyUnknown)
		})
	}
}

func TestLastGoodKeys(t *testing.T) {
	now := newClock()
	key := rsaKey(t, 2048, 1)
	server := startKeyServer(t, publicJWK(t, key.Public(), nil))
	store := server.store(t, now.Now)
	raw := signed(t, jose.RS256, key, "", someone)
	if err := verifyWith(t, store, jose.RS256, raw); err != nil {
		t.Fatal(err)
	}
	server.answer(http.StatusServiceUnavailable, nil, nil)
	now.advance(keysKeep - time.Second)
	if err := verifyWith(t, store, jose.RS256, raw); err != nil {
		t.Errorf("F23 while the provider is down: %v", err)
	}
	now.advance(time.Second)
	checkReason(t, verifyWith(t, store, jose.RS256, raw), sdk.ErrUnavailable, reasonKeysStatus)
}
