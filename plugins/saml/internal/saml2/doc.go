// Package names holds the words of SAML 2.0, and reads its simple values.
package saml2
