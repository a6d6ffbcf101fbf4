package idp

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
)

// readCertificate reads the certificate in an X509Certificate element. Metadata written
// manually sometimes contains the BEGIN and END lines of PEM.
func readCertificate(e *strictxml.Element) (*x509.Certificate, error) {
	text, _ := e.Text()
	text = strings.TrimSpace(text)
	text = strings.TrimSuffix(strings.TrimPrefix(text, "-----BEGIN CERTIFICATE-----"), "-----END CERTIFICATE-----")
	der, err := xmldsig.DecodeBase64(text)
	if err != nil {
		return nil, err
	}
	if c, err := x509.ParseCertificate(der); err == nil {
		return c, nil
	}
	return readUnusualCertificate(der)
}

// unusualCertificate is the signed part of a certificate (RFC 5280 section 4.1).
type unusualCertificate struct {
	Version   int `asn1:"optional,explicit,default:0,tag:0"`
	Serial    asn1.RawValue
	Algorithm asn1.RawValue
	Issuer    asn1.RawValue
	Validity  struct{ NotBefore, NotAfter time.Time }
	Subject   asn1.RawValue
	PublicKey asn1.RawValue
}

// readUnusualCertificate reads the key and the validity of a certificate that package x509
// refuses, for example because of a negative serial number. Nothing else matters: a
// certificate is trusted because it is in the metadata.
func readUnusualCertificate(der []byte) (*x509.Certificate, error) {
	var whole struct {
		Signed    unusualCertificate
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	rest, err := asn1.Unmarshal(der, &whole)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate: %w", err)
	}
	if len(rest) > 0 {
		return nil, errors.New("reading a certificate: there is data after it")
	}
	key, err := x509.ParsePKIXPublicKey(whole.Signed.PublicKey.FullBytes)
	if err != nil {
		return nil, fmt.Errorf("reading the key of a certificate: %w", err)
	}
	return &x509.Certificate{Raw: der, PublicKey: key, NotBefore: whole.Signed.Validity.NotBefore, NotAfter: whole.Signed.Validity.NotAfter}, nil
}
