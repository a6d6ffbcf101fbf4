package main

import (
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/rules"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

func (r *rig) check() []sdk.Finding {
	r.t.Helper()
	findings, err := r.Check(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return findings
}

func find(t *testing.T, findings []sdk.Finding, subject string) sdk.Finding {
	t.Helper()
	for _, f := range findings {
		if f.Subject == subject {
			return f
		}
	}
	t.Fatalf("no finding about %q in %+v", subject, findings)
	return sdk.Finding{}
}

func TestCheckInOrder(t *testing.T) {
	r := encryptionRig(t, nil)
	for _, f := range r.check() {
		if f.Severity != sdk.SeverityOK {
			t.Errorf("%+v", f)
		}
	}
}

func TestCheckCertificates(t *testing.T) {
	now := plugintest.NewClock().Now()
	for _, test := range []struct {
		left time.Duration
		want sdk.Severity
	}{{31 * 24 * time.Hour, sdk.SeverityOK}, {29 * 24 * time.Hour, sdk.SeverityWarning}, {-time.Hour, sdk.SeverityWarning}} {
		idp := samltest.New(samltest.Config{URL: idpURL})
		key := samltest.Certify(samltest.DefaultKey().Signer, now.AddDate(-1, 0, 0), now.Add(test.left))
		idp.SetKeys(key, key)
		findings := openRig(t, samltest.Config{}, map[string]any{"idp_metadata": string(idp.Metadata().XML())}).check()
		f := find(t, findings, "certificate of the provider")
		if f.Severity != test.want || !f.ExpiresAt.Equal(now.Add(test.left)) {
			t.Errorf("%v left: %+v", test.left, f)
		}
		if useless := has(findings, sdk.SeverityError, "certificate of the provider"); useless != (test.left < 0) {
			t.Errorf("%v left: %+v", test.left, findings)
		}
	}
}

// TestCheckMetadata warns of an end that nobody will put off.
func TestCheckMetadata(t *testing.T) {
	idp := samltest.New(samltest.Config{URL: idpURL}).Metadata()
	until := plugintest.NewClock().Now().Add(time.Hour)
	idp.ValidUntil = samltest.Time(until)
	f := find(t, openRig(t, samltest.Config{}, map[string]any{"idp_metadata": string(idp.XML())}).check(), "metadata of the provider")
	if f.Severity != sdk.SeverityWarning || !f.ExpiresAt.Equal(until) {
		t.Errorf("%+v", f)
	}
	server := publish(t, idp.XML())
	f = find(t, openRig(t, samltest.Config{}, map[string]any{"idp_metadata": "", "idp_metadata_url": server.URL}).check(), "metadata of the provider")
	if f.Severity != sdk.SeverityOK || !f.ExpiresAt.IsZero() {
		t.Errorf("%+v", f)
	}
}

func TestCheckSigning(t *testing.T) {
	r := openRig(t, samltest.Config{WantAuthnRequestsSigned: true}, nil)
	if !has(r.check(), sdk.SeverityError, "signing of our requests") || !has(r.check(), sdk.SeverityWarning, "logout") {
		t.Errorf("%+v", r.check())
	}
	lax := openRig(t, samltest.Config{}, map[string]any{"insecure_allow_sha1": true})
	if !has(lax.check(), sdk.SeverityWarning, "options") {
		t.Errorf("%+v", lax.check())
	}
}

// TestCheckRefused tells what the last refused response lacked.
func TestCheckRefused(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	if _, err := r.login(func(d *samltest.Draft) { d.Assertion.Audiences = [][]string{{"urn:somebody"}} }); err == nil {
		t.Fatal("accepted")
	}
	if _, err := r.receive("SAMLRequest=x", nil); err == nil { // which must not hide the other
		t.Fatal("accepted")
	}
	if f := find(t, r.check(), "last refused logout message"); f.Severity != sdk.SeverityWarning {
		t.Errorf("%+v", f)
	}
	f := find(t, r.check(), "last refused response")
	if f.Severity != sdk.SeverityWarning || !strings.Contains(f.Text, "urn:somebody") || !strings.Contains(f.Text, "entity_id") || !strings.Contains(f.Text, string(rules.ReasonAudience)) {
		t.Errorf("%+v", f)
	}
}
