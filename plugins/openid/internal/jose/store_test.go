package jose

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/plugins/openid/internal/jose/josetest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream"
)

func storeOf(t *testing.T, s *josetest.KeyServer, now func() time.Time) *Store {
	t.Helper()
	client, err := plugin.HTTPClient(sdk.HTTPSettings{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return NewStore(s.URL, client, now, slog.New(slog.DiscardHandler))
}

func verifyWith(t *testing.T, store *Store, alg jose.SignatureAlgorithm, raw string) error {
	t.Helper()
	token, err := store.Verify(t.Context(), raw, Accept{Algs: []string{string(alg)}, Option: "the_option"}, []string{"sub"})
	if err == nil && token.Claims["sub"] != "a" {
		t.Errorf("claims %v", token.Claims)
	}
	return err
}

var someone = map[string]any{"sub": "a"}

func TestKeyChoice(t *testing.T) {
	one, two, other := josetest.RSAKey(t, 2048, 1), josetest.RSAKey(t, 2048, 2), josetest.RSAKey(t, 2048, 3)
	small := josetest.RSAKey(t, 1024, 1)
	p256, p384 := josetest.ECKey(t, elliptic.P256()), josetest.ECKey(t, elliptic.P384())
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	short := p256 // with a coordinate whose first byte is zero, as one in 256 has
	for short.X.BitLen() > 248 {
		short = josetest.ECKey(t, elliptic.P256())
	}
	jwk := func(key crypto.PublicKey, change map[string]any) map[string]any {
		return josetest.PublicJWK(t, key, change)
	}
	strangers := func(n int) []map[string]any {
		var keys []map[string]any
		for range n {
			keys = append(keys, jwk(josetest.ECKey(t, elliptic.P256()).Public(), nil))
		}
		return keys
	}
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
		{name: "F14 kid absent, two keys", keys: []map[string]any{jwk(one.Public(), nil), jwk(two.Public(), nil)}, alg: jose.RS256, key: two},
		{name: "F14 kid absent, two keys with one", keys: []map[string]any{jwk(one.Public(), map[string]any{"kid": "1"}), jwk(two.Public(), map[string]any{"kid": "2"})}, alg: jose.RS256, key: two},
		{name: "F14 kid absent, and neither", keys: []map[string]any{jwk(one.Public(), nil), jwk(two.Public(), nil)}, alg: jose.RS256, key: other, reason: ReasonSignature},
		{name: "F14 kid absent, the last that is tried", keys: append(strangers(maxTried-1), jwk(p256.Public(), nil)), alg: jose.ES256, key: p256},
		{name: "F14 kid absent, one more than are tried", keys: append(strangers(maxTried), jwk(p256.Public(), nil)), alg: jose.ES256, key: p256, reason: ReasonAmbiguous},
		{name: "F14 kid twice", keys: []map[string]any{jwk(one.Public(), map[string]any{"kid": "1"}), jwk(two.Public(), map[string]any{"kid": "1"})}, alg: jose.RS256, key: two, kid: "1"},
		{name: "kid in the token only", keys: []map[string]any{jwk(one.Public(), nil), jwk(two.Public(), map[string]any{"kid": "2"})}, alg: jose.RS256, key: one, kid: "1"},
		{name: "kid in the token only, and none of those without", keys: []map[string]any{jwk(one.Public(), nil), jwk(two.Public(), map[string]any{"kid": "2"})}, alg: jose.RS256, key: two, kid: "1", reason: ReasonUnknown},
		{name: "F11 the key without ID signs for one that has one", keys: []map[string]any{jwk(one.Public(), nil), jwk(two.Public(), map[string]any{"kid": "2"})}, alg: jose.RS256, key: one, kid: "2", reason: ReasonSignature},
		{name: "F11 other key", keys: []map[string]any{jwk(one.Public(), map[string]any{"kid": "1"})}, alg: jose.RS256, key: two, kid: "1", reason: ReasonSignature},

		{name: "G05 alg of the key", keys: []map[string]any{jwk(one.Public(), map[string]any{"alg": "PS256"})}, alg: jose.RS256, key: one, reason: ReasonUnknown},
		{name: "G05 use enc", keys: []map[string]any{jwk(one.Public(), map[string]any{"use": "enc"})}, alg: jose.RS256, key: one, reason: ReasonUnknown},
		{name: "G05 use of no kind", keys: []map[string]any{jwk(one.Public(), map[string]any{"use": 1})}, alg: jose.RS256, key: one, reason: ReasonUnknown},
		{name: "G05 key_ops encrypt", keys: []map[string]any{jwk(one.Public(), map[string]any{"key_ops": []string{"encrypt"}})}, alg: jose.RS256, key: one, reason: ReasonUnknown},
		{name: "key_ops empty", keys: []map[string]any{jwk(one.Public(), map[string]any{"key_ops": []string{}})}, alg: jose.RS256, key: one},
		{name: "private members that are null", keys: []map[string]any{jwk(one.Public(), map[string]any{"d": json.RawMessage("null"), "k": json.RawMessage("null"), "alg": json.RawMessage("null"), "use": json.RawMessage("null")})}, alg: jose.RS256, key: one},
		{name: "two members in two spellings", keys: []map[string]any{jwk(one.Public(), map[string]any{"X5T": "a", "x5t": "b", "N": "AQAB"})}, alg: jose.RS256, key: one},
		{name: "one key listed twice", keys: []map[string]any{jwk(one.Public(), map[string]any{"kid": "1"}), jwk(one.Public(), map[string]any{"kid": "1", "use": "sig", "x5t": "x"})}, alg: jose.RS256, key: one, kid: "1"},
		{name: "one key without ID listed twice", keys: []map[string]any{jwk(one.Public(), nil), jwk(one.Public(), nil)}, alg: jose.RS256, key: one},
		{name: "one key listed for two issuers", keys: []map[string]any{jwk(one.Public(), map[string]any{"issuer": "a"}), jwk(one.Public(), map[string]any{"issuer": "b"})}, alg: jose.RS256, key: one, reason: ReasonAmbiguous},
		{name: "modulus in standard base64", keys: []map[string]any{jwk(one.Public(), map[string]any{"n": base64.StdEncoding.EncodeToString(append([]byte{0}, one.N.Bytes()...)), "e": "AAEAAQ=="})}, alg: jose.RS256, key: one},
		{name: "coordinate without its leading zero", keys: []map[string]any{jwk(short.Public(), map[string]any{"x": base64.RawURLEncoding.EncodeToString(short.X.Bytes())})}, alg: jose.ES256, key: short},
		{name: "coordinate with one zero more", keys: []map[string]any{jwk(p256.Public(), map[string]any{"y": base64.RawURLEncoding.EncodeToString(append([]byte{0}, p256.Y.FillBytes(make([]byte, 32))...))})}, alg: jose.ES256, key: p256},
		{name: "Ed25519 by its new name", keys: []map[string]any{jwk(ed.Public(), map[string]any{"alg": "Ed25519"})}, alg: jose.EdDSA, key: ed},
		{name: "G05 other curve", keys: []map[string]any{jwk(p384.Public(), nil)}, alg: jose.ES256, key: p256, reason: ReasonUnknown},
		{name: "G11 RSA 1024", keys: []map[string]any{jwk(small.Public(), nil)}, alg: jose.RS256, key: small, reason: ReasonUnknown},
		{name: "F23 e=1", keys: []map[string]any{jwk(one.Public(), map[string]any{"e": "AQ"})}, alg: jose.RS256, key: one, reason: ReasonUnknown},
		{name: "F23 e even", keys: []map[string]any{jwk(one.Public(), map[string]any{"e": "AQAA"})}, alg: jose.RS256, key: one, reason: ReasonUnknown},
		{name: "F23 private key", keys: []map[string]any{jwk(one.Public(), map[string]any{"d": "AQ"})}, alg: jose.RS256, key: one, reason: ReasonUnknown},
		{name: "F23 symmetric key", keys: []map[string]any{{"kty": "oct", "k": "c2VjcmV0"}}, alg: jose.RS256, key: one, reason: ReasonUnknown},
		{name: "F23 no keys", alg: jose.RS256, key: one, reason: ReasonUnknown},
		{name: "F23 neighbours of no use", keys: []map[string]any{nil, {"kty": "x"}, {"kty": "RSA", "n": "", "e": ""}, {"kid": 1}, jwk(one.Public(), nil)}, alg: jose.RS256, key: one},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := josetest.StartKeyServer(t, test.keys...)
			err := verifyWith(t, storeOf(t, server, time.Now), test.alg, josetest.Signed(t, test.alg, test.key, test.kid, someone))
			if test.reason == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if test.reason != "" {
				plugintest.Refused(t, err, sdk.ErrInvalidResponse, test.reason)
			}
		})
	}
}

func TestKeySetRefused(t *testing.T) {
	key := josetest.RSAKey(t, 2048, 1)
	raw := josetest.Signed(t, jose.RS256, key, "1", someone)
	many := make([]map[string]any, maxKeys+1)
	for i := range many {
		many[i] = josetest.PublicJWK(t, key.Public(), map[string]any{"kid": fmt.Sprint(i)})
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
		{"F23 down", 503, `{}`, sdk.ErrUnavailable, ReasonKeysStatus},
		{"F23 redirect", 302, `{}`, sdk.ErrUnavailable, ReasonKeysStatus},
		{"F23 garbage", 200, `<html>`, sdk.ErrInvalidResponse, ReasonKeysBroken},
		{"F23 no keys member", 200, `{}`, sdk.ErrInvalidResponse, ReasonKeysBroken},
		{"F23 keys is an object", 200, `{"keys":{}}`, sdk.ErrInvalidResponse, ReasonKeysBroken},
		{"F31 keys twice", 200, `{"keys":[],"keys":[]}`, sdk.ErrInvalidResponse, ReasonKeysBroken},
		{"F31 member twice", 200, `{"keys":[{"kid":"1","kid":"2"}]}`, sdk.ErrInvalidResponse, ReasonKeysBroken},
		{"F23 101 keys", 200, string(tooMany), sdk.ErrInvalidResponse, ReasonKeysBroken},
		{"F23 too large", 200, `{"keys":[]}` + strings.Repeat(" ", sdk.DefaultMaxBody), sdk.ErrUnavailable, ReasonKeysAway},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := josetest.StartKeyServer(t)
			server.Answer(test.status, http.Header{"Location": {"/elsewhere"}}, []byte(test.body))
			plugintest.Refused(t, verifyWith(t, storeOf(t, server, time.Now), jose.RS256, raw), test.kind, test.reason)
			if n := server.Requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestKeyRotationAtOnce(t *testing.T) {
	now := plugintest.NewClock()
	one, two := josetest.RSAKey(t, 2048, 1), josetest.RSAKey(t, 2048, 2)
	server := josetest.StartKeyServer(t, josetest.PublicJWK(t, one.Public(), map[string]any{"kid": "1"}))
	store := storeOf(t, server, now.Now)
	if err := verifyWith(t, store, jose.RS256, josetest.Signed(t, jose.RS256, one, "1", someone)); err != nil {
		t.Fatal(err)
	}
	server.Publish(t, josetest.PublicJWK(t, two.Public(), map[string]any{"kid": "2"}))
	if err := verifyWith(t, store, jose.RS256, josetest.Signed(t, jose.RS256, two, "2", someone)); err != nil {
		t.Errorf("F20 key rotated just before signing: %v", err)
	}
	if n := server.Requests.Load(); n != 2 {
		t.Errorf("F20 %d requests, want one more", n)
	}
	plugintest.Refused(t, verifyWith(t, store, jose.RS256, josetest.Signed(t, jose.RS256, one, "1", someone)), sdk.ErrInvalidResponse, ReasonUnknown)
}

func TestKeyRotationWithoutKeyIDs(t *testing.T) {
	one, two := josetest.RSAKey(t, 2048, 1), josetest.RSAKey(t, 2048, 2)
	server := josetest.StartKeyServer(t, josetest.PublicJWK(t, one.Public(), nil))
	store := storeOf(t, server, plugintest.NewClock().Now)
	if err := verifyWith(t, store, jose.RS256, josetest.Signed(t, jose.RS256, one, "", someone)); err != nil {
		t.Fatal(err)
	}
	server.Publish(t, josetest.PublicJWK(t, two.Public(), nil))
	if err := verifyWith(t, store, jose.RS256, josetest.Signed(t, jose.RS256, two, "", someone)); err != nil {
		t.Errorf("F20 only key rotated, no key IDs: %v", err)
	}
}

func TestUnknownKeyFlood(t *testing.T) {
	now := plugintest.NewClock()
	key := josetest.RSAKey(t, 2048, 1)
	server := josetest.StartKeyServer(t, josetest.PublicJWK(t, key.Public(), map[string]any{"kid": "1"}))
	store := storeOf(t, server, now.Now)
	if err := verifyWith(t, store, jose.RS256, josetest.Signed(t, jose.RS256, key, "1", someone)); err != nil {
		t.Fatal(err)
	}
	for window := range int64(3) {
		for i := range 50 {
			err := verifyWith(t, store, jose.RS256, josetest.Signed(t, jose.RS256, key, fmt.Sprint("unknown-", i), someone))
			plugintest.Refused(t, err, sdk.ErrInvalidResponse, ReasonUnknown)
		}
		if got := server.Requests.Load(); got != 2+window {
			t.Errorf("F21 %d requests after window %d, want one for each 30 s", got, window)
		}
		if err := verifyWith(t, store, jose.RS256, josetest.Signed(t, jose.RS256, key, "1", someone)); err != nil {
			t.Errorf("F21 a good token is refused: %v", err)
		}
		now.Advance(upstream.RenewEvery)
	}
	for range 50 {
		bad := josetest.Signed(t, jose.RS256, josetest.RSAKey(t, 2048, 2), "1", someone)
		plugintest.Refused(t, verifyWith(t, store, jose.RS256, bad), sdk.ErrInvalidResponse, ReasonSignature)
	}
	if got := server.Requests.Load(); got != 4 {
		t.Errorf("F21 %d requests: a bad signature loads the keys again", got)
	}
}

func TestWithdrawnKey(t *testing.T) {
	one, two := josetest.RSAKey(t, 2048, 1), josetest.RSAKey(t, 2048, 2)
	first, second := josetest.PublicJWK(t, one.Public(), map[string]any{"kid": "1"}), josetest.PublicJWK(t, two.Public(), map[string]any{"kid": "2"})
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
			now := plugintest.NewClock()
			server := josetest.StartKeyServer(t, first, second)
			server.Header.Set("Cache-Control", test.cacheControl)
			store := storeOf(t, server, now.Now)
			raw := josetest.Signed(t, jose.RS256, one, "1", someone)
			if err := verifyWith(t, store, jose.RS256, raw); err != nil {
				t.Fatal(err)
			}
			server.Publish(t, second)
			now.Advance(test.fresh - time.Second)
			if err := verifyWith(t, store, jose.RS256, raw); err != nil {
				t.Errorf("a second before: %v", err)
			}
			now.Advance(time.Second)
			plugintest.Refused(t, verifyWith(t, store, jose.RS256, raw), sdk.ErrInvalidResponse, ReasonUnknown)
		})
	}
}

func TestLastGoodKeys(t *testing.T) {
	now := plugintest.NewClock()
	key := josetest.RSAKey(t, 2048, 1)
	server := josetest.StartKeyServer(t, josetest.PublicJWK(t, key.Public(), nil))
	store := storeOf(t, server, now.Now)
	raw := josetest.Signed(t, jose.RS256, key, "", someone)
	if err := verifyWith(t, store, jose.RS256, raw); err != nil {
		t.Fatal(err)
	}
	server.Answer(http.StatusServiceUnavailable, nil, nil)
	now.Advance(KeysKeep - time.Second)
	if err := verifyWith(t, store, jose.RS256, raw); err != nil {
		t.Errorf("F23 while the provider is down: %v", err)
	}
	now.Advance(time.Second)
	plugintest.Refused(t, verifyWith(t, store, jose.RS256, raw), sdk.ErrUnavailable, ReasonKeysStatus)
}

// FuzzParseKeys: the usable keys of any key set are public, strong enough and for one family
// of algorithms.
func FuzzParseKeys(f *testing.F) {
	for _, seed := range []string{
		`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA=="},{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`,
		`{"keys":[{"kty":"oct","k":"AA"},null,7,{"key_ops":[]}]}`, `{"keys":{}}`, `{"keys":[],"Keys":[]}`,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"Ed25519","key_ops":[]}]}`,
		`{"keys":[{"kty":"EC","crv":[],"x":"AA","y":"AA"},{"kty":{},"crv":{},"n":"AQAB","e":"AQAB"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := parseKeys(data)
		if err != nil {
			return
		}
		for _, key := range set.Keys {
			if err := checkStrength(key.public); err != nil {
				t.Fatal(err)
			}
			families := map[string]bool{}
			for _, alg := range Asymmetric {
				if key.Fits(alg) {
					families[strings.TrimRight(strings.NewReplacer("PS", "RS").Replace(alg), "0123456789")] = true
				}
			}
			if len(families) > 1 || key.Fits("HS256") || key.Fits("none") || key.Fits("") {
				t.Fatalf("a key of type %T fits %v", key.public, families)
			}
		}
	})
}
