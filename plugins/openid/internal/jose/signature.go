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

// Asymmetric are the algorithms that can be accepted (RFC 7518 section 3.1, RFC 8037
// section 3.1). HS256 and its like are none of them: whoever holds the client secret
// could sign, and a public key could be taken for a secret (RFC 8725 section 2.1).
var Asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// canonicalAlg is the name by which an algorithm is known here. Ed25519 is what RFC
// 9864 section 2.2 calls EdDSA with a key of that curve, the only one that we have.
func canonicalAlg(alg string) string {
	if alg == "Ed25519" {
		return "EdDSA"
	}
	return alg
}

// Known are those of the algorithms that we have, by the names that we know them by;
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

// signed reports whether the signature is that of the key. The algorithm must fit the
// key, see [PublicKey.Fits].
func (c compact) signed(public any) bool {
	switch public := public.(type) {
	case *rsa.PublicKey:
		hash, digest := digestOf(c.alg, c.input)
		if strings.HasPrefix(c.alg, "PS") {
			// The salt is as long as the hash (RFC 7518 section 3.5). A verifier that takes
			// any length takes signatures that no signer of this algorithm makes.
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

// digestOf hashes with what the algorithm's name ends in.
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
