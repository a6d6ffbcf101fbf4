package tlsoptions

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk/options"
)

// pair makes the PEM of a self-signed certificate and its key.
func pair(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

func TestConfig(t *testing.T) {
	certificate, key := pair(t)
	o, err := options.Decode[TLS](map[string]any{"tls_ca": certificate, "tls_cert": certificate, "tls_key": key, "tls_server_name": "ldap.example", "tls_min_version": "1.3"})
	if err != nil {
		t.Fatal(err)
	}
	config, err := o.Config()
	if err != nil || config.RootCAs == nil || len(config.Certificates) != 1 || config.ServerName != "ldap.example" || config.MinVersion != tls.VersionTLS13 || config.InsecureSkipVerify {
		t.Errorf("%+v, %v", config, err)
	}
	config, err = TLS{}.Config()
	if err != nil || config.RootCAs != nil || config.Certificates != nil || config.MinVersion != tls.VersionTLS12 || config.InsecureSkipVerify {
		t.Errorf("the zero value: %+v, %v", config, err)
	}
}

func TestProblems(t *testing.T) {
	certificate, key := pair(t)
	_, other := pair(t)
	type o = map[string]any
	for name, test := range map[string]struct {
		values o
		option string
	}{
		"no PEM":                  {o{"tls_ca": "hunter2"}, "tls_ca"},
		"a key as CA":             {o{"tls_ca": key}, "tls_ca"},
		"certificate alone":       {o{"tls_cert": certificate}, "tls_cert"},
		"key alone":               {o{"tls_key": key}, "tls_cert"},
		"key of another":          {o{"tls_cert": certificate, "tls_key": other}, "tls_key"},
		"key for a certificate":   {o{"tls_cert": key, "tls_key": key}, "tls_cert"},
		"old version":             {o{"tls_min_version": "1.1"}, "tls_min_version"},
		"certificate for the key": {o{"tls_cert": certificate, "tls_key": certificate}, "tls_key"},
	} {
		type embedding struct{ TLS } // as mechanisms do
		_, err := options.Decode[embedding](test.values)
		problems, _ := errors.AsType[options.Problems](err)
		if len(problems) != 1 || problems[0].Option != test.option {
			t.Errorf("%s: %v, want a problem of %s", name, err, test.option)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "PRIVATE")) {
			t.Errorf("%s: a value in %v", name, err)
		}
	}
	if _, err := (TLS{TLSCA: "x"}).Config(); err == nil {
		t.Error("a configuration without its authorities")
	}
}
