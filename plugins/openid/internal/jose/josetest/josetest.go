// Package josetest makes keys, key sets and signed tokens for the tests of the plugin.
package josetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// RSAKey makes each RSA key of the tests once, because that takes long.
func RSAKey(t testing.TB, bits, number int) *rsa.PrivateKey {
	t.Helper()
	rsaKeys.Lock()
	defer rsaKeys.Unlock()
	id := [2]int{bits, number}
	if rsaKeys.made[id] == nil {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		rsaKeys.made[id] = key
	}
	return rsaKeys.made[id]
}

var rsaKeys = struct {
	sync.Mutex
	made map[[2]int]*rsa.PrivateKey
}{made: map[[2]int]*rsa.PrivateKey{}}

// ECKey makes a key.
func ECKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// PublicJWK is the JWK of a key, with members changed: nil removes a member.
func PublicJWK(t testing.TB, key crypto.PublicKey, change map[string]any) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(jose.JSONWebKey{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(encoded, &members); err != nil {
		t.Fatal(err)
	}
	maps.Copy(members, change)
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	return members
}

// Signed returns a token with the claims, signed with the key. An empty kid is omitted.
func Signed(t testing.TB, alg jose.SignatureAlgorithm, key crypto.PrivateKey, kid string, claims any) string {
	t.Helper()
	opts := &jose.SignerOptions{}
	if kid != "" {
		opts.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// KeyServer publishes a key set that the test can change.
type KeyServer struct {
	*httptest.Server
	Requests atomic.Int64

	mu     sync.Mutex
	status int
	Header http.Header
	body   []byte
}

// StartKeyServer serves a set of these keys until the test ends.
func StartKeyServer(t testing.TB, keys ...map[string]any) *KeyServer {
	t.Helper()
	s := &KeyServer{}
	s.Publish(t, keys...)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.Requests.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		for name, values := range s.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(s.status)
		_, _ = w.Write(s.body)
	}))
	t.Cleanup(s.Close)
	return s
}

// Publish publishes other keys.
func (s *KeyServer) Publish(t testing.TB, keys ...map[string]any) {
	t.Helper()
	if keys == nil {
		keys = []map[string]any{}
	}
	body, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	s.Answer(http.StatusOK, http.Header{}, body)
}

// Answer sets the whole response.
func (s *KeyServer) Answer(status int, header http.Header, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.Header, s.body = status, header, body
}

// Segment encodes a part of a token.
func Segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// Compact returns a token with this header and a made-up signature.
func Compact(header string) string {
	return Segment(header) + "." + Segment(`{"sub":"a"}`) + "." + Segment("signature")
}
