package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
	"strings"
)

// Asymmetric are the algorithms that can be accepted (RFC 7518 section 3.1, RFC 8037 section
// 3.1). HS256, HS384 and HS512 are excluded: anyone who has the client secret could sign, and
// a public key could be used as a secret (RFC 8725 section 2.1).
var Asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// canonicalAlg returns the name of an algorithm that this package uses. RFC 9864 section 2.2
// calls EdDSA with a key on the curve Ed25519, the only supported one, Ed25519.
func canonicalAlg(alg string) string {
	if alg == "Ed25519" {
		return "EdDSA"
	}
	return alg
}

// Known returns the supported ones of these algorithms, by the names that this package uses;
// nil for nil.
func Known(algs []string) []string {
	if algs == nil {
		return nil
	}
	known := []string{}
	for _, alg := range algs {
		for _, ours := range Asymmetric {
			if canonicalAlg(alg) == ours {
				known = append(known, ours)
			}
		}
	}
	return known
}

// isSignedBy reports whether the signature is from the key. The algorithm must fit the key,
// see [PublicKey.Fits].
func (c compact) isSignedBy(public any) bool {
	switch public := public.(type) {
	case *rsa.PublicKey:
		hash, digest := digestOf(c.alg, c.input)
		if strings.HasPrefix(c.alg, "PS") {
			// The salt must be as long as the hash (RFC 7518 section 3.5): no signer of this
			// algorithm uses another length.
			return rsa.VerifyPSS(public, hash, digest, c.signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(public, hash, digest, c.signature) == nil
	case *ecdsa.PublicKey:
		// R and S, each as long as the curve's order (RFC 7518 section 3.4).
		size := (public.Curve.Params().BitSize + 7) / 8
		if len(c.signature) != 2*size {
			return false
		}
		_, digest := digestOf(c.alg, c.input)
		r, s := new(big.Int).SetBytes(c.signature[:size]), new(big.Int).SetBytes(c.signature[size:])
		return ecdsa.Verify(public, digest, r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(public, []byte(c.input), c.signature)
	}
	return false
}

// digestOf hashes with the function that the end of the algorithm's name says.
func digestOf(alg, input string) (crypto.Hash, []byte) {
	switch {
	case strings.HasSuffix(alg, "384"):
		sum := sha512.Sum384([]byte(input))
		return crypto.SHA384, sum[:]
	case strings.HasSuffix(alg, "512"):
		sum := sha512.Sum512([]byte(input))
		return crypto.SHA512, sum[:]
	default:
		sum := sha256.Sum256([]byte(input))
		return crypto.SHA256, sum[:]
	}
}
