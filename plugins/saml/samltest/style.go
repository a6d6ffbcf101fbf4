package samltest

// Style is how an identity provider writes its messages.
type Style struct {
	Name string

	// Protocol, Assertion and Signature are namespace prefixes. Empty means the default
	// namespace, declared where it is needed.
	Protocol, Assertion, Signature string

	// Inherit declares the namespace of assertions on the response only.
	Inherit bool

	// Typed gives attribute values an xsi:type of XML Schema, whose prefix is in the prefix
	// list of the canonicalization.
	Typed bool

	// Declaration begins with an XML declaration.
	Declaration bool

	// Indented puts white space between elements.
	Indented bool

	// CDATA writes attribute values as CDATA sections.
	CDATA bool

	// NoKeyInfo leaves the certificate out of signatures.
	NoKeyInfo bool
}

// Styles are those of well-known identity providers, as observed in their messages.
var Styles = []Style{
	{Name: "Keycloak", Protocol: "samlp", Assertion: "saml", Signature: "dsig", Typed: true, Declaration: true},
	{Name: "Entra ID", Protocol: "samlp", Signature: ""},
	{Name: "AD FS", Protocol: "samlp", Signature: "ds"},
	{Name: "Okta", Protocol: "saml2p", Assertion: "saml2", Signature: "ds", Typed: true, Declaration: true},
	{Name: "Google", Protocol: "saml2p", Assertion: "saml2", Signature: "ds", Declaration: true, Typed: true, Indented: true},
	{Name: "Shibboleth", Protocol: "saml2p", Assertion: "saml2", Signature: "ds", Typed: true, Declaration: true, Inherit: true},
	{Name: "SimpleSAMLphp", Protocol: "samlp", Assertion: "saml", Signature: "ds", Typed: true, Inherit: true},
	{Name: "authentik", Protocol: "samlp", Assertion: "saml", Signature: "ds", NoKeyInfo: true},
	{Name: "odd prefixes", Protocol: "ns0", Assertion: "ns1", Signature: "ns2", CDATA: true, Indented: true},
}
