package openidtest

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// weakRSA is an RSA key that package crypto/rsa rightly refuses to work with.
type weakRSA struct{ n, e, d *big.Int }

// The weak keys are made once per process.
var (
	rsa512  = sync.OnceValues(func() (weakRSA, error) { return newWeakRSA(512) })
	rsa1024 = sync.OnceValues(func() (weakRSA, error) { return newWeakRSA(1024) })
	roca    = sync.OnceValues(func() (weakRSA, error) { return newRSA(rocaPrime) })
	p384    = sync.OnceValues(newP384)
)

func newWeakRSA(bits int) (weakRSA, error) {
	return newRSA(func() (*big.Int, error) { return rand.Prime(rand.Reader, bits/2) })
}

func newRSA(newPrime func() (*big.Int, error)) (weakRSA, error) {
	e := big.NewInt(65537)
	for {
		p, err := newPrime()
		if err != nil {
			return weakRSA{}, fmt.Errorf("making weak key: %w", err)
		}
		q, err := newPrime()
		if err != nil {
			return weakRSA{}, fmt.Errorf("making weak key: %w", err)
		}
		one := big.NewInt(1)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		// The inverse is missing if e divides phi, or p equals q.
		if d := new(big.Int).ModInverse(e, phi); d != nil && p.Cmp(q) != 0 {
			return weakRSA{new(big.Int).Mul(p, q), e, d}, nil
		}
	}
}

// rocaPrime makes a prime of 1024 bits like the library whose keys can be factored
// (CVE-2017-15361): k*M + (65537^a mod M), for the product M of the first 126 primes.
func rocaPrime() (*big.Int, error) {
	m := big.NewInt(1)
	for p, count := int64(2), 0; count < 126; p++ {
		if prime := big.NewInt(p); prime.ProbablyPrime(0) {
			m.Mul(m, prime)
			count++
		}
	}
	spare := 1024 - m.BitLen()
	for {
		a, err := rand.Int(rand.Reader, m)
		if err != nil {
			return nil, err
		}
		k, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(spare)))
		if err != nil {
			return nil, err
		}
		k.SetBit(k, spare-1, 1)
		p := new(big.Int).Exp(big.NewInt(65537), a, m)
		if p.Add(p, k.Mul(k, m)).ProbablyPrime(10) {
			return p, nil
		}
	}
}

// rsaExponentOne raises to the power of one: every message is its own signature.
func rsaExponentOne() (weakRSA, error) { return withExponent(1) }

// rsaExponentThree has no private exponent; its signatures are forged.
func rsaExponentThree() (weakRSA, error) { return withExponent(3) }

func withExponent(e int64) (weakRSA, error) {
	strong, err := sharedRSA(2 * strangers)
	if err != nil {
		return weakRSA{}, err
	}
	return weakRSA{strong.N, big.NewInt(e), big.NewInt(1)}, nil
}

func (k weakRSA) size() int { return (k.n.BitLen() + 7) / 8 }

func (k weakRSA) jwk(id string) jwk {
	return jwk{"kty": "RSA", "kid": id, "use": "sig", "alg": "RS256", "n": encode(k.n.Bytes()), "e": encode(k.e.Bytes())}
}

// sign is RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2.1).
func (k weakRSA) sign(input []byte) ([]byte, error) {
	message := new(big.Int).SetBytes(encodePKCS1(k.size(), input))
	return new(big.Int).Exp(message, k.d, k.n).FillBytes(make([]byte, k.size())), nil
}

// digestInfo precedes a SHA-256 hash (RFC 8017 section 9.2, note 1).
var digestInfo = []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}

// encodePKCS1 is EMSA-PKCS1-v1_5 (RFC 8017 section 9.2).
func encodePKCS1(size int, input []byte) []byte {
	digest := sha256.Sum256(input)
	tail := append(append([]byte{0x00}, digestInfo...), digest[:]...)
	message := make([]byte, size)
	message[1] = 0x01
	for i := 2; i < size-len(tail); i++ {
		message[i] = 0xff
	}
	copy(message[size-len(tail):], tail)
	return message
}

// forge makes a signature for the public exponent 3 without the private key
// (Bleichenbacher, 2006): the hash is at the left behind short padding, and the bytes to
// the right of it are free, so that a cube can be found.
func (k weakRSA) forge(input []byte) ([]byte, error) {
	const padding = 8
	prefix := encodePKCS1(2+padding+1+len(digestInfo)+sha256.Size, input)
	message := make([]byte, k.size())
	copy(message, prefix)
	for i := len(prefix); i < len(message); i++ {
		message[i] = 0xff
	}
	// The greatest cube below the message differs from it only in the free part.
	return cubeRoot(new(big.Int).SetBytes(message)).FillBytes(make([]byte, k.size())), nil
}

// cubeRoot is the greatest integer whose cube is at most n.
func cubeRoot(n *big.Int) *big.Int {
	low, high := big.NewInt(0), new(big.Int).Lsh(big.NewInt(1), uint(n.BitLen()/3+1))
	one := big.NewInt(1)
	for new(big.Int).Sub(high, low).Cmp(one) > 0 {
		middle := new(big.Int).Rsh(new(big.Int).Add(low, high), 1)
		if new(big.Int).Exp(middle, big.NewInt(3), nil).Cmp(n) <= 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// swapRSA publishes the weak key as the RS256 key.
func swapRSA(weak func() (weakRSA, error)) func(*Provider, []jwk) ([]jwk, error) {
	return func(p *Provider, keys []jwk) ([]jwk, error) {
		k, err := weak()
		if err != nil {
			return nil, err
		}
		return replaceKey(keys, k.jwk(p.keys.signing(jose.RS256).id)), nil
	}
}

func signWithRSA(weak func() (weakRSA, error)) func(*signing) error {
	return func(s *signing) error {
		k, err := weak()
		if err != nil {
			return err
		}
		s.use(s.provider.keys.signing(jose.RS256))
		s.sign = k.sign
		return nil
	}
}

func forgeWithExponentThree(s *signing) error {
	k, err := rsaExponentThree()
	if err != nil {
		return err
	}
	s.use(s.provider.keys.signing(jose.RS256))
	s.sign = k.forge
	return nil
}
