package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// defaultAlgorithm has the shortest signatures and the fastest signing.
const defaultAlgorithm = string(jose.EdDSA)

// algorithm is a signature algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1), with
// the way its private keys are made and stored.
type algorithm struct {
	name     jose.SignatureAlgorithm
	generate func() (crypto.Signer, error)
	encode   func(crypto.Signer) ([]byte, error)
	decode   func([]byte) (crypto.Signer, error)
}

var algorithms = []algorithm{
	{jose.EdDSA, generateEd25519, encodeSeed, decodeSeed},
	{jose.ES256, generateP256, encodePKCS8, decodeP256},
	{jose.RS256, generateRSA, encodePKCS8, decodeRSA},
}

// rsaBits is the size of new RSA keys: 128 bits of security (NIST SP 800-57 part 1
// section 5.6.1), where 2048 have 112. Signing takes three times as long as with 2048;
// ES256 is the alternative.
const rsaBits = 3072

// leastRSABits is the minimum in RFC 7518 section 3.3.
const leastRSABits = 2048

// algorithmOf returns the algorithm with that name, or an error that lists all of them.
func algorithmOf(name string) (algorithm, error) {
	var known []string
	for _, a := range algorithms {
		if string(a.name) == name {
			return a, nil
		}
		known = append(known, string(a.name))
	}
	return algorithm{}, fmt.Errorf("algorithm %q is not one of %s", name, strings.Join(known, ", "))
}

func algorithmNames() (names []jose.SignatureAlgorithm) {
	for _, a := range algorithms {
		names = append(names, a.name)
	}
	return names
}

func generateEd25519() (crypto.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return private, err
}

func generateP256() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func generateRSA() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, rsaBits) }

// encodeSeed stores Ed25519 keys like the first versions, so that these can read them.
func encodeSeed(private crypto.Signer) ([]byte, error) {
	key, ok := private.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a key of type %T", private)
	}
	return key.Seed(), nil
}

func decodeSeed(seed []byte) (crypto.Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%d bytes instead of %d", len(seed), ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func encodePKCS8(private crypto.Signer) ([]byte, error) { return x509.MarshalPKCS8PrivateKey(private) }

func decodeP256(der []byte) (crypto.Signer, error) {
	private, err := decodePKCS8[*ecdsa.PrivateKey](der)
	if err == nil && private.Curve != elliptic.P256() {
		return nil, errors.New("not a key on the curve P-256")
	}
	return private, err
}

func decodeRSA(der []byte) (crypto.Signer, error) {
	private, err := decodePKCS8[*rsa.PrivateKey](der)
	if err == nil && private.N.BitLen() < leastRSABits {
		return nil, fmt.Errorf("%d bits instead of %d", private.N.BitLen(), leastRSABits)
	}
	return private, err
}

// decodePKCS8 does not mention its input in errors: it is a private key.
func decodePKCS8[K crypto.Signer](der []byte) (private K, err error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return private, errors.New("not a private key (PKCS #8)")
	}
	private, ok := parsed.(K)
	if !ok {
		return private, fmt.Errorf("a key of type %T", parsed)
	}
	return private, nil
}
