package plugin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
)

// clientCertificateVariable holds the only certificate that is allowed to call the
// plugin.
const clientCertificateVariable = "PLUGIN_CLIENT_CERT"

// serialBits is the size of a serial number that is unique.
const serialBits = 120

// MutualTLS makes the process that config is for talk only to this client, and the
// client only to that process, as go-plugin's AutoMTLS does. It returns the variable
// that the environment of the process must contain.
//
// The key of the certificate is P-256. AutoMTLS uses P-521, which some TLS libraries of
// other languages do not support: rustls with ring, and gRPC for Python before 1.68.
func MutualTLS(config *goplugin.ClientConfig) (environment string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("making the key of the client: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits))
	if err != nil {
		return "", fmt.Errorf("making the certificate of the client: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().AddDate(30, 0, 0), // as long as the process may run
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return "", fmt.Errorf("making the certificate of the client: %w", err)
	}
	config.AutoMTLS = false
	config.TLSConfig = &tls.Config{ // go-plugin adds the certificate that the plugin answers with
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		MinVersion:   tls.VersionTLS12,
		ServerName:   "localhost",
		RootCAs:      x509.NewCertPool(), // empty until then
	}
	return clientCertificateVariable + "=" + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), nil
}
