package main

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"time"

	"github.com/crewjam/saml"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/plugins/saml/internal/xmlenc"
	"github.com/doorward/doorward/sdk"
)

const (
	// metadataType is the media type of metadata (metadata appendix A).
	metadataType = "application/samlmetadata+xml"

	// metadataValid is long, because many identity providers read our metadata only once, and
	// some then enforce its end.
	metadataValid = 365 * 24 * time.Hour
	metadataCache = 24 * time.Hour
)

// Metadata describes Doorward as a service provider (metadata section 2.4.4).
func (m *mechanism) Metadata(context.Context) (sdk.Document, error) {
	signed, wanted := m.own.Signer != nil, m.options.WantAssertionsSigned
	role := saml.SPSSODescriptor{
		AuthnRequestsSigned: &signed, WantAssertionsSigned: &wanted,
		AssertionConsumerServices: []saml.IndexedEndpoint{{Binding: saml2.BindingPost, Location: m.callback, Index: 0, IsDefault: &yes}},
	}
	role.ProtocolSupportEnumeration = saml2.Protocol
	role.KeyDescriptors = m.keyDescriptors()
	role.SingleLogoutServices = []saml.Endpoint{
		{Binding: saml2.BindingRedirect, Location: m.logoutURL}, {Binding: saml2.BindingPost, Location: m.logoutURL},
	}
	if m.nameIDFormat != "" {
		role.NameIDFormats = []saml.NameIDFormat{saml.NameIDFormat(m.nameIDFormat)}
	}
	if requested := m.requestedAttributes(); len(requested) > 0 {
		role.AttributeConsumingServices = []saml.AttributeConsumingService{{
			Index: 0, IsDefault: &yes, RequestedAttributes: requested,
			ServiceNames: []saml.LocalizedName{{Lang: "en", Value: "Doorward"}},
		}}
	}
	doc := saml.EntityDescriptor{
		EntityID: m.entityID, SPSSODescriptors: []saml.SPSSODescriptor{role},
		ValidUntil: m.now().UTC().Add(metadataValid).Truncate(time.Hour), CacheDuration: metadataCache,
	}
	content, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return sdk.Document{}, fmt.Errorf("writing the metadata of Doorward: %w", err)
	}
	return sdk.Document{ContentType: metadataType, Content: append([]byte(xml.Header), append(content, '\n')...)}, nil
}

var yes = true

// keyDescriptors publish one key for each use. Keys that only decrypt content for an old
// certificate are not published.
func (m *mechanism) keyDescriptors() []saml.KeyDescriptor {
	var list []saml.KeyDescriptor
	if m.own.SignerCert != nil {
		list = append(list, saml.KeyDescriptor{Use: "signing", KeyInfo: keyInfo(m.own.SignerCert)})
	}
	if m.own.CryptCert == nil {
		return list
	}
	crypt := saml.KeyDescriptor{Use: "encryption", KeyInfo: keyInfo(m.own.CryptCert)}
	algorithms := []string{xmlenc.AES256GCM, xmlenc.AES192GCM, xmlenc.AES128GCM, xmlenc.OAEP, xmlenc.OAEPMGF1P}
	if m.options.InsecureAllowCBC {
		algorithms = append(algorithms, xmlenc.AES256CBC, xmlenc.AES192CBC, xmlenc.AES128CBC)
	}
	for _, algorithm := range algorithms {
		crypt.EncryptionMethods = append(crypt.EncryptionMethods, saml.EncryptionMethod{Algorithm: algorithm})
	}
	return append(list, crypt)
}

func keyInfo(c *x509.Certificate) saml.KeyInfo {
	data := base64.StdEncoding.EncodeToString(c.Raw)
	return saml.KeyInfo{X509Data: saml.X509Data{X509Certificates: []saml.X509Certificate{{Data: data}}}}
}

// requestedAttributes lists the attributes in the options.
func (m *mechanism) requestedAttributes() []saml.RequestedAttribute {
	o := m.options
	var list []saml.RequestedAttribute
	names := append([]string{o.IdentifierKey, o.UsernameKey, o.EmailKey, o.GivenNameKey, o.FamilyNameKey, o.NameKey, o.GroupsKey}, o.RequestedAttrs...)
	seen := map[string]bool{"": true}
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		required := name == o.IdentifierKey
		list = append(list, saml.RequestedAttribute{
			Attribute:  saml.Attribute{Name: name, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"},
			IsRequired: &required,
		})
	}
	return list
}

// replacedSP holds the relevant parts of the metadata of the service provider that Doorward
// replaces.
type replacedSP struct {
	entityID, nameIDFormat string
	consumers              []string // assertion consumer service URLs

	// Whether the metadata requires signatures (metadata section 2.4.4).
	wantAssertionsSigned, requestsSigned bool
}

// ignored lists the settings without effect, because the options differ: a signature over the
// whole response also covers the assertion, and without a key nothing can be signed.
func (r replacedSP) ignored(o Options) []string {
	var list []string
	if r.wantAssertionsSigned && !o.WantAssertionsSigned {
		list = append(list, "WantAssertionsSigned: set sp_want_assertions_signed to accept only assertions that are signed themselves")
	}
	if r.requestsSigned && o.SPPrivateKey == "" {
		list = append(list, "AuthnRequestsSigned: set sp_private_key to sign requests")
	}
	return list
}

func readReplacedSP(text string) (replacedSP, error) {
	if text == "" {
		return replacedSP{}, nil
	}
	root, err := strictxml.Parse([]byte(text), strictxml.Metadata())
	if err != nil {
		return replacedSP{}, fmt.Errorf("is not metadata: %w", err)
	}
	role := root.Child(saml2.Metadata, "SPSSODescriptor")
	if !root.Is(saml2.Metadata, "EntityDescriptor") || role == nil || root.Value("entityID") == "" {
		return replacedSP{}, errors.New("is not the metadata of one service provider; leave it out to use the names of Doorward")
	}
	r := replacedSP{
		entityID:             root.Value("entityID"),
		wantAssertionsSigned: saml2.IsTrue(role.Value("WantAssertionsSigned")), requestsSigned: saml2.IsTrue(role.Value("AuthnRequestsSigned")),
	}
	if formats := role.All(saml2.Metadata, "NameIDFormat"); len(formats) > 0 {
		r.nameIDFormat, _ = saml2.URIText(formats[0])
	}
	for _, service := range role.All(saml2.Metadata, "AssertionConsumerService") {
		r.consumers = append(r.consumers, service.Value("Location"))
	}
	return r, nil
}
