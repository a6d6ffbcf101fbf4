// Package saml2 holds the names of SAML 2.0, and parses its simple values.
package saml2
