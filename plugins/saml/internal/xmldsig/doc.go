// Package xmldsig verifies enveloped XML signatures as SAML 2.0 uses them (core
// section 5.4): one signature inside of the element that it signs, with one
// reference, to that element.
//
// What [Verify] returns was parsed from the very bytes whose digest is signed, and
// from nothing else. A fault in canonicalization can therefore make a good message
// be refused; it cannot make anything be read that was not signed.
package xmldsig

// The names of XML Signature, and of the canonicalizations that are accepted.
// InclusiveC14N is Canonical XML 1.0, for SignedInfo only.
const (
	Namespace       = "http://www.w3.org/2000/09/xmldsig#"
	ExclusiveC14N   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	InclusiveC14N   = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	EnvelopedMethod = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
)
