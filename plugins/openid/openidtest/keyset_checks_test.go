package openidtest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// keyOf returns the published key that the ID token names.
func keyOf(f *flow) map[string]any {
	keys, _ := f.keySet().object()["keys"].([]any)
	for _, k := range keys {
		if k, ok := k.(map[string]any); ok && k["kid"] == f.header()["kid"] {
			return k
		}
	}
	return nil
}

func keyIs(name string, want any) check {
	return func(f *flow) bool { return is(keyOf(f)[name], want) }
}

func decoded(v any) []byte {
	text, _ := v.(string)
	raw, _ := base64.RawURLEncoding.DecodeString(text)
	return raw
}

// verifiesByHand raises the signature to the public exponent, as only a careless verifier
// does, and looks for the hash in the given position.
func verifiesByHand(f *flow, bits, exponent int, found func(message, digest []byte) bool) bool {
	n, e := new(big.Int).SetBytes(decoded(keyOf(f)["n"])), new(big.Int).SetBytes(decoded(keyOf(f)["e"]))
	if n.BitLen() < bits-1 || n.BitLen() > bits || e.Cmp(big.NewInt(int64(exponent))) != 0 {
		return false
	}
	parts := strings.Split(f.idToken(), ".")
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	message := new(big.Int).Exp(new(big.Int).SetBytes(part(f.idToken(), 2)), e, n)
	return found(message.FillBytes(make([]byte, bits/8)), digest[:])
}

func hashAtTheRight(message, digest []byte) bool {
	return bytes.HasPrefix(message, []byte{0, 1, 0xff, 0xff}) && bytes.HasSuffix(message, digest)
}

// hashBehindShortPadding is where the forger puts it.
func hashBehindShortPadding(message, digest []byte) bool {
	const at = 2 + 8 + 1 + 19
	return bytes.HasPrefix(message, []byte{0, 1, 0xff, 0xff}) && bytes.HasPrefix(message[at:], digest)
}

// hasROCAFingerprint: modulo each small prime, the modulus is a power of 65537.
func hasROCAFingerprint(f *flow) bool {
	n := new(big.Int).SetBytes(decoded(keyOf(f)["n"]))
	for p := int64(3); p <= 167; p += 2 {
		prime := big.NewInt(p)
		if !prime.ProbablyPrime(0) {
			continue
		}
		rest, power := new(big.Int).Mod(n, prime).Int64(), int64(1)
		for i := int64(0); i < p && power != rest; i++ {
			power = power * 65537 % p
		}
		if power != rest {
			return false
		}
	}
	return true
}

func keySetChecks() map[openidtest.Misbehaviour]check {
	at := (*flow).keySet
	return map[openidtest.Misbehaviour]check{
		openidtest.KeySetGarbage:   func(f *flow) bool { return at(f).status == http.StatusOK && !json.Valid(at(f).body) },
		openidtest.KeySetHTML:      isHTML(at),
		openidtest.KeySetDown:      isDownWith(at, http.StatusServiceUnavailable, "keys"),
		openidtest.KeySetHangs:     neverEnds(at),
		openidtest.KeySetTrickles:  neverEnds(at),
		openidtest.KeySetOversized: isLargerThan(at, 50<<20),
		openidtest.KeySetRedirect:  lures(at, http.StatusFound, followGet),

		openidtest.KeySetEmpty:       func(f *flow) bool { return is(at(f).object()["keys"], []any{}) },
		openidtest.KeySetTenThousand: func(f *flow) bool { return strings.Count(string(at(f).body), `"kid"`) > 10_000 && good(f) },
		openidtest.KeySetSymmetric: func(f *flow) bool {
			return keyIs("kty", "oct")(f) && hmacVerifies(f, decoded(keyOf(f)["k"]))
		},
		openidtest.KeySetRSA512:         func(f *flow) bool { return verifiesByHand(f, 512, 65537, hashAtTheRight) },
		openidtest.KeySetROCA:           func(f *flow) bool { return verifiesByHand(f, 2048, 65537, hashAtTheRight) && hasROCAFingerprint(f) },
		openidtest.KeySetRSA1024:        func(f *flow) bool { return verifiesByHand(f, 1024, 65537, hashAtTheRight) },
		openidtest.KeySetExponentOne:    func(f *flow) bool { return verifiesByHand(f, 2048, 1, hashAtTheRight) },
		openidtest.KeySetExponentThree:  func(f *flow) bool { return verifiesByHand(f, 2048, 3, hashBehindShortPadding) },
		openidtest.KeySetForEncryption:  all(keyIs("use", "enc"), good),
		openidtest.KeySetOtherAlgorithm: all(keyIs("alg", "RS512"), headerIs("alg", "RS256"), good),
		openidtest.KeySetWithoutVerify:  all(keyIs("key_ops", []any{"encrypt", "wrapKey"}), good),
		openidtest.KeySetPrivateKey:     func(f *flow) bool { return keyOf(f)["d"] != nil },
		openidtest.KeySetPointOffCurve:  func(f *flow) bool { return keyIs("crv", "P-256")(f) && !good(f) },
		openidtest.KeySetWrongCurve:     all(keyIs("crv", "P-384"), keyIs("alg", "ES256"), headerIs("alg", "ES256")),

		openidtest.KeySetUnknownType:   func(f *flow) bool { return strings.Contains(string(at(f).body), `"kty":"ML"`) },
		openidtest.KeySetBadNeighbours: func(f *flow) bool { return strings.Contains(string(at(f).body), `"kid":"untyped"`) },
		openidtest.KeySetBareKey:       func(f *flow) bool { return keyOf(f) != nil && !has(keyOf(f), "use") && !has(keyOf(f), "alg") },

		openidtest.KidAbsentOneKey:      func(f *flow) bool { return headerLacks("kid")(f) && strings.Count(string(at(f).body), `"kid"`) == 1 },
		openidtest.KidAbsentSeveralKeys: func(f *flow) bool { return headerLacks("kid")(f) && strings.Count(string(at(f).body), `"RS256"`) == 2 },
	}
}
