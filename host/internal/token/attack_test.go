package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // what must not verify
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

var b64 = base64.RawURLEncoding

// private returns the oldest private key of n, to forge with.
func (n *node) private(t testing.TB) crypto.Signer {
	t.Helper()
	keys, err := n.store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	oldest := keys[len(keys)-1]
	encoded, _, err := n.seal.Open(oldest.Sealed, []byte(oldest.ID))
	if err != nil {
		t.Fatal(err)
	}
	a, err := algorithmOf(oldest.Algorithm)
	if err != nil {
		t.Fatal(err)
	}
	private, err := a.decode(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func encode(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b64.EncodeToString(raw)
}

// forge signs any header and claims with any key, with the algorithm of such keys.
func forge(t testing.TB, key crypto.Signer, header, claims any) string {
	t.Helper()
	input := encode(t, header) + "." + encode(t, claims)
	return input + "." + b64.EncodeToString(signRaw(t, key, input))
}

// signRaw signs as in RFC 7518 and RFC 8037, without the library under test.
func signRaw(t testing.TB, key crypto.Signer, input string) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(input))
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(key, []byte(input))
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case *rsa.PrivateKey:
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	t.Fatalf("a key of type %T", key)
	return nil
}

// wantReason checks that a token is refused, by the check that the text names: a later
// check might refuse it as well, but not as cheaply or reliably.
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
	eachAlgorithm(t, func(t *testing.T, n *node) {
		token := n.mustIssue(t)
		forged := forge(t, n.private(t), part(t, token, 0), part(t, token, 1))
		wantVerify(t, n, "a forgery with our own key and nothing changed", forged, nil)
	})
}

func TestOtherAlgorithms(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, n *node) {
		const unknown, another = "not a compact JWS signed with a supported algorithm", "not signed with the algorithm of its key"
		token := n.mustIssue(t)
		header, claims := part(t, token, 0), part(t, token, 1)
		for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
			input := encode(t, with(header, "alg", alg)) + "." + encode(t, claims) + "."
			wantReason(t, n, "G01 alg "+alg+" without a signature", input, unknown)
			wantReason(t, n, "G01 alg "+alg+" with the signature", input+strings.Split(token, ".")[2], unknown)
		}
		for name, secret := range publicTexts(t, n) {
			input := encode(t, with(header, "alg", "HS256")) + "." + encode(t, claims)
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(input))
			wantReason(t, n, "G01 HS256 keyed with the public key as "+name, input+"."+b64.EncodeToString(mac.Sum(nil)), unknown)
		}
		for _, alg := range []string{"RS384", "RS512", "PS256", "ES384", "ES256K", "Ed25519", "Ed448", "eddsa", "es256", "A128KW"} {
			wantReason(t, n, "G04 alg "+alg, forge(t, n.private(t), with(header, "alg", alg), claims), unknown)
		}
		for _, a := range algorithms {
			if alg := string(a.name); alg != n.config.Algorithm {
				wantReason(t, n, "G04 alg "+alg, forge(t, n.private(t), with(header, "alg", alg), claims), another)
			}
		}
	})
}

// publicTexts is the public key in the forms that libraries have mistaken for a secret.
func publicTexts(t *testing.T, n *node) map[string][]byte {
	t.Helper()
	public := n.ring.Load().keys[0].public
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string][]byte{
		"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "JWKS": n.JWKS(t.Context()), "nothing": nil,
	}
	switch public := public.(type) {
	case ed25519.PublicKey:
		texts["raw"], texts["x"] = public, []byte(b64.EncodeToString(public))
	case *rsa.PublicKey:
		texts["n"], texts["n coded"] = public.N.Bytes(), []byte(b64.EncodeToString(public.N.Bytes()))
	}
	return texts
}

// Each key verifies with its own algorithm, whatever the header says.
func TestKeysOfSeveralAlgorithms(t *testing.T) {
	s := &keyStore{}
	var nodes []*node
	for _, a := range algorithms {
		nodes = append(nodes, startAlgorithm(t, s, start, string(a.name)))
	}
	for _, signs := range nodes {
		mustMaintain(t, signs)
		signs.clock.set(start.Add(PublishedEarly))
	}
	for _, signs := range nodes {
		token := signs.mustIssue(t)
		header, claims := part(t, token, 0), part(t, token, 1)
		if got := header["alg"]; got != signs.config.Algorithm {
			t.Errorf("a node with %s signs with %v", signs.config.Algorithm, got)
		}
		private := openStored(t, signs, header["kid"].(string))
		for _, verifies := range nodes {
			verifies.clock.set(start.Add(PublishedEarly))
			wantVerify(t, verifies, "a token of "+signs.config.Algorithm, token, nil)
			if verifies == signs {
				continue
			}
			foreign := part(t, verifies.mustIssue(t), 0)
			wantReason(t, verifies, "G03 the kid of another algorithm", forge(t, private, with(header, "kid", foreign["kid"]), claims), "not signed with the algorithm of its key")
			wantVerify(t, verifies, "G03 kid and alg of another key", forge(t, private, foreign, claims), sso.ErrTokenInvalid)
		}
	}
}

func openStored(t *testing.T, n *node, id string) crypto.Signer {
	t.Helper()
	only := &keyStore{}
	keys, err := n.store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if k.ID == id {
			only.keys = append(only.keys, k)
		}
	}
	return (&node{Tokens: n.Tokens, store: only}).private(t)
}

func TestG10SignaturesOfES256(t *testing.T) {
	n := startAlgorithm(t, &keyStore{}, start, "ES256")
	token := n.mustIssue(t)
	dot := strings.LastIndexByte(token, '.')
	private, ok := n.private(t).(*ecdsa.PrivateKey)
	if !ok {
		t.Fatal("no key for ES256")
	}
	sum := sha256.Sum256([]byte(token[:dot]))
	der, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	raw := signRaw(t, private, token[:dot])
	s, order := new(big.Int).SetBytes(raw[32:]), elliptic.P256().Params().N
	otherS := append(slices.Clone(raw[:32]), new(big.Int).Sub(order, s).FillBytes(make([]byte, 32))...)
	signed := func(signature []byte) string { return token[:dot+1] + b64.EncodeToString(signature) }
	for name, signature := range map[string][]byte{
		"DER": der, "r and s of 0": make([]byte, 64), "r and s swapped": append(slices.Clone(raw[32:]), raw[:32]...),
		"s of 0": append(slices.Clone(raw[:32]), make([]byte, 32)...), "r and s of the order": slices.Repeat(order.Bytes(), 2),
		"a zero more before each": slices.Concat([]byte{0}, raw[:32], []byte{0}, raw[32:]), "cut": raw[:63], "longer": append(slices.Clone(raw), 0), "none": {},
	} {
		wantVerify(t, n, "G10 "+name, signed(signature), sso.ErrTokenInvalid)
	}
	// RFC 7518 section 3.4 has no rule about the size of s, and half of the host's
	// signatures have a high one.
	wantVerify(t, n, "this s", signed(raw), nil)
	wantVerify(t, n, "the other s", signed(otherS), nil)
}

func TestG10SignaturesOfRS256(t *testing.T) {
	n := startAlgorithm(t, &keyStore{}, start, "RS256")
	token := n.mustIssue(t)
	dot := strings.LastIndexByte(token, '.')
	private, ok := n.private(t).(*rsa.PrivateKey)
	if !ok {
		t.Fatal("no key for RS256")
	}
	sum, sum1 := sha256.Sum256([]byte(token[:dot])), sha1.Sum([]byte(token[:dot])) //nolint:gosec // what must not verify
	must := func(signature []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	good := signRaw(t, private, token[:dot])
	for name, signature := range map[string][]byte{
		"PSS":       must(rsa.SignPSS(rand.Reader, private, crypto.SHA256, sum[:], nil)),
		"SHA-1":     must(rsa.SignPKCS1v15(nil, private, crypto.SHA1, sum1[:])),
		"no hash":   must(rsa.SignPKCS1v15(nil, private, 0, sum[:])),
		"a longer":  append([]byte{0}, good...),
		"of zeroes": make([]byte, len(good)), "of one": append(make([]byte, len(good)-1), 1), "none": {},
	} {
		wantVerify(t, n, "G10 signature "+name, token[:dot+1]+b64.EncodeToString(signature), sso.ErrTokenInvalid)
	}
	if got := token[dot+1:]; got != b64.EncodeToString(good) {
		t.Error("the token is not signed as RFC 7518 section 3.3 says")
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

// A token signed by a key of this host is not necessarily an access token of this host.
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
	store, good := &keyStore{}, map[string]bool{}
	var n *node
	for _, a := range algorithms {
		n = startAlgorithm(f, store, start, string(a.name))
		mustMaintain(f, n)
		n.clock.set(start.Add(PublishedEarly))
		token := n.mustIssue(f)
		good[token] = true
		p := strings.Split(token, ".")
		for _, seed := range []string{token, p[0] + ".." + p[2], p[0] + "." + p[1] + ".", token + "."} {
			f.Add(seed)
		}
	}
	for _, seed := range []string{
		"", "..", "eyJhbGciOiJub25lIn0.e30.", "{}",
		forge(f, n.private(f), map[string]any{"alg": "EdDSA", "crit": []any{nil}}, nil),
		forge(f, n.private(f), map[string]any{"alg": "EdDSA", "jwk": map[string]any{"kty": "OKP", "crv": "Ed25519", "x": ""}}, nil),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if claims, err := n.Verify(t.Context(), text); err == nil && !good[text] {
			t.Errorf("accepted %q as %v", text, claims)
		}
	})
}
