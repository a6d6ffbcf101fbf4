package saml2

import "github.com/doorward/doorward/plugins/saml/internal/xmldsig"

// The namespaces of SAML 2.0.
const (
	Protocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	Assertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	Metadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	Signature = xmldsig.Namespace
	Instance  = "http://www.w3.org/2001/XMLSchema-instance"
	Schema    = "http://www.w3.org/2001/XMLSchema"
)

// The bindings (bindings sections 3.4 and 3.5).
const (
	BindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	BindingPost     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// The form fields and query parameters of both bindings.
const (
	ParamRequest    = "SAMLRequest"
	ParamResponse   = "SAMLResponse"
	ParamRelayState = "RelayState"
	ParamSigAlg     = "SigAlg"
	ParamSignature  = "Signature"
)

// Version is that of all messages and assertions.
const Version = "2.0"

// ConfirmationBearer is the method of the only subject confirmation that a browser can
// present (profiles section 3.3).
const ConfirmationBearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

// The status codes (core section 3.2.2.2).
const (
	StatusPrefix           = "urn:oasis:names:tc:SAML:2.0:status:"
	StatusSuccess          = StatusPrefix + "Success"
	StatusRequester        = StatusPrefix + "Requester"
	StatusResponder        = StatusPrefix + "Responder"
	StatusVersionMismatch  = StatusPrefix + "VersionMismatch"
	StatusAuthnFailed      = StatusPrefix + "AuthnFailed"
	StatusNoPassive        = StatusPrefix + "NoPassive"
	StatusNoAuthnContext   = StatusPrefix + "NoAuthnContext"
	StatusRequestDenied    = StatusPrefix + "RequestDenied"
	StatusInvalidPolicy    = StatusPrefix + "InvalidNameIDPolicy"
	StatusUnknownPrincipal = StatusPrefix + "UnknownPrincipal"
	StatusPartialLogout    = StatusPrefix + "PartialLogout"
)

// The NameID formats (core section 8.3).
const (
	formatPrefix      = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
	FormatPersistent  = formatPrefix + "persistent"
	FormatTransient   = formatPrefix + "transient"
	FormatEntity      = formatPrefix + "entity"
	FormatEncrypted   = formatPrefix + "encrypted"
	FormatEmail       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	FormatUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
)
