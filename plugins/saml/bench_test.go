package main

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml"

	"github.com/doorward/doorward/plugins/saml/internal/bindings"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// sixKB returns a response of 6 KB with a signed assertion.
func sixKB(b *testing.B, idp *samltest.IdP) []byte {
	b.Helper()
	user := alice
	user.Attributes = append([]samltest.Attribute{}, alice.Attributes...)
	draft := idp.Draft(solicited.Request, user)
	draft.Style = samltest.Styles[0]
	draft.Signing.Prefix = "ds"
	for len(idp.Write(draft)) < 6000 {
		draft.Assertion.Attributes = append(draft.Assertion.Attributes, samltest.Attribute{
			Name: "http://schemas.example.org/claims/" + strings.Repeat("x", len(draft.Assertion.Attributes)), Values: []string{"some value"},
		})
	}
	return idp.Write(draft)
}

// BenchmarkResponse compares a signed response of 6 KB, handled by the plugin with all
// checks, with the parsing by crewjam/saml, and reports the time of each step. The limit is
// 1.3 times crewjam/saml.
func BenchmarkResponse(b *testing.B) {
	m, idp := direct(b, samltest.Config{}, nil)
	response := sixKB(b, idp)
	req := presented(response)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.Continue(b.Context(), req); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("crewjam", func(b *testing.B) {
		sp := crewjam(b, idp)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := sp.ParseXMLResponse(response, []string{solicited.ID}, sp.AcsURL); err != nil {
				b.Fatal(err.(*saml.InvalidResponseError).PrivateErr)
			}
		}
	})
	root, err := strictxml.Parse(response, strictxml.Message())
	if err != nil {
		b.Fatal(err)
	}
	assertion := root.Child(saml2.Assertion, "Assertion")
	p, err := m.source.Get(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	keys, _ := p.UsableKeys(m.now(), false)
	v := m.verifier(b.Context(), p)
	want := m.expectation(m.consumers)
	want.RequestID, want.Provider = solicited.ID, p.EntityID
	signed, err := v.Verify(assertion, "assertion")
	if err != nil {
		b.Fatal(err)
	}
	signature := assertion.Child(saml2.Signature, "Signature")
	canonical, err := strictxml.Canonical(assertion, []string{"xs"}, signature, strictxml.MaxMessage)
	if err != nil {
		b.Fatal(err)
	}
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"base64", func() error { _, err := bindings.ReadPost(req.Response); return err }},
		{"parse", func() error { _, err := strictxml.Parse(response, strictxml.Message()); return err }},
		{"structure", func() error { return validation.CheckStructure(root) }},
		{"signature, all of it", func() error { _, err := v.Verify(assertion, "assertion"); return err }},
		{"signature, RSA only", func() error {
			_ = xmldsig.VerifyBytes(canonical, make([]byte, 256), xmldsig.RSASHA256, keys, xmldsig.Policy{})
			return nil
		}},
		{"signature, canonical form", func() error {
			_, err := strictxml.Canonical(assertion, []string{"xs"}, signature, strictxml.MaxMessage)
			return err
		}},
		{"signature, what was signed read again", func() error { _, err := strictxml.Parse(canonical, strictxml.Message()); return err }},
		{"rules", func() error {
			_, err := validation.CheckAssertion(signed, want)
			return err
		}},
	} {
		b.Run("part: "+part.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := part.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func crewjam(b *testing.B, idp *samltest.IdP) *saml.ServiceProvider {
	b.Helper()
	metadata := &saml.EntityDescriptor{}
	if err := xml.Unmarshal(idp.Metadata().XML(), metadata); err != nil {
		b.Fatal(err)
	}
	now := plugintest.NewClock().Now()
	saml.TimeNow = func() time.Time { return now }
	b.Cleanup(func() { saml.TimeNow = time.Now })
	acs, err := url.Parse(acsURL)
	if err != nil {
		b.Fatal(err)
	}
	return &saml.ServiceProvider{EntityID: usURL, AcsURL: *acs, IDPMetadata: metadata}
}

// BenchmarkBegin creates requests, unsigned and signed with each kind of key.
func BenchmarkBegin(b *testing.B) {
	for name, values := range map[string]map[string]any{"unsigned": nil, "RSA": {"sp_private_key": pemKey(b, samltest.OtherKey())}} {
		b.Run(name, func(b *testing.B) {
			m, _ := direct(b, samltest.Config{}, values)
			for b.Loop() {
				if _, err := m.Begin(b.Context(), sdk.BeginRequest{State: state}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
