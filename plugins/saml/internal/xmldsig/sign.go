package xmldsig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
)

// DefaultMethod returns the default signature method of a key: SHA-256 for RSA, and for ECDSA
// the hash with the strength of the curve.
func DefaultMethod(key crypto.PublicKey) (string, error) {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return RSASHA256, nil
	case *ecdsa.PublicKey:
		switch key.Curve.Params().BitSize {
		case 256:
			return ECDSASHA256, nil
		case 384:
			return ECDSASHA384, nil
		case 521:
			return ECDSASHA512, nil
		}
	}
	return "", errors.New("the key must be RSA, or ECDSA on P-256, P-384 or P-521")
}

// SignBytes signs data. The algorithm must fit the key.
func SignBytes(data []byte, algorithm string, key crypto.Signer) ([]byte, error) {
	m, ok := methods[algorithm]
	_, isECDSA := key.Public().(*ecdsa.PublicKey)
	if !ok || m.hash == crypto.SHA1 || m.ecdsa != isECDSA {
		return nil, fmt.Errorf("signing: %w with this key: %+.100q", ErrAlgorithm, algorithm)
	}
	var opts crypto.SignerOpts = m.hash
	if m.pss {
		opts = m.pssOptions()
	}
	signature, err := key.Sign(rand.Reader, hash(m.hash, data), opts)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if m.ecdsa {
		return plainECDSA(key.Public().(*ecdsa.PublicKey), signature)
	}
	return signature, nil
}

// plainECDSA converts DER to r and s concatenated (RFC 9231 section 2.3.6).
func plainECDSA(key *ecdsa.PublicKey, der []byte) ([]byte, error) {
	var values struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &values); err != nil {
		return nil, fmt.Errorf("reading an ECDSA signature: %w", err)
	}
	size := (key.Curve.Params().BitSize + 7) / 8
	return append(values.R.FillBytes(make([]byte, size)), values.S.FillBytes(make([]byte, size))...), nil
}

// Sign returns the document with a signature over its root after the first child, as required
// by the schema of SAML (core section 3.2.1). The root must have an ID and a child. The
// certificate is included for the recipient; it may be nil.
func Sign(document []byte, algorithm string, key crypto.Signer, certificate *x509.Certificate) ([]byte, error) {
	root, err := strictxml.Parse(document, strictxml.Message())
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	id, first := root.Value("ID"), root.Children()
	if id == "" || len(first) == 0 {
		return nil, errors.New("signing: the document has no ID or no child")
	}
	content, err := strictxml.Canonical(root, nil, nil, strictxml.MaxMessage)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	info := signedInfo(id, algorithm, content)
	value, err := SignBytes(info, algorithm, key)
	if err != nil {
		return nil, err
	}
	signature := fmt.Sprintf(`<ds:Signature xmlns:ds="%s">%s<ds:SignatureValue>%s</ds:SignatureValue>%s</ds:Signature>`,
		Namespace, info, base64.StdEncoding.EncodeToString(value), keyInfo(certificate))
	end := endTag(first[0])
	at := bytes.Index(content, end) + len(end) // no attribute can hold <
	return slices.Concat(content[:at], []byte(signature), content[at:]), nil
}

// signedInfo returns SignedInfo in canonical form.
func signedInfo(id, algorithm string, content []byte) []byte {
	digest, sum := SHA256, hash(crypto.SHA256, content)
	switch methods[algorithm].hash {
	case crypto.SHA384:
		digest, sum = SHA384, hash(crypto.SHA384, content)
	case crypto.SHA512:
		digest, sum = SHA512, hash(crypto.SHA512, content)
	}
	return fmt.Appendf(nil, `<ds:SignedInfo xmlns:ds="%s">`+
		`<ds:CanonicalizationMethod Algorithm="%s"></ds:CanonicalizationMethod>`+
		`<ds:SignatureMethod Algorithm="%s"></ds:SignatureMethod>`+
		`<ds:Reference URI="#%s"><ds:Transforms>`+
		`<ds:Transform Algorithm="%s"></ds:Transform><ds:Transform Algorithm="%s"></ds:Transform>`+
		`</ds:Transforms><ds:DigestMethod Algorithm="%s"></ds:DigestMethod>`+
		`<ds:DigestValue>%s</ds:DigestValue></ds:Reference></ds:SignedInfo>`,
		Namespace, ExclusiveC14N, algorithm, id, EnvelopedMethod, ExclusiveC14N, digest,
		base64.StdEncoding.EncodeToString(sum))
}

func keyInfo(certificate *x509.Certificate) string {
	if certificate == nil {
		return ""
	}
	return "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>" + base64.StdEncoding.EncodeToString(certificate.Raw) +
		"</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
}

func endTag(e *strictxml.Element) []byte {
	if e.Prefix == "" {
		return []byte("</" + e.Local + ">")
	}
	return []byte("</" + e.Prefix + ":" + e.Local + ">")
}
