package samltest

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// Metadata is the metadata of the identity provider. Tests change its fields.
type Metadata struct {
	EntityID                  string
	ValidUntil, CacheDuration string
	WantAuthnRequestsSigned   bool
	Certificates              []string    // of signing keys, in base64
	Uses                      []string    // of the certificates; "" for none named, "signing" if missing
	SSO, SLO                  [][2]string // binding and location
	Extra                     string      // in the descriptor
}

// The bindings.
const (
	Redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	Post     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// Metadata returns the current metadata.
func (p *IdP) Metadata() Metadata {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := Metadata{
		EntityID: p.config.EntityID, WantAuthnRequestsSigned: p.config.WantAuthnRequestsSigned,
		SSO: [][2]string{{Redirect, p.config.URL + "/sso"}, {Post, p.config.URL + "/sso"}},
		SLO: [][2]string{{Redirect, p.config.URL + "/slo"}, {Post, p.config.URL + "/slo"}},
	}
	for _, key := range p.listed {
		m.Certificates = append(m.Certificates, key.DER())
	}
	return m
}

// XML writes the metadata.
func (m Metadata) XML() []byte {
	var keys, endpoints strings.Builder
	for i, certificate := range m.Certificates {
		use := "signing"
		if i < len(m.Uses) {
			use = m.Uses[i]
		}
		fmt.Fprintf(&keys, `<md:KeyDescriptor%s><ds:KeyInfo xmlns:ds="%s"><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`,
			attrs("use", use), nsSignature, certificate)
	}
	for _, e := range m.SLO {
		fmt.Fprintf(&endpoints, `<md:SingleLogoutService%s/>`, attrs("Binding", e[0], "Location", e[1]))
	}
	for _, e := range m.SSO {
		fmt.Fprintf(&endpoints, `<md:SingleSignOnService%s/>`, attrs("Binding", e[0], "Location", e[1]))
	}
	return fmt.Appendf(nil, `<md:EntityDescriptor xmlns:md="%s"%s><md:IDPSSODescriptor WantAuthnRequestsSigned="%t" protocolSupportEnumeration="%s">%s%s%s</md:IDPSSODescriptor></md:EntityDescriptor>`,
		nsMetadata, attrs("ID", NewID(), "entityID", m.EntityID, "validUntil", m.ValidUntil, "cacheDuration", m.CacheDuration),
		m.WantAuthnRequestsSigned, nsProtocol, keys.String(), endpoints.String(), m.Extra)
}

// Aggregate combines several metadata documents.
func Aggregate(documents ...[]byte) []byte {
	var all strings.Builder
	for _, document := range documents {
		all.Write(document)
	}
	return fmt.Appendf(nil, `<md:EntitiesDescriptor xmlns:md="%s" ID="%s">%s</md:EntitiesDescriptor>`, nsMetadata, NewID(), all.String())
}

// SignDocument signs the root of a document.
func SignDocument(document []byte, key Key) []byte {
	root := parse(string(document))
	Signing{Key: key, Method: RSASHA256, Digest: SHA256, Prefix: "ds"}.Sign(root)
	doc := etree.NewDocument()
	doc.SetRoot(root)
	return Serialise(Style{}, doc)
}
