package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/validation"
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
	r := encryptionRig(t, map[string]any{"name_id_format": "persistent"})
	for _, f := range r.check() {
		if f.Severity != sdk.SeverityOK {
			t.Errorf("%+v", f)
		}
	}
}

// A key that signs and decrypts has one certificate, which is reported once.
func TestCheckTellsACertificateOnce(t *testing.T) {
	told := 0
	for _, f := range encryptionRig(t, nil).check() {
		if f.Subject == "our certificate" {
			told++
		}
	}
	if told != 1 {
		t.Errorf("our certificate is told %d times", told)
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

// TestCheckTellsOnceWhyThereIsNone: the reason is reported for the option to correct, and its
// consequence separately.
func TestCheckTellsOnceWhyThereIsNone(t *testing.T) {
	findings := openRig(t, samltest.Config{}, map[string]any{"idp_metadata": "", "idp_metadata_url": "http://127.0.0.1:1/metadata"}).check()
	if why := find(t, findings, "idp_metadata_url"); why.Severity != sdk.SeverityError || !strings.Contains(why.Text, "connection refused") {
		t.Errorf("%+v", why)
	}
	none := find(t, findings, "metadata of the provider")
	if none.Severity != sdk.SeverityError || strings.Contains(none.Text, "connection refused") || !strings.Contains(none.Text, "every login is refused") {
		t.Errorf("%+v", none)
	}
}

// TestCheckMetadata warns of the end of metadata that is not renewed.
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

// TestCheckNameIDFormat warns if people can choose who they are, and names the format to set.
func TestCheckNameIDFormat(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	before := find(t, r.check(), "NameID format")
	if before.Severity != sdk.SeverityWarning || !strings.Contains(before.Text, "name_id_format") || !strings.Contains(before.Text, "none yet") {
		t.Errorf("%+v", before)
	}
	for _, format := range []string{samltest.Persistent, samltest.Email, samltest.Persistent, ""} {
		if _, err := r.login(func(d *samltest.Draft) { d.Assertion.NameIDFormat = format }); err != nil {
			t.Fatal(err)
		}
	}
	after := find(t, r.check(), "NameID format")
	if !strings.Contains(after.Text, "in use: persistent and email and unspecified") {
		t.Errorf("%+v", after)
	}
	// This format cannot be enforced.
	if strings.Contains(after.Text, "set name_id_format to the one in use") || !strings.Contains(after.Text, "such as persistent") || !strings.Contains(after.Text, "sp_private_key") {
		t.Errorf("%+v", after)
	}
	for _, values := range []map[string]any{{"name_id_format": "email"}, {"identifier_key": "uid"}} {
		if f := find(t, openRig(t, samltest.Config{}, values).check(), "NameID format"); f.Severity != sdk.SeverityOK {
			t.Errorf("%v: %+v", values, f)
		}
	}
	for _, format := range []string{"unspecified", "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"} {
		if f := find(t, openRig(t, samltest.Config{}, map[string]any{"name_id_format": format}).check(), "NameID format"); f.Severity != sdk.SeverityWarning {
			t.Errorf("%s: %+v", format, f)
		}
	}
}

// TestCheckSPMetadata reports settings in sp_metadata without effect.
func TestCheckSPMetadata(t *testing.T) {
	sp := `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:directus">` +
		`<SPSSODescriptor WantAssertionsSigned="true" AuthnRequestsSigned="1" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/></EntityDescriptor>`
	r := openRig(t, samltest.Config{}, map[string]any{"sp_metadata": sp})
	var said []string
	for _, f := range r.check() {
		if f.Subject == "sp_metadata" && f.Severity == sdk.SeverityWarning {
			said = append(said, f.Text)
		}
	}
	if text := strings.Join(said, "\n"); len(said) != 2 || !strings.Contains(text, "sp_want_assertions_signed") || !strings.Contains(text, "sp_private_key") {
		t.Errorf("%q", said)
	}
	if _, err := r.login(func(d *samltest.Draft) { d.SignResponse, d.SignAssertion = true, false }); err != nil {
		t.Errorf("a response that is signed as a whole: %v", err)
	}
	obeyed := encryptionRig(t, map[string]any{"sp_metadata": sp, "sp_want_assertions_signed": true})
	if has(obeyed.check(), sdk.SeverityWarning, "sp_metadata") {
		t.Errorf("%+v", obeyed.check())
	}
}

// TestCheckLeftOut: only a logout endpoint with http is ignored, and it is named.
func TestCheckLeftOut(t *testing.T) {
	metadata := samltest.New(samltest.Config{URL: idpURL}).Metadata()
	metadata.SLO[0][1] = "http://idp.example/slo"
	r, identity := logoutRig(t, map[string]any{"idp_metadata": string(metadata.XML())})
	if !has(r.check(), sdk.SeverityWarning, "logout") {
		t.Errorf("%+v", r.check())
	}
	step, err := r.BeginLogout(t.Context(), sdk.LogoutRequest{State: state, Subject: identity.Subject, Grant: identity.Grant})
	if post, ok := step.(sdk.FormPost); err != nil || !ok || post.URL != idpURL+"/slo" {
		t.Errorf("%+v %v", step, err)
	}
}

// TestCheckRefused reports the last refused response.
func TestCheckRefused(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	if _, err := r.login(func(d *samltest.Draft) { d.Assertion.Audiences = [][]string{{"urn:somebody"}} }); err == nil {
		t.Fatal("accepted")
	}
	if _, err := r.receive("SAMLRequest=x", nil); err == nil { // which must not hide the response
		t.Fatal("accepted")
	}
	if f := find(t, r.check(), "last refused logout message"); f.Severity != sdk.SeverityWarning {
		t.Errorf("%+v", f)
	}
	f := find(t, r.check(), "last refused response")
	if f.Severity != sdk.SeverityWarning || !strings.Contains(f.Text, "urn:somebody") || !strings.Contains(f.Text, "entity_id") || !strings.Contains(f.Text, string(validation.ReasonAudience)) {
		t.Errorf("%+v", f)
	}
}

// TestNameIDFormatIsLogged: once for each format, and never if a format is requested.
func TestNameIDFormatIsLogged(t *testing.T) {
	for format, lines := range map[string]int{"": 2, "persistent": 0} {
		m, _ := direct(t, samltest.Config{}, map[string]any{"name_id_format": format})
		var log strings.Builder
		m.logger = slog.New(slog.NewTextHandler(&log, nil))
		for _, format := range []string{samltest.Persistent, samltest.Persistent, samltest.Email, samltest.Persistent} {
			_ = m.checkFormat(format)
		}
		text := log.String()
		if strings.Count(text, "level=WARN") != lines || lines > 0 && (!strings.Contains(text, "name_id_format_in_use=persistent") || !strings.Contains(text, "name_id_format_in_use=email")) {
			t.Errorf("%q: %s", format, text)
		}
	}
}
