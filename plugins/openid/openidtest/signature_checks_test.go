package openidtest_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/go-jose/go-jose/v4"
)

// hmacVerifies checks HS256 by hand.
func hmacVerifies(f *flow, secret []byte) bool {
	parts := strings.Split(f.idToken(), ".")
	if len(parts) != 3 || f.header()["alg"] != "HS256" {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(parts[0] + "." + parts[1]))
	return hmac.Equal(mac.Sum(nil), part(f.idToken(), 2))
}

// withPublicKey checks HS256 with a form of the RSA key that is published.
func withPublicKey(form func(*rsa.PublicKey) []byte) check {
	return func(f *flow) bool {
		n, e := new(big.Int).SetBytes(decoded(keyOf(f)["n"])), new(big.Int).SetBytes(decoded(keyOf(f)["e"]))
		return n.Sign() > 0 && hmacVerifies(f, form(&rsa.PublicKey{N: n, E: int(e.Int64())}))
	}
}

func derOf(public *rsa.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil
	}
	return der
}

func pemOf(public *rsa.PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: derOf(public)})
}

func signatureChecks() map[openidtest.Misbehaviour]check {
	bad := func(alg string) check {
		return func(f *flow) bool { return headerIs("alg", alg)(f) && keyOf(f) != nil && !good(f) }
	}
	none := func(alg string) check {
		return func(f *flow) bool { return headerIs("alg", alg)(f) && strings.HasSuffix(f.idToken(), ".") }
	}
	zero := make([]byte, 64)
	kidOf := func(alg string) check {
		return func(f *flow) bool { return strings.HasPrefix(describe(f.header()["kid"]), strings.ToLower(alg)+"-") }
	}
	return map[openidtest.Misbehaviour]check{
		openidtest.SignatureBadRS256:   bad("RS256"),
		openidtest.SignatureBadPS256:   bad("PS256"),
		openidtest.SignatureBadES256:   bad("ES256"),
		openidtest.SignatureBadEdDSA:   bad("EdDSA"),
		openidtest.SignatureMissing:    none("RS256"),
		openidtest.SignatureOfStranger: bad("RS256"),
		openidtest.SignatureForOther:   bad("RS256"),

		openidtest.HMACClientSecret:     func(f *flow) bool { return hmacVerifies(f, []byte(f.client.Secret)) },
		openidtest.HMACPublicKeyPEM:     withPublicKey(pemOf),
		openidtest.HMACPublicKeyDER:     withPublicKey(derOf),
		openidtest.HMACPublicKeyModulus: withPublicKey(func(public *rsa.PublicKey) []byte { return public.N.Bytes() }),
		openidtest.HMACEmptyKey:         func(f *flow) bool { return hmacVerifies(f, nil) },

		openidtest.AlgNone:           none("none"),
		openidtest.AlgNoneTitle:      none("None"),
		openidtest.AlgNoneMixed:      none("nOnE"),
		openidtest.AlgMissing:        headerLacks("alg"),
		openidtest.SignatureSaltLong: all(headerIs("alg", "PS256"), verifiesAs(jose.PS256), saltIsLong),
		openidtest.AlgOther:          all(headerIs("alg", "ES256"), good),
		openidtest.AlgOtherThanKey:   all(headerIs("alg", "RS384"), keyIs("alg", "RS256"), verifiesAs(jose.RS384)),

		openidtest.ECDSAZero: func(f *flow) bool { return bytes.Equal(part(f.idToken(), 2), zero) },
		openidtest.ECDSADER: func(f *flow) bool {
			signature := part(f.idToken(), 2)
			return len(signature) > 2 && signature[0] == 0x30 && int(signature[1]) == len(signature)-2
		},
		openidtest.ECDSATooLong: func(f *flow) bool { return len(part(f.idToken(), 2)) == 66 },
		openidtest.ECDSAHighS:   alwaysHighS,

		openidtest.KeysRotated: func(f *flow) bool {
			before := newFlow(f.t, f.op, f.client, "alice")
			return before.header()["kid"] != f.header()["kid"] && good(f)
		},
		openidtest.KeyWithdrawn: all(kidOf("RS256"), func(f *flow) bool { return f.idToken() != "" && keyOf(f) == nil }),
		openidtest.KidUnknown:   all(kidOf("unknown"), func(f *flow) bool { return keyOf(f) == nil }),
		openidtest.KidTraversal: func(f *flow) bool {
			return strings.HasPrefix(describe(f.header()["kid"]), "../") && hmacVerifies(f, nil)
		},
		openidtest.KidSQL:        func(f *flow) bool { return strings.Contains(describe(f.header()["kid"]), "UNION SELECT") },
		openidtest.KidHuge:       func(f *flow) bool { return len(describe(f.header()["kid"])) == 10<<10 },
		openidtest.KidNumber:     headerIs("kid", json.Number("42")),
		openidtest.KidNull:       headerIs("kid", nil),
		openidtest.KidOfOtherAlg: all(kidOf("ES256"), headerIs("alg", "RS256")),
	}
}

// saltIsLong: go-jose, which verifiesAs uses, accepts any salt length.
func saltIsLong(f *flow) bool {
	public := publicRSA(f)
	input, _, _ := strings.Cut(f.idToken(), "."+strings.Split(f.idToken(), ".")[2])
	digest := sha256.Sum256([]byte(input))
	return rsa.VerifyPSS(public, crypto.SHA256, digest[:], part(f.idToken(), 2), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) != nil
}

func publicRSA(f *flow) *rsa.PublicKey {
	return &rsa.PublicKey{
		N: new(big.Int).SetBytes(decoded(keyOf(f)["n"])),
		E: int(new(big.Int).SetBytes(decoded(keyOf(f)["e"])).Int64()),
	}
}

func verifiesAs(alg jose.SignatureAlgorithm) check {
	return func(f *flow) bool {
		parsed, err := jose.ParseSignedCompact(f.idToken(), []jose.SignatureAlgorithm{alg})
		if err != nil {
			return false
		}
		_, err = parsed.Verify(publicRSA(f))
		return err == nil
	}
}

// alwaysHighS checks several logins, because half of all signatures have a high S by
// chance.
func alwaysHighS(f *flow) bool {
	for range 16 {
		next := newFlow(f.t, f.op, f.client, f.hint)
		signature := part(next.idToken(), 2)
		// The order of P-256 starts with 0xffffffff00000000.
		if len(signature) != 64 || signature[32] < 0x7f {
			return false
		}
	}
	return good(f)
}
