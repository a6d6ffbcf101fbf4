package main

import "github.com/doorward/doorward/plugins/saml/internal/xmldsig"

// The namespaces of SAML 2.0.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = xmldsig.Namespace
	nsInstance  = "http://www.w3.org/2001/XMLSchema-instance"
)

// The bindings (bindings sections 3.4 and 3.5).
const (
	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	bindingPost     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// The form fields and parameters of both bindings.
const (
	paramRequest    = "SAMLRequest"
	paramResponse   = "SAMLResponse"
	paramRelayState = "RelayState"
	paramSigAlg     = "SigAlg"
	paramSignature  = "Signature"
)

const samlVersion = "2.0"

const confirmationBearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

// The status codes (core section 3.2.2.2).
const (
	statusPrefix           = "urn:oasis:names:tc:SAML:2.0:status:"
	statusSuccess          = statusPrefix + "Success"
	statusRequester        = statusPrefix + "Requester"
	statusResponder        = statusPrefix + "Responder"
	statusVersionMismatch  = statusPrefix + "VersionMismatch"
	statusAuthnFailed      = statusPrefix + "AuthnFailed"
	statusNoPassive        = statusPrefix + "NoPassive"
	statusNoAuthnContext   = statusPrefix + "NoAuthnContext"
	statusRequestDenied    = statusPrefix + "RequestDenied"
	statusInvalidPolicy    = statusPrefix + "InvalidNameIDPolicy"
	statusUnknownPrincipal = statusPrefix + "UnknownPrincipal"
	statusPartialLogout    = statusPrefix + "PartialLogout"
)
