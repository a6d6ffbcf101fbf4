package xmldsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // only where the operator allows it by name
	_ "crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"fmt"
	"math/big"
)

// The signature methods (RFC 9231 section 2.3).
const (
	RSASHA1     = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	RSASHA256   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	RSASHA384   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"
	RSASHA512   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
	ECDSASHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
	ECDSASHA384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"
	ECDSASHA512 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"
)

// The digest methods (XML Encryption section 5.8, RFC 9231 section 2.1).
const (
	SHA1   = "http://www.w3.org/2000/09/xmldsig#sha1"
	SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
	SHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
	SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
)

// ErrAlgorithm is returned for an algorithm that is unknown or not allowed. There
// is no HMAC and no DSA: a public key must never serve as a shared secret.
var ErrAlgorithm = errors.New("algorithm not allowed")

// ErrSignature is returned where no key verifies a signature.
var ErrSignature = errors.New("signature verified by none of the keys")

type method struct {
	hash  crypto.Hash
	ecdsa bool
}

var methods = map[string]method{
	RSASHA1:     {hash: crypto.SHA1},
	RSASHA256:   {hash: crypto.SHA256},
	RSASHA384:   {hash: crypto.SHA384},
	RSASHA512:   {hash: crypto.SHA512},
	ECDSASHA256: {hash: crypto.SHA256, ecdsa: true},
	ECDSASHA384: {hash: crypto.SHA384, ecdsa: true},
	ECDSASHA512: {hash: crypto.SHA512, ecdsa: true},
}

var digests = map[string]crypto.Hash{
	SHA1: crypto.SHA1, SHA256: crypto.SHA256, SHA384: crypto.SHA384, SHA512: crypto.SHA512,
}

// Policy says what is accepted.
type Policy struct {
	// InsecureAllowSHA1 accepts signatures and digests with SHA-1, of which
	// collisions can be made.
	InsecureAllowSHA1 bool
}

func (p Policy) method(uri string) (method, error) {
	m, ok := methods[uri]
	if !ok || m.hash == crypto.SHA1 && !p.InsecureAllowSHA1 {
		return method{}, fmt.Errorf("signature %w: %+.100q", ErrAlgorithm, uri)
	}
	return m, nil
}

func (p Policy) digest(uri string) (crypto.Hash, error) {
	h, ok := digests[uri]
	if !ok || h == crypto.SHA1 && !p.InsecureAllowSHA1 {
		return 0, fmt.Errorf("digest %w: %+.100q", ErrAlgorithm, uri)
	}
	return h, nil
}

// VerifyBytes verifies a signature over data with any of the keys. A key of
// another kind than the algorithm's is passed over.
func VerifyBytes(data, signature []byte, algorithm string, keys []crypto.PublicKey, policy Policy) error {
	m, err := policy.method(algorithm)
	if err != nil {
		return err
	}
	sum := hash(m.hash, data)
	for _, key := range keys {
		if m.verify(key, sum, signature) {
			return nil
		}
	}
	return ErrSignature
}

func hash(h crypto.Hash, data []byte) []byte {
	sum := h.New()
	sum.Write(data)
	return sum.Sum(nil)
}

func (m method) verify(key crypto.PublicKey, sum, signature []byte) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return !m.ecdsa && rsa.VerifyPKCS1v15(key, m.hash, sum, signature) == nil
	case *ecdsa.PublicKey:
		return m.ecdsa && verifyECDSA(key, sum, signature)
	}
	return false
}

// verifyECDSA takes r and s one after the other, as the specification has them
// (RFC 9231 section 2.3.6), and the DER that some libraries write instead.
func verifyECDSA(key *ecdsa.PublicKey, sum, signature []byte) bool {
	size := (key.Curve.Params().BitSize + 7) / 8
	if len(signature) != 2*size {
		return ecdsa.VerifyASN1(key, sum, signature)
	}
	r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
	return ecdsa.Verify(key, sum, r, s)
}
