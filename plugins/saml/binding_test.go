package main

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/saml/internal/bindings"
	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
)

// TestH27_Binding: a response must be sent by POST, once, in base64.
func TestH27_Binding(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	req, memory := r.begin()
	good := r.idp.Respond(req, alice)
	text := good.Get("SAMLResponse")
	with := func(name string, values ...string) url.Values {
		return url.Values{"RelayState": {state}, name: values}
	}
	var lines strings.Builder
	for i := 0; i < len(text); i += 76 {
		lines.WriteString(text[i:min(i+76, len(text))] + "\r\n")
	}
	if _, err := r.post(with("SAMLResponse", lines.String()), memory); err != nil {
		t.Errorf("base64 in lines: %v", err)
	}
	for _, test := range []struct {
		name   string
		form   url.Values
		reason sdk.Reason
	}{
		{"nothing", url.Values{"RelayState": {state}}, bindings.ReasonMessageMissing},
		{"twice", with("SAMLResponse", text, text), bindings.ReasonMessageDuplicate},
		{"a request in place of it", with("SAMLRequest", text), bindings.ReasonMessageMissing},
		{"no base64", with("SAMLResponse", "<x/>"), bindings.ReasonMessageEncoding},
		{"base64 of URLs", with("SAMLResponse", base64.URLEncoding.EncodeToString([]byte("<x>\xc3\xbf\xc3\xbe?></x>"))), bindings.ReasonMessageEncoding},
		{"without padding", with("SAMLResponse", "PHg+PC94Pg"), bindings.ReasonMessageEncoding},
		{"bits too many", with("SAMLResponse", "PHgvPk=="), bindings.ReasonMessageEncoding},
		{"too much", with("SAMLResponse", strings.Repeat("AAAA", 120_000)), bindings.ReasonMessageEncoding},
		{"empty", with("SAMLResponse", ""), reasonXML},
		{"deflated", with("SAMLResponse", base64.StdEncoding.EncodeToString(samltest.Deflate([]byte("<x/>")))), reasonXML},
		{"RelayState of another login", url.Values{"RelayState": {state + "x"}, "SAMLResponse": {text}}, reasonRelayState},
		{"no RelayState", url.Values{"SAMLResponse": {text}}, reasonRelayState},
		{"RelayState twice", url.Values{"RelayState": {state, state}, "SAMLResponse": {text}}, bindings.ReasonMessageDuplicate},
	} {
		t.Run(test.name, func(t *testing.T) {
			r.t = t
			_, err := r.post(test.form, memory)
			refused(t, err, test.reason)
		})
	}
	r.t = t
	_, err := r.finish(sdk.ContinueRequest{State: state, Memory: memory, Response: sdk.InboundRequest{Method: "GET", Query: good, RawQuery: good.Encode()}})
	refused(t, err, bindings.ReasonBinding)
}

// TestH28_RelayState: Doorward sends only the escaped token of the host.
func TestH28_RelayState(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	step, err := r.Begin(t.Context(), sdk.BeginRequest{State: "a&Signature=x<>"})
	if err != nil {
		t.Fatal(err)
	}
	sent := query(t, step.(sdk.Redirect).URL)
	if sent.Get("RelayState") != "a&Signature=x<>" || sent.Has("Signature") {
		t.Errorf("%v", sent)
	}
}

// TestH25_Reflected returns our own messages to us, and other messages that are not
// responses.
func TestH25_Reflected(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	_, memory := r.begin()
	metadata, err := r.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	post := openRig(t, samltest.Config{}, map[string]any{"request_binding": "post"})
	step, err := post.Begin(t.Context(), sdk.BeginRequest{State: state})
	if err != nil {
		t.Fatal(err)
	}
	request, err := base64.StdEncoding.DecodeString(form(step.(sdk.FormPost)).Get("SAMLRequest"))
	if err != nil {
		t.Fatal(err)
	}
	for name, message := range map[string]string{
		"our request":                    string(request),
		"our metadata":                   string(metadata.Content),
		"H26 a SOAP envelope":            `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"/>`,
		"H26 a response of SAML 1.1":     `<p:Response xmlns:p="urn:oasis:names:tc:SAML:1.0:protocol"/>`,
		"a response of no namespace":     `<Response/>`,
		"an assertion without response":  `<a:Assertion xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion"/>`,
		"a logout response":              `<p:LogoutResponse xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"/>`,
		"H34 the answer to an artifact":  `<p:ArtifactResponse xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"/>`,
		"a response in other letters":    `<p:response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"/>`,
		"a response of a namespace near": `<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol "/>`,
	} {
		_, err := r.present([]byte(message), memory)
		t.Run(name, func(t *testing.T) { refused(t, err, validation.ReasonStructure) })
	}
	_, err = r.finish(sdk.ContinueRequest{State: state, Memory: memory, Response: sdk.InboundRequest{Method: "GET", Query: url.Values{"SAMLart": {"x"}}}})
	refused(t, err, bindings.ReasonBinding)
}

// TestH14_OtherLogin presents a response while another login, or none, is in progress.
func TestH14_OtherLogin(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	first, _ := r.begin()
	_, second := r.begin()
	_, err := r.post(r.idp.Respond(first, alice), second)
	refused(t, err, validation.ReasonInResponseTo)
	_, err = r.post(r.idp.Respond(first, alice), nil)
	refused(t, err, reasonUnsolicited)
	_, err = r.post(r.idp.Respond(first, alice), []byte(`{"r":""}`))
	refused(t, err, reasonUnsolicited)
	_, err = r.post(r.idp.Respond(first, alice), []byte(`{"r":"`+first.ID+`","p":"https://other.example"}`))
	refused(t, err, reasonProviderChanged)
}

// TestH13_Once: each login names the assertion that the host accepts once, for as long as we
// would accept it.
func TestH13_Once(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	req, memory := r.begin()
	response := r.idp.Respond(req, alice)
	first, err := r.post(response, memory)
	if err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(validation.MaxAge)
	again, err := r.post(response, memory)
	if err == nil && again.OnceID != first.OnceID {
		t.Errorf("%q and %q", first.OnceID, again.OnceID)
	}
	r.clock.Advance(first.OnceUntil.Sub(r.clock.Now()))
	if _, err := r.post(response, memory); err == nil {
		t.Error("a response outlives what keeps it from being accepted twice")
	}
}

// TestH15_Unsolicited: all checks that do not need a request are made.
func TestH15_Unsolicited(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	finish := func(change func(*samltest.Draft)) (sdk.Identity, error) {
		draft := r.idp.Draft(samltest.Request{Issuer: usURL, ACS: acsURL}, alice)
		if change != nil {
			change(draft)
		}
		form := samltest.Form(r.idp.Write(draft), "https://evil.example/")
		return r.finish(sdk.ContinueRequest{Unsolicited: true, Response: sdk.InboundRequest{Method: "POST", Form: form}})
	}
	identity, err := finish(nil)
	if err != nil || identity.Subject != "alice-0001" || identity.OnceID == "" {
		t.Errorf("%+v %v", identity, err)
	}
	_, err = finish(func(d *samltest.Draft) { d.InResponseTo = "_x" })
	refused(t, err, validation.ReasonInResponseTo)
	_, err = finish(func(d *samltest.Draft) { d.Assertion.Confirmations[0].InResponseTo = "_x" })
	refused(t, err, validation.ReasonConfirmation)
	_, err = finish(func(d *samltest.Draft) { d.Assertion.Audiences = nil })
	refused(t, err, validation.ReasonAudience)
	_, err = finish(func(d *samltest.Draft) { d.SignAssertion = false })
	refused(t, err, reasonUnsigned)
}
