package ownkeys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk/options"
)

// MaxKeys limits our keys of each kind: each decryption key can cost one RSA operation for a
// message that anyone can send.
const MaxKeys = 4

// MinRSA is the minimum size of an RSA key in bits, for our keys and those of the identity
// provider.
const MinRSA = 2048

// Keys are the keys of Doorward as a service provider.
type Keys struct {
	Signer     crypto.Signer // nil if nothing is signed
	Algorithm  string        // of our signatures
	SignerCert *x509.Certificate
	Decrypters []*rsa.PrivateKey
	CryptCert  *x509.Certificate // of the first decryption key
}

// Settings are the options for our keys.
type Settings struct {
	Private, PrivatePass options.Secret
	Enc, EncPass         options.Secret
	Certificate          string
	Algorithm            string // of our signatures; empty: the usual one of the key
	AlgorithmOption      string // by which it was given
	MustSign             bool
	MustDecrypt          bool
}

// Read reads our keys. The problems in its error name the options.
func Read(s Settings) (Keys, error) {
	var problems options.Problems
	signers, err := ParseKeys(s.Private.Reveal(), s.PrivatePass.Reveal())
	if err != nil {
		problems.Addf("sp_private_key", "%v", err)
	}
	crypters, err := ParseKeys(s.Enc.Reveal(), s.EncPass.Reveal())
	if err != nil {
		problems.Addf("sp_enc_private_key", "%v", err)
	}
	certificates, err := ParseCertificates(s.Certificate)
	if err != nil {
		problems.Addf("sp_certificate", "%v", err)
	}
	if err := problems.Err(); err != nil {
		return Keys{}, err
	}
	var own Keys
	own.setSigner(s, signers, &problems)
	own.setDecrypters(s, signers, crypters, &problems)
	own.setCertificates(certificates, &problems)
	return own, problems.Err()
}

func (k *Keys) setSigner(s Settings, signers []crypto.Signer, problems *options.Problems) {
	if len(signers) == 0 {
		if s.MustSign {
			problems.Addf("sp_private_key", "is required when sp_authn_requests_signed is set")
		}
		return
	}
	k.Signer = signers[0]
	k.Algorithm = s.Algorithm
	if k.Algorithm == "" {
		var err error
		if k.Algorithm, err = xmldsig.DefaultMethod(k.Signer.Public()); err != nil {
			problems.Addf("sp_private_key", "%v", err)
			return
		}
	}
	if _, err := xmldsig.SignBytes(nil, k.Algorithm, k.Signer); err != nil {
		problems.Addf(s.AlgorithmOption, "cannot be used with sp_private_key: write rsa-sha256 or ecdsa-sha256 as the URI that RFC 9231 gives it; SHA-1 is not possible")
	}
}

func (k *Keys) setDecrypters(s Settings, signers, crypters []crypto.Signer, problems *options.Problems) {
	own := len(crypters) > 0
	if !own {
		crypters = signers
	}
	for _, key := range crypters {
		if r, ok := key.(*rsa.PrivateKey); ok {
			k.Decrypters = append(k.Decrypters, r)
		} else if own {
			problems.Addf("sp_enc_private_key", "must contain only RSA keys: other keys cannot decrypt")
		}
	}
	if s.MustDecrypt && len(k.Decrypters) == 0 {
		problems.Addf("sp_enc_private_key", "is required when idp_is_assertion_encrypted is set, unless sp_private_key contains an RSA key")
	}
}

func (k *Keys) setCertificates(given []*x509.Certificate, problems *options.Problems) {
	var err error
	if k.Signer != nil {
		if k.SignerCert, err = certificateOf(k.Signer, given); err != nil {
			problems.Addf("sp_certificate", "%v", err)
		}
	}
	if len(k.Decrypters) > 0 {
		if k.CryptCert, err = certificateOf(k.Decrypters[0], given); err != nil {
			problems.Addf("sp_certificate", "%v", err)
		}
	}
	for _, c := range given {
		if !k.has(c.PublicKey) {
			problems.Addf("sp_certificate", "contains the certificate %q, whose key is neither in sp_private_key nor in sp_enc_private_key", c.Subject.CommonName)
		}
	}
}

func (k *Keys) has(public crypto.PublicKey) bool {
	if k.Signer != nil && samePublic(k.Signer, public) {
		return true
	}
	for _, key := range k.Decrypters {
		if samePublic(key, public) {
			return true
		}
	}
	return false
}

func samePublic(key crypto.Signer, public crypto.PublicKey) bool {
	own, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(public)
}

func certificateOf(key crypto.Signer, given []*x509.Certificate) (*x509.Certificate, error) {
	for _, c := range given {
		if samePublic(key, c.PublicKey) {
			return c, nil
		}
	}
	return DerivedCertificate(key)
}

// DerivedCertificate returns a self-signed certificate that is always the same, on every
// node: identity providers compare certificates byte by byte. They use it only as a container
// of the key, so it contains nothing else.
func DerivedCertificate(key crypto.Signer) (*x509.Certificate, error) {
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("creating a certificate: %w", err)
	}
	sum := sha256.Sum256(public)
	sum[0] &= 0x7f // a serial number is positive
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(sum[:16]),
		Subject:      pkix.Name{CommonName: "doorward"},
		NotBefore:    time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2049, 12, 31, 0, 0, 0, 0, time.UTC),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), deterministic{key})
	if err != nil {
		return nil, fmt.Errorf("creating a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// ParseKeys reads PEM private keys in all forms that OpenSSL writes.
func ParseKeys(text, pass string) ([]crypto.Signer, error) {
	var keys []crypto.Signer
	rest := []byte(text)
	for len(bytes.TrimSpace(rest)) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, errors.New("must be PEM: from -----BEGIN PRIVATE KEY----- to the end line, including the line breaks")
		}
		if block.Type == "EC PARAMETERS" {
			continue
		}
		key, err := parseKey(block, pass)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) > MaxKeys {
		return nil, fmt.Errorf("contains %d keys, at most %d are allowed", len(keys), MaxKeys)
	}
	return keys, nil
}

func parseKey(block *pem.Block, pass string) (crypto.Signer, error) {
	der, err := openKey(block, pass)
	if err != nil {
		return nil, err
	}
	var key any
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(der)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(der)
	case "PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(der)
	default:
		return nil, errors.New("contains PEM that is not a private key")
	}
	if err != nil {
		return nil, errors.New("contains a private key that cannot be read")
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < MinRSA {
			return nil, fmt.Errorf("contains an RSA key of %d bits; it must have at least %d", key.N.BitLen(), MinRSA)
		}
		return key, nil
	case *ecdsa.PrivateKey:
		return key, nil
	}
	return nil, errors.New("contains a private key that is neither RSA nor ECDSA")
}

// ParseCertificates reads PEM. Its errors complete a sentence that begins with the name of an
// option.
func ParseCertificates(text string) ([]*x509.Certificate, error) {
	var certificates []*x509.Certificate
	rest := []byte(text)
	for len(bytes.TrimSpace(rest)) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("must be PEM: from -----BEGIN CERTIFICATE----- to the end line, including the line breaks")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("contains a certificate that cannot be read")
		}
		certificates = append(certificates, c)
	}
	return certificates, nil
}
