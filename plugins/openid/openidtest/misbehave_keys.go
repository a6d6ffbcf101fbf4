package openidtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"github.com/go-jose/go-jose/v4"
)

// Misbehaviours of the key set. Where a key is weak, the ID token is signed with
// it, as an attacker would who has broken it.
const (
	KeySetGarbage   Misbehaviour = "jwks-garbage"
	KeySetHTML      Misbehaviour = "jwks-html"
	KeySetDown      Misbehaviour = "jwks-down"
	KeySetHangs     Misbehaviour = "jwks-hangs"
	KeySetTrickles  Misbehaviour = "jwks-trickles"
	KeySetOversized Misbehaviour = "jwks-oversized"
	KeySetRedirect  Misbehaviour = "jwks-redirect"

	KeySetEmpty          Misbehaviour = "jwks-empty"
	KeySetTenThousand    Misbehaviour = "jwks-ten-thousand-keys"
	KeySetSymmetric      Misbehaviour = "jwks-symmetric"
	KeySetRSA512         Misbehaviour = "jwks-rsa-512"
	KeySetRSA1024        Misbehaviour = "jwks-rsa-1024"
	KeySetROCA           Misbehaviour = "jwks-rsa-roca"
	KeySetExponentOne    Misbehaviour = "jwks-exponent-one"
	KeySetExponentThree  Misbehaviour = "jwks-exponent-three"
	KeySetForEncryption  Misbehaviour = "jwks-for-encryption"
	KeySetOtherAlgorithm Misbehaviour = "jwks-other-algorithm"
	KeySetWithoutVerify  Misbehaviour = "jwks-without-verify"
	KeySetPrivateKey     Misbehaviour = "jwks-private-key"
	KeySetPointOffCurve  Misbehaviour = "jwks-point-off-curve"
	KeySetWrongCurve     Misbehaviour = "jwks-wrong-curve"

	KeySetUnknownType   Misbehaviour = "jwks-unknown-type"
	KeySetBadNeighbours Misbehaviour = "jwks-bad-neighbours"
	KeySetBareKey       Misbehaviour = "jwks-bare-key"

	KidAbsentOneKey      Misbehaviour = "kid-absent-one-key"
	KidAbsentSeveralKeys Misbehaviour = "kid-absent-several-keys"
)

func keySetReplies() []behaviour {
	return []behaviour{
		{name: KeySetGarbage, rows: "F23", text: "the key set is not JSON",
			reply: func(_ *Provider, rep *reply) { rep.body = rep.body[:len(rep.body)/2] }},
		{name: KeySetHTML, rows: "F23", text: "status 200 with an HTML page",
			reply: becomes(http.StatusOK, "text/html", htmlPage)},
		{name: KeySetDown, rows: "F23", text: "status 503 with the right key set",
			reply: func(_ *Provider, rep *reply) { rep.status = http.StatusServiceUnavailable }},
		{name: KeySetHangs, rows: "F23 E21", text: "no answer", reply: hanging},
		{name: KeySetTrickles, rows: "F23 E21", text: "white space, a byte at a time and without end", reply: trickling},
		{name: KeySetOversized, rows: "F23", text: "50 MiB of white space before the right key set",
			reply: inflated(50 * mebibyte)},
		{name: KeySetRedirect, rows: "F23 E09", text: "a redirect to the right key set (counted as Trap)",
			reply: redirecting(http.StatusFound, "jwks")},
	}
}

func keySetBehaviours() []behaviour {
	es256 := Needs{Alg: string(jose.ES256)}
	return []behaviour{
		{name: KeySetEmpty, rows: "F23", text: "the key set has no keys",
			jwks: func(*Provider, []jwk) ([]jwk, error) { return []jwk{}, nil }},
		{name: KeySetTenThousand, rows: "F23", text: "10 000 keys, the right ones last", jwks: tenThousandKeys},
		{name: KeySetSymmetric, rows: "F23 G01", text: "the key set has one symmetric key, and the ID token is HS256 with it",
			jwks: onlySymmetricKey, jws: signWithHMAC(publishedSecret)},
		{name: KeySetRSA512, rows: "F23 G11", text: "the RS256 key has 512 bits",
			jwks: swapRSA(rsa512), jws: signWithRSA(rsa512)},
		{name: KeySetRSA1024, rows: "F23 G11", text: "the RS256 key has 1024 bits",
			jwks: swapRSA(rsa1024), jws: signWithRSA(rsa1024)},
		{name: KeySetROCA, rows: "F23 G11", text: "the RS256 key has 2048 bits and comes from a generator whose keys can be factored (CVE-2017-15361)",
			jwks: swapRSA(roca), jws: signWithRSA(roca)},
		{name: KeySetExponentOne, rows: "F23 G11", text: "the RS256 key has the public exponent 1, so that anybody can sign",
			jwks: swapRSA(rsaExponentOne), jws: signWithRSA(rsaExponentOne)},
		{name: KeySetExponentThree, rows: "G11", text: "the RS256 key has the public exponent 3, and the signature is forged without the private key, for verifiers that do not look behind the hash",
			jwks: swapRSA(rsaExponentThree), jws: forgeWithExponentThree},
		{name: KeySetForEncryption, rows: "F23 G05", text: "every key has use=enc",
			jwks: eachKey(func(k jwk) { k["use"] = "enc" })},
		{name: KeySetOtherAlgorithm, rows: "G05", text: "every key has another alg than the signatures made with it",
			jwks: eachKey(func(k jwk) { k["alg"] = otherAlgorithm(k["alg"]) })},
		{name: KeySetWithoutVerify, rows: "F23 G05", text: "every key has key_ops without verify, and no use",
			jwks: eachKey(func(k jwk) {
				delete(k, "use")
				k["key_ops"] = []string{"encrypt", "wrapKey"}
			})},
		{name: KeySetPrivateKey, rows: "F23", text: "the RS256 key is published with its private half: anybody can sign",
			jwks: publishPrivateKey},
		{name: KeySetPointOffCurve, rows: "G10", needs: es256, text: "the ES256 key is not a point on its curve",
			jwks: eachKey(moveOffCurve)},
		{name: KeySetWrongCurve, rows: "G10", needs: es256, text: "the ES256 key lies on P-384, and signs",
			jwks: publishP384, jws: signWithP384},

		{name: KeySetUnknownType, rows: "F23", legal: true, text: "there is a key of an unknown type in addition, to be ignored (RFC 7517 section 5)",
			jwks: unknownNeighbours},
		{name: KeySetBadNeighbours, rows: "F23 G05", legal: true, text: "there are weak, symmetric, broken and encryption keys in addition, to be ignored one by one",
			jwks: badNeighbours},
		{name: KeySetBareKey, rows: "F13", legal: true, text: "the keys have neither use nor alg, which RFC 7517 leaves optional",
			jwks: eachKey(func(k jwk) {
				delete(k, "use")
				delete(k, "alg")
			})},

		{name: KidAbsentOneKey, rows: "F13", legal: true, text: "the key set has one key, and the ID token no kid",
			jwks: onlyKeyOf(jose.RS256), jws: withoutHeader("kid")},
		{name: KidAbsentSeveralKeys, rows: "F14", legal: true, text: "the key set has several keys for the algorithm, and the ID token no kid, which OpenID Connect Core section 10.1 wants: the signature says which",
			jwks: withStrangers, jws: withoutHeader("kid")},
	}
}

func tenThousandKeys(_ *Provider, keys []jwk) ([]jwk, error) {
	many := make([]jwk, 0, 10_000+len(keys))
	for i := range 10_000 {
		copied := maps.Clone(keys[0])
		copied["kid"] = "key-" + strconv.Itoa(i)
		many = append(many, copied)
	}
	return append(many, keys...), nil
}

// publishedSecret is a symmetric key that everybody can read.
func publishedSecret(*signing) ([]byte, error) {
	return []byte("a symmetric key in a public place"), nil
}

func onlySymmetricKey(p *Provider, _ []jwk) ([]jwk, error) {
	secret, err := publishedSecret(nil)
	if err != nil {
		return nil, err
	}
	return []jwk{{"kty": "oct", "kid": p.keys.signing(jose.RS256).id, "use": "sig", "alg": "HS256", "k": encode(secret)}}, nil
}

func eachKey(change func(jwk)) func(*Provider, []jwk) ([]jwk, error) {
	return func(_ *Provider, keys []jwk) ([]jwk, error) {
		for _, k := range keys {
			change(k)
		}
		return keys, nil
	}
}

func unknownNeighbours(_ *Provider, keys []jwk) ([]jwk, error) {
	neighbours := []jwk{
		{"kty": "ML", "kid": "lattice", "use": "sig", "alg": "ML-DSA-44", "pub": "AAAA"},
		{"kty": "EC", "crv": "secp256k1", "kid": "coin", "use": "sig", "alg": "ES256K", "x": "AAAA", "y": "AAAA"},
	}
	return append(neighbours, keys...), nil
}

// otherAlgorithm is one that the same key could sign with.
func otherAlgorithm(alg any) string {
	switch alg {
	case "RS256":
		return "RS512"
	case "PS256":
		return "RS256"
	case "ES256":
		return "ES512"
	}
	return "ES256"
}

func publishPrivateKey(p *Provider, keys []jwk) ([]jwk, error) {
	k := p.keys.signing(jose.RS256)
	private, err := toJWK(jose.JSONWebKey{Key: k.private, KeyID: k.id, Algorithm: string(k.alg), Use: "sig"})
	if err != nil {
		return nil, err
	}
	return replaceKey(keys, private), nil
}

// replaceKey puts k in the place of the key with its kid.
func replaceKey(keys []jwk, k jwk) []jwk {
	for i := range keys {
		if keys[i]["kid"] == k["kid"] {
			keys[i] = k
		}
	}
	return keys
}

func moveOffCurve(k jwk) {
	x, ok := k["x"].(string)
	if !ok || k["crv"] != "P-256" {
		return
	}
	point, err := base64.RawURLEncoding.DecodeString(x)
	if err != nil {
		return // not ours then
	}
	point[len(point)-1] ^= 1
	k["x"] = encode(point)
}

// publishP384 and signWithP384 share one key of the process.
func publishP384(p *Provider, keys []jwk) ([]jwk, error) {
	private, err := p384()
	if err != nil {
		return nil, err
	}
	public, err := toJWK(jose.JSONWebKey{Key: private.Public(), KeyID: p.keys.signing(jose.ES256).id, Algorithm: "ES256", Use: "sig"})
	if err != nil {
		return nil, err
	}
	return replaceKey(keys, public), nil
}

func signWithP384(s *signing) error {
	private, err := p384()
	if err != nil {
		return err
	}
	s.use(key{s.provider.keys.signing(jose.ES256).id, jose.ES256, private})
	return nil
}

func newP384() (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
}

func badNeighbours(p *Provider, keys []jwk) ([]jwk, error) {
	weak, err := rsa512()
	if err != nil {
		return nil, err
	}
	neighbours := []jwk{
		{"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
		weak.jwk("weak"),
		{"kty": "EC", "crv": "P-256", "kid": "nowhere", "use": "sig", "x": "AAAA", "y": "AAAA"},
		{"kty": "RSA", "kid": "empty", "use": "sig", "n": "", "e": ""},
		{"kid": "untyped"},
	}
	encryption := maps.Clone(keys[0])
	encryption["kid"], encryption["use"], encryption["alg"] = "encryption", "enc", "RSA-OAEP-256"
	return append(append(neighbours, encryption), keys...), nil
}

func onlyKeyOf(alg jose.SignatureAlgorithm) func(*Provider, []jwk) ([]jwk, error) {
	return func(p *Provider, keys []jwk) ([]jwk, error) {
		for _, k := range keys {
			if k["kid"] == p.keys.signing(alg).id {
				return []jwk{k}, nil
			}
		}
		return nil, fmt.Errorf("no %s key", alg)
	}
}

// withStrangers adds another key for each algorithm.
func withStrangers(_ *Provider, keys []jwk) ([]jwk, error) {
	for _, alg := range algorithms {
		stranger, err := strangerKey(alg)
		if err != nil {
			return nil, err
		}
		public, err := stranger.publicJWK()
		if err != nil {
			return nil, err
		}
		keys = append(keys, public)
	}
	return keys, nil
}
