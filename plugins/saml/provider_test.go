package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream"
)

// TestH29_Metadata reads metadata, good and bad.
func TestH29_Metadata(t *testing.T) {
	now := plugintest.NewClock().Now()
	idp := samltest.New(samltest.Config{URL: idpURL})
	other := samltest.New(samltest.Config{URL: "https://other.example"})
	with := func(change func(*samltest.Metadata)) []byte {
		m := idp.Metadata()
		change(&m)
		return m.XML()
	}
	plain := idp.Metadata().XML()
	pinned := selection{pins: []*x509.Certificate{samltest.OtherKey().Certificate}}
	for _, test := range []struct {
		name   string
		data   []byte
		s      selection
		kind   error
		reason sdk.Reason
	}{
		{"good", plain, selection{}, nil, ""},
		{"with a byte order mark, declaration and comments", append([]byte("\ufeff<?xml version='1.0' encoding='utf-8'?>\n<!-- by hand -->\n"), plain...), selection{}, nil, ""},
		{"signed by the pin", samltest.SignDocument(plain, samltest.OtherKey()), pinned, nil, ""},
		{"unsigned, with a pin", plain, pinned, sdk.ErrMisconfigured, reasonMetadataSignature},
		{"signed by somebody else", samltest.SignDocument(plain, samltest.DefaultKey()), pinned, sdk.ErrMisconfigured, reasonMetadataSignature},
		{"changed after it was signed", bytes.Replace(samltest.SignDocument(plain, samltest.OtherKey()), []byte(idpURL+"/sso"), []byte(idpURL+"/xxx"), 1), pinned, sdk.ErrMisconfigured, reasonMetadataSignature},
		{"valid for a while", with(func(m *samltest.Metadata) { m.ValidUntil = samltest.Time(now.Add(time.Hour)) }), selection{}, nil, ""},
		{"expired", with(func(m *samltest.Metadata) { m.ValidUntil = samltest.Time(now) }), selection{}, sdk.ErrUnavailable, reasonMetadataExpired},
		{"valid until nonsense", with(func(m *samltest.Metadata) { m.ValidUntil = "tomorrow" }), selection{}, sdk.ErrMisconfigured, reasonMetadataMalformed},
		{"two identity providers", samltest.Aggregate(plain, other.Metadata().XML()), selection{}, sdk.ErrMisconfigured, reasonMetadataEntity},
		{"two, one of them chosen", samltest.Aggregate(other.Metadata().XML(), plain), selection{entityID: idp.EntityID()}, nil, ""},
		{"the same twice", samltest.Aggregate(plain, plain), selection{entityID: idp.EntityID()}, sdk.ErrMisconfigured, reasonMetadataEntity},
		{"another entity ID", plain, selection{entityID: "https://other.example"}, sdk.ErrMisconfigured, reasonMetadataEntity},
		{"no entity ID", with(func(m *samltest.Metadata) { m.EntityID = "" }), selection{}, sdk.ErrMisconfigured, reasonMetadataEntity},
		{"a service provider", []byte(`<EntityDescriptor xmlns="` + nsMetadata + `" entityID="x"><SPSSODescriptor/></EntityDescriptor>`), selection{}, sdk.ErrMisconfigured, reasonMetadataEntity},
		{"HTML", []byte("<html><body>Sign in</body></html>"), selection{}, sdk.ErrMisconfigured, reasonMetadataEntity},
		{"a DOCTYPE", append([]byte("<!DOCTYPE x>"), plain...), selection{}, sdk.ErrMisconfigured, reasonMetadataMalformed},
		{"10 MB", append(bytes.Repeat([]byte(" "), 10<<20), plain...), selection{}, sdk.ErrMisconfigured, reasonMetadataMalformed},
		{"a location with http", with(func(m *samltest.Metadata) { m.SSO[0][1] = "http://idp.example/sso" }), selection{}, sdk.ErrMisconfigured, reasonMetadataEndpoint},
		{"a location with http on loopback", with(func(m *samltest.Metadata) { m.SSO[0][1] = "http://127.0.0.1/sso" }), selection{}, nil, ""},
		{"a location that is script", with(func(m *samltest.Metadata) { m.SLO[1][1] = "javascript:alert(1)//https://x" }), selection{}, sdk.ErrMisconfigured, reasonMetadataEndpoint},
		{"a location with a password", with(func(m *samltest.Metadata) { m.SSO[0][1] = "https://a:b@idp.example/" }), selection{}, sdk.ErrMisconfigured, reasonMetadataEndpoint},
		{"no location", with(func(m *samltest.Metadata) { m.SSO = nil }), selection{}, sdk.ErrMisconfigured, reasonMetadataEndpoint},
		{"no key", with(func(m *samltest.Metadata) { m.Certificates = nil }), selection{}, sdk.ErrMisconfigured, reasonMetadataKeys},
		{"a key for encryption only", with(func(m *samltest.Metadata) { m.Uses = []string{"encryption"} }), selection{}, sdk.ErrMisconfigured, reasonMetadataKeys},
		{"a key for no named use", with(func(m *samltest.Metadata) { m.Uses = []string{""} }), selection{}, nil, ""},
		{"a key that is no certificate", with(func(m *samltest.Metadata) { m.Certificates = []string{"AAAA"} }), selection{}, sdk.ErrMisconfigured, reasonMetadataKeys},
		{"a short key", with(func(m *samltest.Metadata) { m.Certificates = []string{shortKey(t).DER()} }), selection{}, sdk.ErrMisconfigured, reasonMetadataKeys},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.s.now = now
			p, err := readProvider(test.data, test.s)
			if test.kind == nil {
				if err != nil || p.entityID != idp.EntityID() || len(p.keys) != 1 || p.sso[bindingPost] != idpURL+"/sso" {
					t.Fatalf("%+v, %v", p, err)
				}
				return
			}
			checkReason(t, err, test.kind, test.reason)
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
	idp := samltest.New(samltest.Config{URL: idpURL}).Metadata()
	idp.ValidUntil, idp.CacheDuration = samltest.Time(now.Add(time.Hour)), "P1D"
	outside := bytes.Replace(samltest.Aggregate(idp.XML()), []byte(" ID="), []byte(` cacheDuration="PT2H" validUntil="`+samltest.Time(now.Add(time.Minute))+`" ID=`), 1)
	p, err := readProvider(outside, selection{now: now})
	if err != nil || !p.validUntil.Equal(now.Add(time.Minute)) || p.cacheFor != 2*time.Hour {
		t.Errorf("%+v %v", p, err)
	}
}

// publisher serves metadata that can be changed.
type publisher struct {
	*httptest.Server
	mu    sync.Mutex
	body  []byte
	code  int
	calls int
}

func publish(t *testing.T, body []byte) *publisher {
	t.Helper()
	p := &publisher{body: body, code: http.StatusOK}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calls++
		if p.code/100 == 3 {
			w.Header().Set("Location", "https://elsewhere.example/")
		}
		w.WriteHeader(p.code)
		_, _ = w.Write(p.body)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) set(code int, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.code, p.body = code, body
}

func (p *publisher) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

// TestH30_Rollover: a signature by a key that is not known has the metadata read
// anew, and the login goes on; but not for each forged message.
func TestH30_Rollover(t *testing.T) {
	idp := samltest.New(samltest.Config{URL: idpURL})
	server := publish(t, idp.Metadata().XML())
	r := openRig(t, samltest.Config{}, map[string]any{"idp_metadata": "", "idp_metadata_url": server.URL})
	if _, err := r.login(nil); err != nil {
		t.Fatal(err)
	}
	fresh := samltest.NewRSAKey()
	idp.SetKeys(fresh, samltest.DefaultKey(), fresh)
	server.set(http.StatusOK, idp.Metadata().XML())
	signedByFresh := func(d *samltest.Draft) { d.Signing.Key = fresh }
	if _, err := r.login(signedByFresh); err != nil {
		t.Errorf("new key: %v", err)
	}
	if _, err := r.login(nil); err != nil {
		t.Errorf("old key, still listed: %v", err)
	}
	before := server.count()
	for range 20 {
		_, err := r.login(func(d *samltest.Draft) { d.Signing.Key = samltest.OtherKey() })
		refused(t, err, reasonSignature)
	}
	if server.count() != before {
		t.Errorf("%d forged messages had the metadata read", server.count()-before)
	}
	idp.SetKeys(fresh, fresh)
	server.set(http.StatusOK, idp.Metadata().XML())
	r.clock.Advance(upstream.RenewEvery)
	_, err := r.login(func(d *samltest.Draft) { d.Signing.Key = samltest.OtherKey() })
	refused(t, err, reasonSignature)
	_, err = r.login(nil)
	refused(t, err, reasonSignature) // the old key is gone
}

// TestH30_TwoKeys: several keys work without KeyInfo, and so does another
// certificate for the same key.
func TestH30_TwoKeys(t *testing.T) {
	signer := samltest.New(samltest.Config{URL: idpURL})
	reissued := samltest.Certify(samltest.DefaultKey().Signer, time.Now().AddDate(-5, 0, 0), time.Now().AddDate(5, 0, 0))
	signer.SetKeys(samltest.DefaultKey(), samltest.OtherKey(), reissued)
	r := openRig(t, samltest.Config{}, map[string]any{"idp_metadata": string(signer.Metadata().XML())})
	for _, key := range []samltest.Key{samltest.DefaultKey(), samltest.OtherKey()} {
		for _, without := range []bool{true, false} {
			_, err := r.login(func(d *samltest.Draft) { d.Signing.Key, d.Signing.NoKeyInfo = key, without })
			if err != nil {
				t.Error(err)
			}
		}
	}
}

func TestH30_ExpiredCertificate(t *testing.T) {
	idp := samltest.New(samltest.Config{URL: idpURL})
	now := plugintest.NewClock().Now()
	expired := samltest.Certify(samltest.DefaultKey().Signer, now.AddDate(-2, 0, 0), now.Add(-time.Hour))
	idp.SetKeys(expired, expired)
	values := map[string]any{"idp_metadata": string(idp.Metadata().XML())}
	_, err := openRig(t, samltest.Config{}, values).login(nil)
	refused(t, err, reasonCertificateTime)
	values["allow_expired_certificates"] = true
	if _, err := openRig(t, samltest.Config{}, values).login(nil); err != nil {
		t.Error(err)
	}
}

// TestSource: opening does not wait for the provider, the last good metadata
// serves on, and it is not asked again and again.
func TestSource(t *testing.T) {
	idp := samltest.New(samltest.Config{URL: idpURL})
	good := idp.Metadata()
	good.ValidUntil = samltest.Time(plugintest.NewClock().Now().Add(time.Hour))
	server := publish(t, nil)
	server.set(http.StatusServiceUnavailable, nil)
	r := openRig(t, samltest.Config{}, map[string]any{"idp_metadata": "", "idp_metadata_url": server.URL})
	for range 10 {
		_, err := r.Begin(t.Context(), sdk.BeginRequest{State: state})
		checkReason(t, err, sdk.ErrUnavailable, reasonMetadataStatus)
	}
	if n := server.count(); n > 2 {
		t.Errorf("a provider that is down was asked %d times", n)
	}
	server.set(http.StatusFound, nil)
	r.clock.Advance(upstream.RetryAfter)
	_, err := r.Begin(t.Context(), sdk.BeginRequest{State: state})
	checkReason(t, err, sdk.ErrUnavailable, reasonMetadataStatus)
	if !strings.Contains(fmt.Sprint(err), "elsewhere.example") {
		t.Errorf("a redirect is not told: %v", err)
	}
	server.set(http.StatusOK, good.XML())
	r.clock.Advance(upstream.RetryAfter)
	if _, err := r.login(nil); err != nil {
		t.Fatal(err)
	}
	server.set(http.StatusOK, []byte("<x"))
	findings, err := r.Check(t.Context()) // reads it anew
	if err != nil || !has(findings, sdk.SeverityError, "idp_metadata_url") {
		t.Errorf("%+v %v", findings, err)
	}
	if _, err := r.login(nil); err != nil {
		t.Errorf("with the last good metadata: %v", err)
	}
	r.clock.Advance(time.Hour)
	if _, err := r.Begin(t.Context(), sdk.BeginRequest{State: state}); err == nil {
		t.Error("metadata serves on after its end")
	}
}

func has(findings []sdk.Finding, severity sdk.Severity, subject string) bool {
	for _, f := range findings {
		if f.Severity == severity && f.Subject == subject {
			return true
		}
	}
	return false
}

// TestSourceEnds: closing ends the goroutine, even while it waits for a provider
// that does not answer.
func TestSourceEnds(t *testing.T) {
	asked, hang := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(hang)
	client := plugintest.Serve(t, plugin.Description{Mechanism: "saml", Version: version}, open, nil)
	p, err := client.Open(t.Context(), plugintest.Request(map[string]any{"idp_metadata_url": server.URL}))
	if err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestUntilNext(t *testing.T) {
	now := plugintest.NewClock().Now()
	for _, test := range []struct {
		p    provider
		want time.Duration
	}{
		{provider{}, time.Hour},
		{provider{cacheFor: 10 * time.Minute}, 10 * time.Minute},
		{provider{cacheFor: 48 * time.Hour}, time.Hour},
		{provider{cacheFor: time.Second}, minFresh},
		{provider{validUntil: now.Add(20 * time.Minute)}, 10 * time.Minute},
	} {
		if got := test.p.freshFor(time.Hour, now); got != test.want {
			t.Errorf("%+v: %v, want %v", test.p, got, test.want)
		}
	}
}

func TestOurMetadata(t *testing.T) {
	r := openRig(t, samltest.Config{}, map[string]any{
		"sp_private_key": pemKey(t, samltest.OtherKey()), "name_id_format": "persistent",
		"email_key": "mail", "identifier_key": "uid", "requested_attributes": "groups, mail",
	})
	doc, err := r.Metadata(t.Context())
	if err != nil || doc.ContentType != metadataType {
		t.Fatal(doc.ContentType, err)
	}
	again, _ := r.Metadata(t.Context())
	if !bytes.Equal(doc.Content, again.Content) {
		t.Error("two different documents at the same time: is the certificate made anew?")
	}
	text := string(doc.Content)
	for _, want := range []string{
		`entityID="` + usURL + `"`, `AuthnRequestsSigned="true"`, `Location="` + acsURL + `"`, `Location="` + sloURL + `"`,
		`use="signing"`, `use="encryption"`, samltest.AES256GCM, formatPersistent, `Name="mail"`, `Name="uid"`, `Name="groups"`, "validUntil", `cacheDuration="PT24H"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if strings.Contains(text, "cbc") || strings.Contains(text, "sha1") {
		t.Errorf("weak algorithms in %s", text)
	}
	if !strings.Contains(text, xmldsig.Namespace) {
		t.Error("no key")
	}
}
