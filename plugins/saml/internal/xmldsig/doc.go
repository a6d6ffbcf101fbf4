// Package xmldsig verifies enveloped XML signatures as used in SAML 2.0 (core section 5.4):
// one signature inside of the element that it signs, with one reference to that element.
//
// [Verify] returns an element parsed from exactly the bytes whose digest is signed. An error
// in canonicalization can therefore cause a valid message to be refused, but cannot cause
// unsigned content to be read.
package xmldsig

// The names of XML Signature, and of the accepted canonicalizations. InclusiveC14N is
// Canonical XML 1.0, for SignedInfo only.
const (
	Namespace       = "http://www.w3.org/2000/09/xmldsig#"
	ExclusiveC14N   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	InclusiveC14N   = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	EnvelopedMethod = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
)
