package main

import (
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/openid/internal/jose/josetest"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/plugintest"
)

// privateKeys are the JWKs of keys, as an operator gives them.
func privateKeys(t *testing.T, keys ...gojose.JSONWebKey) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestClientAssertion(t *testing.T) {
	rsaKey, p256, p384 := josetest.RSAKey(t, 2048, 1), josetest.ECKey(t, elliptic.P256()), josetest.ECKey(t, elliptic.P384())
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaJWK, p256JWK := gojose.JSONWebKey{Key: rsaKey, KeyID: "rsa"}, gojose.JSONWebKey{Key: p256, KeyID: "p256"}
	byKey := func(keys json.RawMessage, alg string) map[string]any {
		return map[string]any{
			"client_token_endpoint_auth_method": "private_key_jwt", "client_secret": "", "client_private_keys": keys,
			"client_token_endpoint_auth_signing_alg": alg,
		}
	}
	for _, test := range []struct {
		name    string
		options map[string]any
		alg     gojose.SignatureAlgorithm
		key     any
		kid     string
	}{
		{"RSA", byKey(privateKeys(t, rsaJWK), ""), gojose.RS256, rsaKey.Public(), "rsa"},
		{"RSA by option", byKey(privateKeys(t, p256JWK, rsaJWK), "PS512"), gojose.PS512, rsaKey.Public(), "rsa"},
		{"EC", byKey(privateKeys(t, p256JWK, rsaJWK), ""), gojose.ES256, p256.Public(), "p256"},
		{"P-384 without an ID", byKey(privateKeys(t, gojose.JSONWebKey{Key: p384}), ""), gojose.ES384, p384.Public(), ""},
		{"Ed25519", byKey(privateKeys(t, gojose.JSONWebKey{Key: ed, KeyID: "ed"}), ""), gojose.EdDSA, ed.Public(), "ed"},
		{"algorithm of the key", byKey(privateKeys(t, gojose.JSONWebKey{Key: rsaKey, KeyID: "rsa", Algorithm: "PS256"}), ""), gojose.PS256, rsaKey.Public(), "rsa"},
		{"client_secret_jwt", map[string]any{"client_token_endpoint_auth_method": "client_secret_jwt", "client_secret": longSecret}, gojose.HS256, []byte(longSecret), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var form map[string][]string
			md, _ := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
				if _, _, basic := r.BasicAuth(); basic {
					t.Error("the request also has basic authentication")
				}
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				form = r.PostForm
				answering(200, "application/json", goodTokens)(w, r)
			})
			now := plugintest.NewClock()
			r := openRig(t, md.Issuer, now.Now, test.options)
			if _, err := r.exchange(t.Context(), md, callbackURL, theCode, theVerifier); err != nil {
				t.Fatal(err)
			}
			if form["client_secret"] != nil || form["client_id"][0] != clientID || form["client_assertion_type"][0] != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
				t.Errorf("form %v", form)
			}
			jws, err := gojose.ParseSignedCompact(form["client_assertion"][0], []gojose.SignatureAlgorithm{test.alg})
			if err != nil {
				t.Fatal(err)
			}
			payload, err := jws.Verify(test.key)
			if err != nil || jws.Signatures[0].Header.KeyID != test.kid {
				t.Fatalf("kid %q, %v", jws.Signatures[0].Header.KeyID, err)
			}
			got, err := claims.Decode(payload)
			if err != nil {
				t.Fatal(err)
			}
			if jti, err := got.String("jti"); err != nil || len(jti) < 26 {
				t.Errorf("jti %q", jti)
			}
			delete(got, "jti")
			seconds := func(d time.Duration) json.Number {
				data, err := json.Marshal(now.Now().Add(d).Unix())
				if err != nil {
					t.Fatal(err)
				}
				return json.Number(data)
			}
			want := claims.Object{"iss": clientID, "sub": clientID, "aud": md.Issuer, "iat": seconds(0), "exp": seconds(time.Minute)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
