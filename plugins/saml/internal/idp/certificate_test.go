package idp

import (
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestOddCertificates: a certificate is a container of a key, even if package x509 refuses
// it, and its validity period counts.
func TestOddCertificates(t *testing.T) {
	metadata := samltest.New(samltest.Config{URL: "https://idp.example"}).Metadata()
	certificate := samltest.DefaultKey().Certificate
	with := func(text string) []byte {
		m := metadata
		m.Certificates = []string{text}
		return m.XML()
	}
	changed := func(change func([]asn1.RawValue) []asn1.RawValue) []byte {
		var whole, signed []asn1.RawValue
		decode(t, certificate.Raw, &whole)
		decode(t, whole[0].FullBytes, &signed)
		whole[0] = asn1.RawValue{FullBytes: encode(t, change(signed))}
		return encode(t, whole)
	}
	serial := func(number ...byte) []byte {
		return changed(func(signed []asn1.RawValue) []asn1.RawValue {
			signed[1] = asn1.RawValue{Tag: asn1.TagInteger, Bytes: number}
			return signed
		})
	}
	for name, text := range map[string]string{
		"PEM":                      string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})),
		"a negative serial number": base64.StdEncoding.EncodeToString(serial(0xfb)),
	} {
		p, err := ReadProvider(with(text), Selection{})
		if err != nil || len(p.Keys) != 1 || !certificate.PublicKey.(*rsa.PublicKey).Equal(p.Keys[0].public) {
			t.Errorf("%s: %+v %v", name, p, err)
			continue
		}
		if _, expired := p.UsableKeys(certificate.NotAfter.Add(time.Second), false); expired != 1 {
			t.Errorf("%s: it never expires", name)
		}
		if _, expired := p.UsableKeys(certificate.NotAfter, false); expired != 0 {
			t.Errorf("%s: it has expired", name)
		}
	}
	for name, der := range map[string][]byte{
		"cut off":       serial(0xfb)[:400],
		"with a tail":   append(serial(0xfb), 0),
		"without a key": changed(func(signed []asn1.RawValue) []asn1.RawValue { signed[6] = signed[5]; return signed }),
		"nothing":       nil,
	} {
		_, err := ReadProvider(with(base64.StdEncoding.EncodeToString(der)), Selection{})
		t.Run(name, func(t *testing.T) { plugintest.Refused(t, err, sdk.ErrMisconfigured, reasonMetadataKeys) })
	}
}

func decode(t *testing.T, der []byte, into *[]asn1.RawValue) {
	t.Helper()
	if _, err := asn1.Unmarshal(der, into); err != nil {
		t.Fatal(err)
	}
}

func encode(t *testing.T, values []asn1.RawValue) []byte {
	t.Helper()
	der, err := asn1.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
