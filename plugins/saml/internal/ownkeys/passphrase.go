package ownkeys

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // the default of PBKDF2 (RFC 8018 appendix A.2)
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"hash"
	"io"
)

var errPass = errors.New("cannot be decrypted with the pass phrase")

// openKey decrypts a private key that has a pass phrase.
func openKey(block *pem.Block, pass string) ([]byte, error) {
	legacy := x509.IsEncryptedPEMBlock(block) //nolint:staticcheck // old keys are still around
	switch {
	case (legacy || block.Type == "ENCRYPTED PRIVATE KEY") && pass == "":
		return nil, errors.New("contains a key with a pass phrase, but the option for the pass phrase is not set")
	case legacy:
		der, err := x509.DecryptPEMBlock(block, []byte(pass)) //nolint:staticcheck // old keys are still around
		if err != nil {
			return nil, errPass
		}
		return der, nil
	case block.Type == "ENCRYPTED PRIVATE KEY":
		return openPKCS8(block.Bytes, pass)
	}
	return block.Bytes, nil
}

var (
	oidPBES2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oidAES128CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}
)

// encryptedKey is EncryptedPrivateKeyInfo with PBES2 (RFC 5958 section 3, RFC 8018 appendix
// A.4), which OpenSSL has written since version 1.1.
type encryptedKey struct {
	Scheme struct {
		Algorithm  asn1.ObjectIdentifier
		Parameters struct {
			Derivation struct {
				Algorithm  asn1.ObjectIdentifier
				Parameters struct {
					Salt       []byte
					Iterations int
					KeyLength  int `asn1:"optional"`
					PRF        struct {
						Algorithm  asn1.ObjectIdentifier
						Parameters asn1.RawValue `asn1:"optional"`
					} `asn1:"optional"`
				}
			}
			Cipher struct {
				Algorithm asn1.ObjectIdentifier
				IV        []byte
			}
		}
	}
	Data []byte
}

const maxIterations = 10_000_000

func openPKCS8(der []byte, pass string) ([]byte, error) {
	var k encryptedKey
	if _, err := asn1.Unmarshal(der, &k); err != nil || !k.Scheme.Algorithm.Equal(oidPBES2) {
		return nil, errors.New("contains a key that is encrypted in an unsupported form; remove the pass phrase with openssl pkey")
	}
	scheme := k.Scheme.Parameters
	derivation := scheme.Derivation.Parameters
	size := 0
	switch {
	case scheme.Cipher.Algorithm.Equal(oidAES256CBC):
		size = 32
	case scheme.Cipher.Algorithm.Equal(oidAES128CBC):
		size = 16
	}
	usable := scheme.Derivation.Algorithm.Equal(oidPBKDF2) && derivation.Iterations > 0 && derivation.Iterations <= maxIterations
	if size == 0 || !usable || len(scheme.Cipher.IV) != aes.BlockSize || len(k.Data)%aes.BlockSize != 0 || len(k.Data) == 0 {
		return nil, errors.New("contains a key that is not encrypted with AES and PBKDF2; remove the pass phrase with openssl pkey")
	}
	prf := func() hash.Hash { return sha1.New() } //nolint:gosec // RFC 8018 appendix A.2
	if derivation.PRF.Algorithm.Equal(oidHMACSHA256) {
		prf = sha256.New
	}
	secret, err := pbkdf2.Key(prf, pass, derivation.Salt, derivation.Iterations, size)
	if err != nil {
		return nil, errPass
	}
	return unpad(secret, scheme.Cipher.IV, k.Data)
}

func unpad(key, iv, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errPass
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > aes.BlockSize {
		return nil, errPass
	}
	return plain[:len(plain)-padding], nil
}

// deterministic signs without random numbers, so that signatures are always the same: PKCS #1
// v1.5 has none, and for ECDSA RFC 6979 derives the nonce.
type deterministic struct{ crypto.Signer }

func (d deterministic) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return d.Signer.Sign(nil, digest, opts)
}
