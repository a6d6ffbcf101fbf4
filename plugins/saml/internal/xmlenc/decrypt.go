// Package xmlenc decrypts an assertion or a NameID that an identity provider has encrypted
// for Doorward with AES, and the AES key with RSA-OAEP (XML Encryption 1.1).
//
// RSA PKCS#1 v1.5 is not supported. AES-CBC does not detect changes, so it is accepted only
// for content that a verified signature covers.
package xmlenc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
)

// The namespaces of XML Encryption.
const (
	Namespace   = "http://www.w3.org/2001/04/xmlenc#"
	Namespace11 = "http://www.w3.org/2009/xmlenc11#"
)

// The algorithms (XML Encryption 1.1 section 5).
const (
	OAEPMGF1P = Namespace + "rsa-oaep-mgf1p"
	OAEP      = Namespace11 + "rsa-oaep"

	AES128GCM = Namespace11 + "aes128-gcm"
	AES192GCM = Namespace11 + "aes192-gcm"
	AES256GCM = Namespace11 + "aes256-gcm"
	AES128CBC = Namespace + "aes128-cbc"
	AES192CBC = Namespace + "aes192-cbc"
	AES256CBC = Namespace + "aes256-cbc"
)

// ErrDecrypt is the only error of a failed decryption, regardless of whether the key, the
// padding or the tag is wrong. An attacker who learns more can decrypt (Bleichenbacher 1998,
// Jager and Somorovsky 2011).
var ErrDecrypt = errors.New("it cannot be decrypted with the keys of Doorward")

// ErrAlgorithm is returned before anything is decrypted: it depends only on unencrypted
// parts.
var ErrAlgorithm = errors.New("encryption algorithm not allowed")

// Two kinds of ErrAlgorithm with more detail: AES-CBC with a supported key, which only the
// policy refuses; and a key that is not wrapped by a supported form of RSA-OAEP.
var (
	ErrCBC = fmt.Errorf("%w: AES-CBC", ErrAlgorithm)
	ErrKey = fmt.Errorf("%w for the key", ErrAlgorithm)
)

// ErrShape is returned for anything other than EncryptedData with EncryptedKeys.
var ErrShape = errors.New("the encrypted element does not have the form that SAML requires")

// Policy says what is accepted.
type Policy struct {
	// InsecureAllowCBC accepts AES-CBC. Set it only for content that a verified signature
	// covers.
	InsecureAllowCBC bool
}

type contentCipher struct {
	keySize int
	cbc     bool
}

var ciphers = map[string]contentCipher{
	AES128GCM: {keySize: 16}, AES192GCM: {keySize: 24}, AES256GCM: {keySize: 32},
	AES128CBC: {keySize: 16, cbc: true}, AES192CBC: {keySize: 24, cbc: true}, AES256CBC: {keySize: 32, cbc: true},
}

// Decrypt returns the plain text of an EncryptedAssertion or EncryptedID for the recipient,
// which is our entity ID. It tries our keys in order, so that an old key still works while a
// new one is introduced; it makes at most maxUnwrapped RSA operations.
func Decrypt(e *strictxml.Element, recipient string, keys []*rsa.PrivateKey, policy Policy) ([]byte, error) {
	m, err := read(e, recipient, policy)
	if err != nil {
		return nil, err
	}
	left := maxUnwrapped
	for _, key := range keys {
		for _, wrapped := range m.keys {
			if left--; left < 0 {
				return nil, ErrDecrypt
			}
			if plain, err := m.decrypt(key, wrapped); err == nil {
				return plain, nil
			}
		}
	}
	return nil, ErrDecrypt
}

// maxUnwrapped limits the cost of a message that anyone can send.
const maxUnwrapped = 8

// message holds the unencrypted parts of an encrypted element.
type message struct {
	content contentCipher
	data    []byte
	keys    []wrappedKey
}

func read(e *strictxml.Element, recipient string, policy Policy) (message, error) {
	data := e.Child(Namespace, "EncryptedData")
	if data == nil {
		return message{}, fmt.Errorf("%w: it does not have exactly one EncryptedData", ErrShape)
	}
	found, err := findKeys(e, recipient)
	if err != nil {
		return message{}, err
	}
	var m message
	algorithm := method(data).Value("Algorithm")
	var ok bool
	if m.content, ok = ciphers[algorithm]; !ok {
		return message{}, fmt.Errorf("%w: %+.100q", ErrAlgorithm, algorithm)
	}
	if m.keys, err = readKeys(found); err != nil {
		return message{}, err
	}
	if m.content.cbc && !policy.InsecureAllowCBC {
		return message{}, fmt.Errorf("%w: %+.100q", ErrCBC, algorithm)
	}
	m.data, err = cipherValue(data)
	return m, err
}

var none = &strictxml.Element{}

func method(e *strictxml.Element) *strictxml.Element {
	if m := e.Child(Namespace, "EncryptionMethod"); m != nil {
		return m
	}
	return none
}

func cipherValue(e *strictxml.Element) ([]byte, error) {
	data := e.Child(Namespace, "CipherData")
	if data == nil {
		return nil, fmt.Errorf("%w: it does not have exactly one CipherData", ErrShape)
	}
	value := data.Child(Namespace, "CipherValue")
	if value == nil {
		return nil, fmt.Errorf("%w: it does not have exactly one CipherValue", ErrShape)
	}
	text, ok := value.Text()
	if !ok {
		return nil, fmt.Errorf("%w: elements in CipherValue", ErrShape)
	}
	raw, err := xmldsig.DecodeBase64(text)
	if err != nil {
		return nil, fmt.Errorf("%w: CipherValue: %w", ErrShape, err)
	}
	return raw, nil
}

func (m message) decrypt(key *rsa.PrivateKey, wrapped wrappedKey) ([]byte, error) {
	secret, err := key.Decrypt(nil, wrapped.value, wrapped.oaep)
	if err != nil || len(secret) != m.content.keySize {
		// Continuing with a useless key takes as long as with the right one.
		secret = make([]byte, m.content.keySize)
		err = ErrDecrypt
	}
	plain, contentErr := m.content.open(secret, m.data)
	if err != nil || contentErr != nil {
		return nil, ErrDecrypt
	}
	return plain, nil
}

func (c contentCipher) open(key, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, ErrDecrypt
	}
	if c.cbc {
		return openCBC(block, data)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil || len(data) < gcm.NonceSize() {
		return nil, ErrDecrypt
	}
	return gcm.Open(nil, data[:gcm.NonceSize()], data[gcm.NonceSize():], nil)
}

// openCBC removes the padding of XML Encryption section 5.2: only the last byte is
// significant.
func openCBC(block cipher.Block, data []byte) ([]byte, error) {
	size := block.BlockSize()
	if len(data) < 2*size || len(data)%size != 0 {
		return nil, ErrDecrypt
	}
	plain := make([]byte, len(data)-size)
	cipher.NewCBCDecrypter(block, data[:size]).CryptBlocks(plain, data[size:])
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > size {
		return nil, ErrDecrypt
	}
	return plain[:len(plain)-padding], nil
}
