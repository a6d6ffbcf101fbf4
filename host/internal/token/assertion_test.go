package token

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// An assertion is signed with the keys of access tokens, with any algorithm, and is not
// an access token.
func TestAssertionsOfEachAlgorithm(t *testing.T) {
	for _, algorithm := range []string{"EdDSA", "ES256", "RS256"} {
		tokens, err := New(t.Context(), Config{
			Keys: &keyStore{}, Secret: []byte(strings.Repeat("secret", 8)), Issuer: "https://sso.test", Now: time.Now, Algorithm: algorithm,
		})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		good := sso.Assertion{Audience: "https://app.test", UserID: "u", IssuedAt: now, ExpiresAt: now.Add(time.Minute)}
		text, err := tokens.Assert(t.Context(), good)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
		if err != nil {
			t.Fatal(err)
		}
		var keys jose.JSONWebKeySet
		if err := json.Unmarshal(tokens.JWKS(t.Context()), &keys); err != nil {
			t.Fatal(err)
		}
		claims, err := signed.Verify(keys.Key(signed.Signatures[0].Header.KeyID)[0].Key)
		if err != nil || !strings.Contains(string(claims), `"groups":[]`) || !strings.Contains(string(claims), `"aud":"https://app.test"`) {
			t.Errorf("%s: %s, %v", algorithm, claims, err)
		}
		if _, err := tokens.Verify(t.Context(), text); err == nil {
			t.Errorf("FA47 %s: an assertion passes for an access token", algorithm)
		}
		for name, change := range map[string]func(*sso.Assertion){
			"no audience": func(a *sso.Assertion) { a.Audience = "" },
			"nobody":      func(a *sso.Assertion) { a.UserID = "" },
			"a long life": func(a *sso.Assertion) { a.ExpiresAt = now.Add(6 * time.Minute) },
			"no life":     func(a *sso.Assertion) { a.ExpiresAt = now },
		} {
			bad := good
			change(&bad)
			if _, err := tokens.Assert(t.Context(), bad); err == nil {
				t.Errorf("%s: %s is signed", algorithm, name)
			}
		}
	}
}
