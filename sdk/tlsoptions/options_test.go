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
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
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

// TestClient: the options become the settings of Env.TLS, with their names.
func TestClient(t *testing.T) {
	certificate, key := pair(t)
	var got sdk.TLSSettings
	env := sdk.Env{TLS: func(s sdk.TLSSettings) (*sdk.TLSClient, error) { got = s; return &sdk.TLSClient{}, nil }}
	o, err := options.Decode[TLS](map[string]any{"tls_ca": certificate, "tls_cert": certificate, "tls_key": key, "tls_server_name": "ldap.example", "tls_min_version": "1.3"})
	if err != nil {
		t.Fatal(err)
	}
	names := sdk.TLSNames{CA: "tls_ca", Certificate: "tls_cert", Key: "tls_key", ServerName: "tls_server_name", MinVersion: "tls_min_version"}
	want := sdk.TLSSettings{
		CA: []byte(certificate), Certificate: []byte(certificate), Key: []byte(key), ServerName: "ldap.example", MinVersion: tls.VersionTLS13, Names: names,
	}
	if _, err := o.Client(env); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	o, err = options.Decode[TLS](nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Client(env); err != nil || len(got.CA)+len(got.Certificate)+len(got.Key) > 0 || got.MinVersion != 0 {
		t.Errorf("without options, which leaves all to the host: %+v, %v", got, err)
	}
	env.TLS = func(sdk.TLSSettings) (*sdk.TLSClient, error) { return nil, errors.New("out of order") }
	if _, err := o.Client(env); !errors.Is(err, sdk.ErrMisconfigured) {
		t.Error(err)
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
	if _, err := (TLS{TLSCA: "x"}).Client(sdk.Env{}); err == nil {
		t.Error("a configuration without its authorities")
	}
}
