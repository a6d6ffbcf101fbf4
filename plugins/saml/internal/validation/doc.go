// Package validation checks SAML messages and assertions. Its functions depend only on an
// element and on what is expected of it. Signatures are verified before, elsewhere.
package validation
