package ldaptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

const (
	day         = 24 * time.Hour
	defaultLife = 35 * day // of a certificate: longer than the period in which check warns
)

// authority is a CA that lasts as long as its directory.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string

	clientCert, clientKey string
}

func newAuthority() (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ldaptest"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return authority{}, err
	}
	a := authority{key: key, pem: encode("CERTIFICATE", der)}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return authority{}, err
	}
	clientDER, clientKey, err := a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "client"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return authority{}, err
	}
	keyDER, err := x509.MarshalECPrivateKey(clientKey)
	a.clientCert, a.clientKey = encode("CERTIFICATE", clientDER), encode("EC PRIVATE KEY", keyDER)
	return a, err
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func (a authority) issue(template *x509.Certificate) ([]byte, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = a.cert.NotBefore
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(defaultLife)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	return der, key, err
}

func (a authority) client() (certificate, key string) { return a.clientCert, a.clientKey }

func (a authority) serverConfig(config Config) (*tls.Config, error) {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "directory"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if config.CertificateLife != 0 {
		template.NotAfter = time.Now().Add(config.CertificateLife)
	}
	if config.CertificateFor != "" {
		template.DNSNames = []string{config.CertificateFor}
	} else {
		template.DNSNames = []string{"localhost"}
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	der, key, err := a.issue(template)
	if err != nil {
		return nil, err
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	if config.ClientCertificate {
		out.ClientAuth, out.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		out.ClientCAs.AddCert(a.cert)
	}
	return out, nil
}
