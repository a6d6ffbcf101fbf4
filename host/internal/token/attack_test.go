package token

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

var b64 = base64.RawURLEncoding

// private returns the oldest private key that n has, to forge with.
func (n *node) private(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	keys, err := n.store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	oldest := keys[len(keys)-1]
	seed, _, err := n.seal.Open(oldest.Sealed, []byte(oldest.ID))
	if err != nil {
		t.Fatal(err)
	}
	return ed25519.NewKeyFromSeed(seed)
}

func encode(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b64.EncodeToString(raw)
}

// forge signs any header and claims with any key.
func forge(t testing.TB, key ed25519.PrivateKey, header, claims any) string {
	t.Helper()
	input := encode(t, header) + "." + encode(t, claims)
	return input + "." + b64.EncodeToString(ed25519.Sign(key, []byte(input)))
}

// wantReason wants a token refused, and by the check that the text names: a
// later one might refuse it as well, but not as cheaply or as surely.
func wantReason(t *testing.T, n *node, what, token, reason string) {
	t.Helper()
	wantVerify(t, n, what, token, sso.ErrTokenInvalid)
	if _, err := n.Verify(t.Context(), token); err != nil && !strings.Contains(err.Error(), reason) {
		t.Errorf("%s: refused with %q, want %q", what, err, reason)
	}
}

func with(m map[string]any, name string, value any) map[string]any {
	m = maps.Clone(m)
	if m[name] = value; value == nil {
		delete(m, name)
	}
	return m
}

func TestForgeryWorks(t *testing.T) {
	n := newNode(t)
	token := n.mustIssue(t)
	forged := forge(t, n.private(t), part(t, token, 0), part(t, token, 1))
	wantVerify(t, n, "a forgery with our own key and nothing changed", forged, nil)
}

func TestOtherAlgorithms(t *testing.T) {
	const reason = "not a compact JWS signed with EdDSA"
	n := newNode(t)
	token := n.mustIssue(t)
	header, claims := part(t, token, 0), part(t, token, 1)
	public := n.ring.Load().keys[0].public
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		input := encode(t, with(header, "alg", alg)) + "." + encode(t, claims) + "."
		wantReason(t, n, "G01 alg "+alg+" without a signature", input, reason)
		wantReason(t, n, "G01 alg "+alg+" with the signature", input+strings.Split(token, ".")[2], reason)
	}
	for name, secret := range map[string][]byte{
		"raw": public, "DER": der, "x": []byte(b64.EncodeToString(public)),
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
	} {
		input := encode(t, with(header, "alg", "HS256")) + "." + encode(t, claims)
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		wantReason(t, n, "G01 HS256 keyed with the public key as "+name, input+"."+b64.EncodeToString(mac.Sum(nil)), reason)
	}
	for _, alg := range []string{"RS256", "ES256", "PS256", "Ed448", "eddsa", "A128KW"} {
		wantReason(t, n, "G04 alg "+alg, forge(t, n.private(t), with(header, "alg", alg), claims), reason)
	}
}

func TestOtherKeys(t *testing.T) {
	n, stranger := newNode(t), newNode(t)
	token := n.mustIssue(t)
	header, claims := part(t, token, 0), part(t, token, 1)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: public, Algorithm: "EdDSA", Use: "sig"}
	for name, forged := range map[string]string{
		"G12 a key of another host":       stranger.mustIssue(t),
		"G02 our kid, another key":        forge(t, private, header, claims),
		"G02 an embedded key":             forge(t, private, with(header, "jwk", jwk), claims),
		"G02 an embedded key and no kid":  forge(t, private, with(with(header, "jwk", jwk), "kid", nil), claims),
		"G02 a key at a URL":              forge(t, private, with(header, "jku", "http://127.0.0.1:1/jwks.json"), claims),
		"G03 no kid":                      forge(t, n.private(t), with(header, "kid", nil), claims),
		"G03 empty kid":                   forge(t, n.private(t), with(header, "kid", ""), claims),
		"G03 kid is a path":               forge(t, n.private(t), with(header, "kid", "../../dev/null"), claims),
		"G03 kid is SQL":                  forge(t, n.private(t), with(header, "kid", "' OR 1=1 --"), claims),
		"G03 kid is a number":             forge(t, n.private(t), with(header, "kid", 1), claims),
		"G07 an unknown critical header":  forge(t, n.private(t), with(with(header, "crit", []string{"x"}), "x", 1), claims),
		"G06 a payload that is not coded": forge(t, n.private(t), with(with(header, "crit", []string{"b64"}), "b64", false), claims),
	} {
		wantVerify(t, n, name, forged, sso.ErrTokenInvalid)
	}
}

// What one of our keys signed is still not an access token of this host.
func TestOtherPurposes(t *testing.T) {
	n := newNode(t)
	key, token := n.private(t), n.mustIssue(t)
	header, claims := part(t, token, 0), part(t, token, 1)
	for name, forged := range map[string]string{
		"G12 typ JWT":                forge(t, key, with(header, "typ", "JWT"), claims),
		"G12 typ logout+jwt":         forge(t, key, with(header, "typ", "logout+jwt"), claims),
		"G12 typ in another case":    forge(t, key, with(header, "typ", "AT+JWT"), claims),
		"G12 typ a list":             forge(t, key, with(header, "typ", []string{"at+jwt"}), claims),
		"G12 no typ":                 forge(t, key, with(header, "typ", nil), claims),
		"G12 another audience":       forge(t, key, header, with(claims, "aud", "https://elsewhere.example.org")),
		"G12 no audience":            forge(t, key, header, with(claims, "aud", nil)),
		"G12 several audiences":      forge(t, key, header, with(claims, "aud", []string{issuer})),
		"another issuer":             forge(t, key, header, with(claims, "iss", "https://elsewhere.example.org")),
		"an issuer that only begins": forge(t, key, header, with(claims, "iss", issuer+"/")),
		"an issuer in another case":  forge(t, key, header, with(claims, "iss", strings.ToUpper(issuer))),
		"no issuer":                  forge(t, key, header, with(claims, "iss", nil)),
		"no subject":                 forge(t, key, header, with(claims, "sub", nil)),
		"no session":                 forge(t, key, header, with(claims, "sid", nil)),
		"no expiry":                  forge(t, key, header, with(claims, "exp", nil)),
		"expiry is a text":           forge(t, key, header, with(claims, "exp", "4000000000")),
		"expiry beyond all bounds":   forge(t, key, header, with(claims, "exp", 1e30)),
		"claims are a list":          forge(t, key, header, []any{claims}),
		"claims are null":            forge(t, key, header, nil),
	} {
		wantVerify(t, n, name, forged, sso.ErrTokenInvalid)
	}
	sameKeys := startNode(t, n.store, start, secret, "https://elsewhere.example.org")
	wantVerify(t, sameKeys, "a token of another issuer with the same keys", token, sso.ErrTokenInvalid)
}

func TestTampering(t *testing.T) {
	n := newNode(t)
	token := n.mustIssue(t)
	parts := strings.Split(token, ".")
	claims := part(t, token, 1)
	admin := parts[0] + "." + encode(t, with(claims, "role", "admin")) + "." + parts[2]
	wantVerify(t, n, "another role", admin, sso.ErrTokenInvalid)
	for i := range token {
		for _, c := range []byte{'A', 'B', '.', '\n', '=', 0x80} {
			if token[i] != c {
				wantVerify(t, n, "one character changed", token[:i]+string(c)+token[i+1:], sso.ErrTokenInvalid)
			}
		}
	}
	for i := range token {
		wantVerify(t, n, "cut short", token[:i], sso.ErrTokenInvalid)
	}
}

func TestOtherEncodings(t *testing.T) {
	n := newNode(t)
	token := n.mustIssue(t)
	p := strings.Split(token, ".")
	spaced := b64.EncodeToString([]byte(`{ "alg":"EdDSA","kid":"` + signedBy(t, token) + `","typ":"at+jwt"}`))
	for name, bad := range map[string]string{
		"G06 JSON serialization":     `{"payload":"` + p[1] + `","protected":"` + p[0] + `","signature":"` + p[2] + `"}`,
		"G06 detached payload":       p[0] + ".." + p[2],
		"G06 four parts":             token + ".",
		"G06 five parts":             token + "." + p[1] + "." + p[2],
		"G08 padding":                token + "==",
		"G08 line break inside":      p[0] + "." + p[1] + "\n." + p[2],
		"G08 line break at the end":  token + "\r\n",
		"G08 space before":           " " + token,
		"G08 unused bits set":        token[:len(token)-1] + string(nextInGroup(token[len(token)-1])),
		"G08 standard alphabet":      p[0] + "." + p[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(p[2]+"-"),
		"another text of the header": spaced + "." + p[1] + "." + p[2],
		"a prefix":                   "Bearer " + token,
		"empty":                      "",
		"dots":                       "..",
		"not UTF-8":                  "\xff\xfe." + p[1] + "." + p[2],
	} {
		wantVerify(t, n, name, bad, sso.ErrTokenInvalid)
	}
}

func TestLongTokensAreNotParsed(t *testing.T) {
	n := newNode(t)
	for name, long := range map[string]string{
		"G09 a million dots":         strings.Repeat(".", 1_000_000),
		"G09 a header of a megabyte": strings.Repeat("A", 1<<20) + ".e30.",
		"G09 just too long":          strings.Repeat("A", maxToken+1),
	} {
		wantReason(t, n, name, long, "too long")
	}
}

// nextInGroup returns another base64url character for the same bits: the last
// of 86 characters carries two bits only.
func nextInGroup(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)+1]
}

func FuzzVerify(f *testing.F) {
	n := newNode(f)
	token := n.mustIssue(f)
	p := strings.Split(token, ".")
	for _, seed := range []string{
		token, "", "..", p[0] + ".." + p[2], "eyJhbGciOiJub25lIn0.e30.", p[0] + "." + p[1] + ".", "{}", token + ".",
		forge(f, n.private(f), map[string]any{"alg": "EdDSA", "crit": []any{nil}}, nil),
		forge(f, n.private(f), map[string]any{"alg": "EdDSA", "jwk": map[string]any{"kty": "OKP", "crv": "Ed25519", "x": ""}}, nil),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if claims, err := n.Verify(t.Context(), text); err == nil && text != token {
			t.Errorf("accepted %q as %v", text, claims)
		}
	})
}
