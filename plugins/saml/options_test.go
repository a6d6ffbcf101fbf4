package main

import (
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/ownkeys"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestProblems: problems name the option that is wrong.
func TestProblems(t *testing.T) {
	good := string(samltest.New(samltest.Config{URL: idpURL}).Metadata().XML())
	rsaKey := pemKey(t, samltest.OtherKey())
	client := plugintest.Serve(t, plugin.Description{Mechanism: "saml", Version: version}, open, nil)
	for _, test := range []struct {
		option string
		values map[string]any
	}{
		{"idp_metadata_url", map[string]any{}},
		{"idp_metadata_url", map[string]any{"idp_metadata": good, "idp_metadata_url": "https://idp.example/"}},
		{"idp_metadata_url", map[string]any{"idp_metadata_url": "ftp://idp.example/"}},
		{"idp_metadata_refresh", map[string]any{"idp_metadata": good, "idp_metadata_refresh": "1s"}},
		{"clock_skew", map[string]any{"idp_metadata": good, "clock_skew": "1h"}},
		{"sp_clock_drifts", map[string]any{"idp_metadata": good, "sp_clock_drifts": "a,b"}},
		{"sp_clock_drifts", map[string]any{"idp_metadata": good, "sp_clock_drifts": "-9000000,0"}},
		{"name_id_format", map[string]any{"idp_metadata": good, "name_id_format": "foo"}},
		{"is_passive", map[string]any{"idp_metadata": good, "is_passive": true, "force_authn": true}},
		{"authn_context_accepted", map[string]any{"idp_metadata": good, "authn_context": "urn:x", "authn_context_comparison": "minimum"}},
		{"sp_private_key", map[string]any{"idp_metadata": good, "sp_authn_requests_signed": true}},
		{"sp_private_key", map[string]any{"idp_metadata": good, "sp_private_key": "/etc/key.pem"}},
		{"sp_private_key", map[string]any{"idp_metadata": good, "sp_private_key": strings.ReplaceAll(rsaKey, "\n", " ")}},
		{"sp_private_key", map[string]any{"idp_metadata": good, "sp_private_key": strings.Repeat(rsaKey, ownkeys.MaxKeys+1)}},
		{"sp_certificate", map[string]any{"idp_metadata": good, "sp_private_key": rsaKey, "sp_certificate": pemCertificate(samltest.DefaultKey().Certificate)}},
		{"sp_certificate", map[string]any{"idp_metadata": good, "sp_private_key": rsaKey, "sp_certificate": "MII"}},
		{"sp_request_signature_algorithm", map[string]any{"idp_metadata": good, "sp_private_key": rsaKey, "sp_request_signature_algorithm": "http://www.w3.org/2000/09/xmldsig#rsa-sha1"}},
		{"idp_request_signature_algorithm", map[string]any{"idp_metadata": good, "sp_private_key": rsaKey, "idp_request_signature_algorithm": samltest.ECDSASHA256}},
		{"sp_enc_private_key", map[string]any{"idp_metadata": good, "idp_is_assertion_encrypted": true}},
		{"sp_metadata", map[string]any{"idp_metadata": good, "sp_metadata": good}},
		{"idp_metadata_certificate", map[string]any{"idp_metadata": good, "idp_metadata_certificate": "x"}},
		{"entity_id", map[string]any{"idp_metadata": good, "entity_id": "a\nb"}},
		{"client_http_ca", map[string]any{"idp_metadata": good, "client_http_ca": "x"}},
		{"client_http_headers", map[string]any{"idp_metadata": good, "client_http_headers": map[string]any{"X A": "a"}}},
		{"client_http_headers", map[string]any{"idp_metadata": good, "client_http_headers": map[string]any{"X-A": "a\r\nb: c"}}},
		{"client_http_cert", map[string]any{"idp_metadata": good, "client_http_cert": "x"}},
		{"idp_metadata_url", map[string]any{"idp_metadata_url": "http://idp.example/metadata"}},
	} {
		_, err := client.Open(t.Context(), plugintest.Request(test.values))
		problems, _ := errors.AsType[options.Problems](err)
		if !errors.Is(err, sdk.ErrMisconfigured) || len(problems) != 1 || problems[0].Option != test.option {
			t.Errorf("%v\nwant a problem of %s", err, test.option)
		}
		if err != nil && strings.Contains(err.Error(), "PRIVATE") && strings.Contains(err.Error(), "MII") {
			t.Errorf("a key in the error: %v", err)
		}
	}
	_, err := client.Open(t.Context(), plugintest.Request(map[string]any{"idp_metadata": "<html/>"}))
	if !errors.Is(err, sdk.ErrMisconfigured) || !strings.Contains(err.Error(), "idp_metadata") {
		t.Error(err)
	}
}

// TestMetadataURL: plain http to another machine is refused when the provider is opened,
// without a request, and the text says what to write.
func TestMetadataURL(t *testing.T) {
	client := plugintest.Serve(t, plugin.Description{Mechanism: "saml", Version: version}, open, nil)
	_, err := client.Open(t.Context(), plugintest.Request(map[string]any{"idp_metadata_url": "http://idp.example/metadata"}))
	if !errors.Is(err, sdk.ErrMisconfigured) || !strings.Contains(err.Error(), "idp_metadata_url: ") || !strings.Contains(err.Error(), "must be https") {
		t.Errorf("http to another machine: %v", err)
	}
	server := publish(t, samltest.New(samltest.Config{URL: idpURL}).Metadata().XML())
	if _, err := client.Open(t.Context(), plugintest.Request(map[string]any{"idp_metadata_url": server.URL})); err != nil {
		t.Errorf("http to loopback: %v", err)
	}
}

// TestDirectusOptions opens a provider with the settings of Directus.
func TestDirectusOptions(t *testing.T) {
	key := pemKey(t, samltest.OtherKey())
	sp := `<?xml version="1.0"?><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:directus"><SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
		`<NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>` +
		`<AssertionConsumerService isDefault="true" index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + ourBase + `/acs"/></SPSSODescriptor></EntityDescriptor>`
	r := openRig(t, samltest.Config{}, map[string]any{
		"sp_metadata": sp, "sp_private_key": key, "sp_authn_requests_signed": "true", "sp_want_assertions_signed": "true",
		"sp_want_message_signed": "false", "sp_allow_create": "false", "sp_relay_state": "x", "sp_clock_drifts": "-120000,120000",
		"sp_request_signature_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
		"idp_is_assertion_encrypted":     "false", "idp_message_signing_order": "encrypt-then-sign",
		"identifier_key": "uid", "email_key": "mail", "given_name_key": "urn:oid:2.5.4.42", "family_name_key": "sn",
	})
	req, _ := r.begin()
	if req.Issuer != "urn:directus" || req.ACS != ourBase+"/acs" || req.NameIDFormat != samltest.Email || !req.Signed {
		t.Errorf("%+v", req)
	}
	identity, err := r.login(func(d *samltest.Draft) {
		d.Assertion.NotBefore = samltest.Time(r.clock.Now().Add(119 * time.Second))
	})
	if err != nil || identity.Subject != "alice" || identity.Email != "alice@example.org" {
		t.Errorf("%+v %v", identity, err)
	}
}

func TestRequest(t *testing.T) {
	r := openRig(t, samltest.Config{}, map[string]any{"name_id_format": "persistent", "is_passive": true})
	req, memory := r.begin()
	if req.Issuer != usURL || req.ACS != acsURL || req.Destination != idpURL+"/sso" || req.Signed || req.NameIDFormat != samltest.Persistent || !req.IsPassive || req.ForceAuthn {
		t.Errorf("%+v", req)
	}
	if len(memory) > sdk.MaxMemory || !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,254}$`).MatchString(req.ID) {
		t.Errorf("%d bytes of memory, ID %s", len(memory), req.ID)
	}
	if again, _ := r.begin(); again.ID == req.ID {
		t.Error("the same ID twice")
	}
	demanding := openRig(t, samltest.Config{WantAuthnRequestsSigned: true}, nil)
	_, err := demanding.Begin(t.Context(), sdk.BeginRequest{State: state})
	plugintest.Refused(t, err, sdk.ErrMisconfigured, reasonKeyMissing)
	long := openRig(t, samltest.Config{EntityID: "https://" + strings.Repeat("x", 1000)}, nil)
	if _, memory := long.begin(); len(memory) > sdk.MaxMemory {
		t.Errorf("%d bytes of memory", len(memory))
	}
	if _, err := long.login(nil); err != nil {
		t.Error(err)
	}
}

// TestIdleOptions: an option that is set and has no effect is reported.
func TestIdleOptions(t *testing.T) {
	for option, test := range map[string]struct {
		value string
		told  bool
	}{
		"sp_relay_state":            {"x", true},
		"idp_message_signing_order": {"sign-then-encrypt", true},
		"sp_allow_create":           {"true", false},
	} {
		m, _ := direct(t, samltest.Config{}, map[string]any{option: test.value})
		var log strings.Builder
		m.logger = slog.New(slog.NewTextHandler(&log, nil))
		m.warnOfIdle()
		if told := strings.Contains(log.String(), option+" has no effect"); told != test.told {
			t.Errorf("%s: told is %v: %s", option, told, log.String())
		}
	}
}
