package e2e

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	saml2 "github.com/russellhaering/gosaml2"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestSAMLDifferential gives the same responses to the built plugin and to two
// libraries: the libraries must accept every response that the plugin accepts, and read
// the same user and attributes in it (I11).
func TestSAMLDifferential(t *testing.T) {
	server, err := samltest.Listen(samltest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	idp := server.IdP
	ours := newPluginReader(t, idp)
	others := map[string]samlReader{"gosaml2": newGosaml2(t, idp), "crewjam/saml": newCrewjam(t, idp)}
	accepted, refused := 0, 0
	for _, style := range samltest.Styles {
		for name, change := range differentialChanges() {
			req, memory := ours.begin(t)
			draft := idp.Draft(req, differentialUser)
			draft.Style, draft.Signing.Prefix, draft.Signing.NoKeyInfo = style, style.Signature, style.NoKeyInfo
			if style.Typed {
				draft.Signing.Inclusive = "xs"
			}
			doc := change(draft)
			message := samltest.Serialise(style, doc)
			who, err := ours.read(t, message, memory)
			if err != nil {
				refused++
				continue
			}
			accepted++
			for library, read := range others {
				theirs, err := read(message, req)
				if err != nil {
					t.Errorf("%s, %s: accepted, and refused by %s: %v", style.Name, name, library, err)
				} else if theirs != who {
					t.Errorf("%s, %s:\nours %s\n%s %s", style.Name, name, who, library, theirs)
				}
			}
		}
	}
	if accepted < 3*len(samltest.Styles) || refused < samltest.Wraps*len(samltest.Styles) {
		t.Errorf("%d accepted and %d refused: the comparison compares too little", accepted, refused)
	}
}

var differentialUser = samltest.User{NameID: "alice & bob <x>", Attributes: []samltest.Attribute{
	{Name: "one", Values: []string{"a & b"}}, {Name: "many", Values: []string{"é", "]] >", "\"'"}},
}}

// differentialChanges are good responses and bad ones.
func differentialChanges() map[string]func(*samltest.Draft) *etree.Document {
	changes := map[string]func(*samltest.Draft) *etree.Document{
		"good": func(d *samltest.Draft) *etree.Document { return d.Document() },
		"response signed": func(d *samltest.Draft) *etree.Document {
			d.SignResponse, d.SignAssertion = true, false
			return d.Document()
		},
		"both signed": func(d *samltest.Draft) *etree.Document {
			d.SignResponse = true
			return d.Document()
		},
		"unsigned": func(d *samltest.Draft) *etree.Document {
			d.SignAssertion = false
			return d.Document()
		},
		"a key of nobody": func(d *samltest.Draft) *etree.Document {
			d.Signing.Key = samltest.OtherKey()
			return d.Document()
		},
		"another NameID": func(d *samltest.Draft) *etree.Document {
			doc := d.Document()
			doc.FindElement("//NameID").SetText("evil")
			return doc
		},
	}
	for way := 1; way <= samltest.Wraps; way++ {
		changes[fmt.Sprintf("XSW%d", way)] = func(d *samltest.Draft) *etree.Document {
			d.SignResponse, d.SignAssertion = way <= 2, way > 2
			doc := d.Document()
			samltest.Wrap(doc, way, "evil")
			return doc
		}
	}
	return changes
}

// samlReader returns the subject of a response and its attributes as one text.
type samlReader func(response []byte, req samltest.Request) (string, error)

func described(nameID string, attributes map[string][]string) string {
	text := fmt.Sprintf("%q", nameID)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		text += fmt.Sprintf(" %q=%q", name, attributes[name])
	}
	return text
}

// pluginReader is the built plugin.
type pluginReader struct{ provider *plugin.Provider }

const differentialState = "state-of-the-comparison"

func newPluginReader(t *testing.T, idp *samltest.IdP) pluginReader {
	t.Helper()
	client := plugintest.Start(t, filepath.Join(repository(t), "bin", "plugins", "doorward-plugin-saml"))
	p, err := client.Open(t.Context(), plugintest.Request(map[string]any{"idp_metadata_url": idp.MetadataURL()}))
	if err != nil {
		t.Fatal(err)
	}
	return pluginReader{p}
}

func (p pluginReader) begin(t *testing.T) (samltest.Request, []byte) {
	t.Helper()
	step, err := p.provider.Begin(t.Context(), sdk.BeginRequest{State: differentialState})
	if err != nil {
		t.Fatal(err)
	}
	redirect := step.(sdk.Redirect)
	target, err := url.Parse(redirect.URL)
	if err != nil {
		t.Fatal(err)
	}
	req, err := samltest.ReadRequest(target.Query())
	if err != nil {
		t.Fatal(err)
	}
	return req, redirect.Memory
}

func (p pluginReader) read(t *testing.T, response, memory []byte) (string, error) {
	t.Helper()
	step, err := p.provider.Continue(t.Context(), sdk.ContinueRequest{
		State: differentialState, Memory: memory,
		Response: sdk.InboundRequest{Method: "POST", Form: samltest.Form(response, differentialState)},
	})
	if err != nil {
		return "", err
	}
	identity := step.(sdk.Authenticated).Identity
	attributes := map[string][]string{}
	for name, value := range identity.Claims {
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		for _, v := range list {
			attributes[name] = append(attributes[name], fmt.Sprint(v))
		}
	}
	return described(identity.Subject, attributes), nil
}

func newGosaml2(t *testing.T, idp *samltest.IdP) samlReader {
	t.Helper()
	us := plugintest.Request(nil)
	sp := &saml2.SAMLServiceProvider{
		IdentityProviderIssuer: idp.EntityID(), AssertionConsumerServiceURL: us.CallbackURL, ServiceProviderIssuer: us.MetadataURL, AudienceURI: us.MetadataURL,
		IDPCertificateStore: &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{idp.Key().Certificate}},
	}
	return func(response []byte, _ samltest.Request) (string, error) {
		info, err := sp.RetrieveAssertionInfo(base64.StdEncoding.EncodeToString(response))
		if err != nil {
			return "", err
		}
		if info.WarningInfo.InvalidTime || info.WarningInfo.NotInAudience {
			return "", fmt.Errorf("warnings %+v", info.WarningInfo)
		}
		attributes := map[string][]string{}
		for name, attribute := range info.Values {
			for _, value := range attribute.Values {
				attributes[name] = append(attributes[name], value.Value)
			}
		}
		return described(info.NameID, attributes), nil
	}
}

func newCrewjam(t *testing.T, idp *samltest.IdP) samlReader {
	t.Helper()
	us := plugintest.Request(nil)
	metadata := &saml.EntityDescriptor{}
	if err := xml.Unmarshal(idp.Metadata().XML(), metadata); err != nil {
		t.Fatal(err)
	}
	acs, err := url.Parse(us.CallbackURL)
	if err != nil {
		t.Fatal(err)
	}
	saml.MaxIssueDelay = time.Hour // for a slow machine, not part of the message
	sp := saml.ServiceProvider{EntityID: us.MetadataURL, AcsURL: *acs, IDPMetadata: metadata}
	return func(response []byte, req samltest.Request) (string, error) {
		assertion, err := sp.ParseXMLResponse(response, []string{req.ID}, *acs)
		if err != nil {
			return "", err.(*saml.InvalidResponseError).PrivateErr
		}
		attributes := map[string][]string{}
		for _, statement := range assertion.AttributeStatements {
			for _, attribute := range statement.Attributes {
				for _, value := range attribute.Values {
					attributes[attribute.Name] = append(attributes[attribute.Name], value.Value)
				}
			}
		}
		return described(assertion.Subject.NameID.Value, attributes), nil
	}
}
