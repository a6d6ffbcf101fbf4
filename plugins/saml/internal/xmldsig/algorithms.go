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

	// RSASSA-PSS without parameters (RFC 9231 section 2.3.10), as used by eIDAS.
	PSSSHA256 = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
	PSSSHA384 = "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1"
	PSSSHA512 = "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1"
)

// The digest methods (XML Encryption section 5.8, RFC 9231 section 2.1).
const (
	SHA1   = "http://www.w3.org/2000/09/xmldsig#sha1"
	SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
	SHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
	SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
)

// ErrAlgorithm is returned for an algorithm that is unknown or not allowed. HMAC and DSA are
// not supported: a public key must never serve as a shared secret.
var ErrAlgorithm = errors.New("algorithm not allowed")

// AlgorithmError wraps ErrAlgorithm and says what was refused.
type AlgorithmError struct {
	// For is ForSignature, ForDigest or ForCanonicalization.
	For string

	// URI is the algorithm as written in the document.
	URI string
}

func (e *AlgorithmError) Error() string {
	return fmt.Sprintf("%s %v: %+.100q", e.For, ErrAlgorithm, e.URI)
}

// Unwrap returns ErrAlgorithm.
func (e *AlgorithmError) Unwrap() error { return ErrAlgorithm }

// SHA1 reports whether Policy.InsecureAllowSHA1 would accept the algorithm.
func (e *AlgorithmError) SHA1() bool {
	return e.URI == RSASHA1 && e.For == ForSignature || e.URI == SHA1 && e.For == ForDigest
}

// The purposes of an algorithm.
const (
	ForSignature        = "signature"
	ForDigest           = "digest"
	ForCanonicalization = "canonicalization"
)

// ErrSignature is returned if no key verifies a signature.
var ErrSignature = errors.New("not verified by any key")

type method struct {
	hash  crypto.Hash
	ecdsa bool
	pss   bool
}

var methods = map[string]method{
	RSASHA1:     {hash: crypto.SHA1},
	RSASHA256:   {hash: crypto.SHA256},
	RSASHA384:   {hash: crypto.SHA384},
	RSASHA512:   {hash: crypto.SHA512},
	ECDSASHA256: {hash: crypto.SHA256, ecdsa: true},
	ECDSASHA384: {hash: crypto.SHA384, ecdsa: true},
	ECDSASHA512: {hash: crypto.SHA512, ecdsa: true},
	PSSSHA256:   {hash: crypto.SHA256, pss: true},
	PSSSHA384:   {hash: crypto.SHA384, pss: true},
	PSSSHA512:   {hash: crypto.SHA512, pss: true},
}

var digests = map[string]crypto.Hash{
	SHA1: crypto.SHA1, SHA256: crypto.SHA256, SHA384: crypto.SHA384, SHA512: crypto.SHA512,
}

// Policy says what is accepted.
type Policy struct {
	// InsecureAllowSHA1 accepts signatures and digests with SHA-1, for which collisions can
	// be created.
	InsecureAllowSHA1 bool
}

func (p Policy) method(uri string) (method, error) {
	m, ok := methods[uri]
	if !ok || m.hash == crypto.SHA1 && !p.InsecureAllowSHA1 {
		return method{}, &AlgorithmError{ForSignature, uri}
	}
	return m, nil
}

func (p Policy) digest(uri string) (crypto.Hash, error) {
	h, ok := digests[uri]
	if !ok || h == crypto.SHA1 && !p.InsecureAllowSHA1 {
		return 0, &AlgorithmError{ForDigest, uri}
	}
	return h, nil
}

// VerifyBytes verifies a signature over data with any of the keys. Keys that do not fit the
// algorithm are skipped.
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
		switch {
		case m.pss:
			return rsa.VerifyPSS(key, m.hash, sum, signature, m.pssOptions()) == nil
		case !m.ecdsa:
			return rsa.VerifyPKCS1v15(key, m.hash, sum, signature) == nil
		}
	case *ecdsa.PublicKey:
		return m.ecdsa && verifyECDSA(key, sum, signature)
	}
	return false
}

// pssOptions are the defaults without parameters: a salt as long as the hash, and MGF1 with
// the same hash (RFC 9231 section 2.3.10).
func (m method) pssOptions() *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: m.hash}
}

// verifyECDSA accepts r and s concatenated, as specified (RFC 9231 section 2.3.6), and the
// DER that some libraries write instead.
func verifyECDSA(key *ecdsa.PublicKey, sum, signature []byte) bool {
	size := (key.Curve.Params().BitSize + 7) / 8
	if len(signature) != 2*size {
		return ecdsa.VerifyASN1(key, sum, signature)
	}
	r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
	return ecdsa.Verify(key, sum, r, s)
}
