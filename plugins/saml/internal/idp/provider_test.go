package idp

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestH29_Metadata reads valid and invalid metadata.
func TestH29_Metadata(t *testing.T) {
	now := plugintest.NewClock().Now()
	idp := samltest.New(samltest.Config{URL: "https://idp.example"})
	other := samltest.New(samltest.Config{URL: "https://other.example"})
	with := func(change func(*samltest.Metadata)) []byte {
		m := idp.Metadata()
		change(&m)
		return m.XML()
	}
	plain := idp.Metadata().XML()
	pinned := Selection{Pins: []*x509.Certificate{samltest.OtherKey().Certificate}}
	for _, test := range []struct {
		name   string
		data   []byte
		s      Selection
		kind   error
		reason sdk.Reason
	}{
		{"good", plain, Selection{}, nil, ""},
		{"with a byte order mark, declaration and comments", append([]byte("\ufeff<?xml version='1.0' encoding='utf-8'?>\n<!-- by hand -->\n"), plain...), Selection{}, nil, ""},
		{"signed by the pin", samltest.SignDocument(plain, samltest.OtherKey()), pinned, nil, ""},
		{"unsigned, with a pin", plain, pinned, sdk.ErrMisconfigured, reasonMetadataSignature},
		{"signed by somebody else", samltest.SignDocument(plain, samltest.DefaultKey()), pinned, sdk.ErrMisconfigured, reasonMetadataSignature},
		{"changed after it was signed", bytes.Replace(samltest.SignDocument(plain, samltest.OtherKey()), []byte("https://idp.example/sso"), []byte("https://idp.example/xxx"), 1), pinned, sdk.ErrMisconfigured, reasonMetadataSignature},
		{"valid for a while", with(func(m *samltest.Metadata) { m.ValidUntil = samltest.Time(now.Add(time.Hour)) }), Selection{}, nil, ""},
		{"expired", with(func(m *samltest.Metadata) { m.ValidUntil = samltest.Time(now) }), Selection{}, sdk.ErrUnavailable, reasonMetadataExpired},
		{"valid until nonsense", with(func(m *samltest.Metadata) { m.ValidUntil = "tomorrow" }), Selection{}, sdk.ErrMisconfigured, reasonMetadataMalformed},
		{"two identity providers", samltest.Aggregate(plain, other.Metadata().XML()), Selection{}, sdk.ErrMisconfigured, reasonMetadataEntity},
		{"two, one of them chosen", samltest.Aggregate(other.Metadata().XML(), plain), Selection{EntityID: idp.EntityID()}, nil, ""},
		{"the same twice", samltest.Aggregate(plain, plain), Selection{EntityID: idp.EntityID()}, sdk.ErrMisconfigured, reasonMetadataEntity},
		{"another entity ID", plain, Selection{EntityID: "https://other.example"}, sdk.ErrMisconfigured, reasonMetadataEntity},
		{"no entity ID", with(func(m *samltest.Metadata) { m.EntityID = "" }), Selection{}, sdk.ErrMisconfigured, reasonMetadataEntity},
		{"a service provider", []byte(`<EntityDescriptor xmlns="` + saml2.Metadata + `" entityID="x"><SPSSODescriptor/></EntityDescriptor>`), Selection{}, sdk.ErrMisconfigured, reasonMetadataEntity},
		{"HTML", []byte("<html><body>Sign in</body></html>"), Selection{}, sdk.ErrMisconfigured, reasonMetadataEntity},
		{"a DOCTYPE", append([]byte("<!DOCTYPE x>"), plain...), Selection{}, sdk.ErrMisconfigured, reasonMetadataMalformed},
		{"10 MB", append(bytes.Repeat([]byte(" "), 10<<20), plain...), Selection{}, sdk.ErrMisconfigured, reasonMetadataMalformed},
		{"a location with http", with(func(m *samltest.Metadata) { m.SSO[0][1] = "http://idp.example/sso" }), Selection{}, sdk.ErrMisconfigured, ReasonMetadataEndpoint},
		{"a location with http on loopback", with(func(m *samltest.Metadata) { m.SSO[0][1] = "http://127.0.0.1/sso" }), Selection{}, nil, ""},
		{"a location that is script", with(func(m *samltest.Metadata) { m.SLO[1][1] = "javascript:alert(1)//https://x" }), Selection{}, sdk.ErrMisconfigured, ReasonMetadataEndpoint},
		{"a logout location with http", with(func(m *samltest.Metadata) { m.SLO[0][1] = "http://idp.example/slo" }), Selection{}, nil, ""},
		{"a logout location with http, and a user", with(func(m *samltest.Metadata) { m.SLO[0][1] = "http://a:b@idp.example/slo" }), Selection{}, sdk.ErrMisconfigured, ReasonMetadataEndpoint},
		{"a logout location of another kind", with(func(m *samltest.Metadata) { m.SLO[0][1] = "ftp://idp.example/slo" }), Selection{}, sdk.ErrMisconfigured, ReasonMetadataEndpoint},
		{"no logout location", with(func(m *samltest.Metadata) { m.SLO[0][1] = "" }), Selection{}, sdk.ErrMisconfigured, ReasonMetadataEndpoint},
		{"white space in front", append([]byte("\n  <?xml version='1.0'?>\n"), plain...), Selection{}, nil, ""},
		{"a location with a password", with(func(m *samltest.Metadata) { m.SSO[0][1] = "https://a:b@idp.example/" }), Selection{}, sdk.ErrMisconfigured, ReasonMetadataEndpoint},
		{"no location", with(func(m *samltest.Metadata) { m.SSO = nil }), Selection{}, sdk.ErrMisconfigured, ReasonMetadataEndpoint},
		{"no key", with(func(m *samltest.Metadata) { m.Certificates = nil }), Selection{}, sdk.ErrMisconfigured, reasonMetadataKeys},
		{"a key for encryption only", with(func(m *samltest.Metadata) { m.Uses = []string{"encryption"} }), Selection{}, sdk.ErrMisconfigured, reasonMetadataKeys},
		{"a key for no named use", with(func(m *samltest.Metadata) { m.Uses = []string{""} }), Selection{}, nil, ""},
		{"a key that is no certificate", with(func(m *samltest.Metadata) { m.Certificates = []string{"AAAA"} }), Selection{}, sdk.ErrMisconfigured, reasonMetadataKeys},
		{"a short key", with(func(m *samltest.Metadata) { m.Certificates = []string{shortKey(t).DER()} }), Selection{}, sdk.ErrMisconfigured, reasonMetadataKeys},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.s.Now = now
			p, err := ReadProvider(test.data, test.s)
			if test.kind == nil {
				if err != nil || p.EntityID != idp.EntityID() || len(p.Keys) != 1 || p.SSO[saml2.BindingPost] != "https://idp.example"+"/sso" {
					t.Fatalf("%+v, %v", p, err)
				}
				return
			}
			plugintest.Refused(t, err, test.kind, test.reason)
		})
	}
}

func shortKey(t *testing.T) samltest.Key {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // to be refused
	if err != nil {
		t.Skipf("making a short key: %v", err)
	}
	return samltest.Certify(private, time.Now().AddDate(-1, 0, 0), time.Now().AddDate(1, 0, 0))
}

func TestH29_StrictestTimeCounts(t *testing.T) {
	now := plugintest.NewClock().Now()
	idp := samltest.New(samltest.Config{URL: "https://idp.example"}).Metadata()
	idp.ValidUntil, idp.CacheDuration = samltest.Time(now.Add(time.Hour)), "P1D"
	outside := bytes.Replace(samltest.Aggregate(idp.XML()), []byte(" ID="), []byte(` cacheDuration="PT2H" validUntil="`+samltest.Time(now.Add(time.Minute))+`" ID=`), 1)
	p, err := ReadProvider(outside, Selection{Now: now})
	if err != nil || !p.ValidUntil.Equal(now.Add(time.Minute)) || p.cacheFor != 2*time.Hour {
		t.Errorf("%+v %v", p, err)
	}
}

func TestUntilNext(t *testing.T) {
	now := plugintest.NewClock().Now()
	for _, test := range []struct {
		p    Provider
		want time.Duration
	}{
		{Provider{}, time.Hour},
		{Provider{cacheFor: 10 * time.Minute}, 10 * time.Minute},
		{Provider{cacheFor: 48 * time.Hour}, time.Hour},
		{Provider{cacheFor: time.Second}, minFresh},
		{Provider{ValidUntil: now.Add(20 * time.Minute)}, 10 * time.Minute},
	} {
		if got := test.p.freshFor(time.Hour, now); got != test.want {
			t.Errorf("%+v: %v, want %v", test.p, got, test.want)
		}
	}
}

// TestLeftOut: only an http endpoint itself is ignored, together with its response location.
func TestLeftOut(t *testing.T) {
	m := samltest.New(samltest.Config{URL: "https://idp.example"}).Metadata()
	m.SLO[0][1] = "http://idp.example/slo"
	p, err := ReadProvider(m.XML(), Selection{})
	if err != nil || len(p.SLO) != 1 || p.SLO[saml2.BindingPost].Location != "https://idp.example/slo" || !slices.Equal(p.LeftOut, []string{"http://idp.example/slo"}) {
		t.Errorf("%+v %v", p, err)
	}
	m.SLO[0][1] = "https://idp.example/slo"
	answers := bytes.Replace(m.XML(), []byte(`Location="https://idp.example/slo"`), []byte(`Location="https://idp.example/slo" ResponseLocation="http://idp.example/answers"`), 1)
	p, err = ReadProvider(answers, Selection{})
	if _, used := p.SLO[saml2.BindingRedirect]; err != nil || used || !slices.Equal(p.LeftOut, []string{"http://idp.example/answers"}) {
		t.Errorf("%+v %v", p, err)
	}
}

// TestBareKey reads complete keys without a certificate, and refuses incomplete ones.
func TestBareKey(t *testing.T) {
	plain := samltest.New(samltest.Config{URL: "https://idp.example"}).Metadata()
	key := samltest.DefaultKey().Certificate.PublicKey.(*rsa.PublicKey)
	certificate := regexp.MustCompile(`<ds:X509Data>.*</ds:X509Data>`)
	metadata := func(modulus []byte, exponent string) []byte {
		value := `<ds:KeyValue><RSAKeyValue xmlns="` + saml2.Signature + `"><Modulus>` + base64.StdEncoding.EncodeToString(modulus) + "\n" +
			`</Modulus><Exponent>` + exponent + `</Exponent></RSAKeyValue></ds:KeyValue>`
		return certificate.ReplaceAllLiteral(plain.XML(), []byte(value))
	}
	p, err := ReadProvider(metadata(key.N.Bytes(), "AQAB"), Selection{})
	if err != nil || len(p.Keys) != 1 || !key.Equal(p.Keys[0].public) || p.Keys[0].Certificate != nil {
		t.Fatalf("%+v %v", p, err)
	}
	if usable, expired := p.UsableKeys(time.Time{}, false); len(usable) != 1 || expired != 0 {
		t.Errorf("%d usable, %d expired", len(usable), expired)
	}
	for name, bad := range map[string][]byte{
		"a short key":      metadata(key.N.Bytes()[:128], "AQAB"),
		"an even modulus":  metadata(append(bytes.Clone(key.N.Bytes()[:255]), 2), "AQAB"),
		"exponent 1":       metadata(key.N.Bytes(), "AQ=="),
		"an even exponent": metadata(key.N.Bytes(), "AQAA"),
		"a huge exponent":  metadata(key.N.Bytes(), "AQAAAAAAAAAB"),
		"no exponent":      metadata(key.N.Bytes(), ""),
		"no modulus":       metadata(nil, "AQAB"),
		"no key":           certificate.ReplaceAllLiteral(plain.XML(), []byte(`<ds:KeyName>x</ds:KeyName>`)),
		"two values":       certificate.ReplaceAllLiteral(plain.XML(), []byte(`<ds:KeyValue/><ds:KeyValue/>`)),
	} {
		_, err := ReadProvider(bad, Selection{})
		t.Run(name, func(t *testing.T) { plugintest.Refused(t, err, sdk.ErrMisconfigured, reasonMetadataKeys) })
	}
}
