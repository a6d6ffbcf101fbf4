package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/idp"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream"
)

// publisher serves metadata that tests can change.
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

// TestH30_Rollover: if an unknown key signs, the metadata is read again and the login
// continues; but not for each forged message.
func TestH30_Rollover(t *testing.T) {
	peer := samltest.New(samltest.Config{URL: idpURL})
	server := publish(t, peer.Metadata().XML())
	r := openRig(t, samltest.Config{}, map[string]any{"idp_metadata": "", "idp_metadata_url": server.URL})
	if _, err := r.login(nil); err != nil {
		t.Fatal(err)
	}
	fresh := samltest.NewRSAKey()
	peer.SetKeys(fresh, samltest.DefaultKey(), fresh)
	server.set(http.StatusOK, peer.Metadata().XML())
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
		refused(t, err, idp.ReasonSignature)
	}
	if server.count() != before {
		t.Errorf("%d forged messages had the metadata read", server.count()-before)
	}
	peer.SetKeys(fresh, fresh)
	server.set(http.StatusOK, peer.Metadata().XML())
	r.clock.Advance(upstream.RenewEvery)
	_, err := r.login(func(d *samltest.Draft) { d.Signing.Key = samltest.OtherKey() })
	refused(t, err, idp.ReasonSignature)
	_, err = r.login(nil)
	refused(t, err, idp.ReasonSignature) // the old key is gone
}

// TestH30_TwoKeys: several keys work without KeyInfo, and so does another certificate for the
// same key.
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
	peer := samltest.New(samltest.Config{URL: idpURL})
	now := plugintest.NewClock().Now()
	expired := samltest.Certify(samltest.DefaultKey().Signer, now.AddDate(-2, 0, 0), now.Add(-time.Hour))
	peer.SetKeys(expired, expired)
	values := map[string]any{"idp_metadata": string(peer.Metadata().XML())}
	_, err := openRig(t, samltest.Config{}, values).login(nil)
	refused(t, err, idp.ReasonCertificateTime)
	values["allow_expired_certificates"] = true
	if _, err := openRig(t, samltest.Config{}, values).login(nil); err != nil {
		t.Error(err)
	}
}

// TestSource: opening does not wait for the identity provider, the last valid metadata is
// used, and failures do not cause repeated requests.
func TestSource(t *testing.T) {
	peer := samltest.New(samltest.Config{URL: idpURL})
	good := peer.Metadata()
	good.ValidUntil = samltest.Time(plugintest.NewClock().Now().Add(time.Hour))
	server := publish(t, nil)
	server.set(http.StatusServiceUnavailable, nil)
	r := openRig(t, samltest.Config{}, map[string]any{"idp_metadata": "", "idp_metadata_url": server.URL})
	for range 10 {
		_, err := r.Begin(t.Context(), sdk.BeginRequest{State: state})
		plugintest.Refused(t, err, sdk.ErrUnavailable, idp.ReasonMetadataStatus)
	}
	if n := server.count(); n > 2 {
		t.Errorf("a provider that is down was asked %d times", n)
	}
	server.set(http.StatusFound, nil)
	r.clock.Advance(upstream.RetryAfter)
	_, err := r.Begin(t.Context(), sdk.BeginRequest{State: state})
	plugintest.Refused(t, err, sdk.ErrUnavailable, idp.ReasonMetadataStatus)
	if !strings.Contains(fmt.Sprint(err), "elsewhere.example") {
		t.Errorf("a redirect is not told: %v", err)
	}
	server.set(http.StatusOK, good.XML())
	r.clock.Advance(upstream.RetryAfter)
	if _, err := r.login(nil); err != nil {
		t.Fatal(err)
	}
	server.set(http.StatusOK, []byte("<x"))
	findings, err := r.Check(t.Context()) // reads it again
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

// TestSourceEnds: closing ends the goroutine, even while it waits for an identity provider
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
		t.Error("two different documents at the same time: is the certificate made again?")
	}
	text := string(doc.Content)
	for _, want := range []string{
		`entityID="` + usURL + `"`, `AuthnRequestsSigned="true"`, `Location="` + acsURL + `"`, `Location="` + sloURL + `"`,
		`use="signing"`, `use="encryption"`, samltest.AES256GCM, saml2.FormatPersistent, `Name="mail"`, `Name="uid"`, `Name="groups"`, "validUntil", `cacheDuration="PT24H"`,
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
