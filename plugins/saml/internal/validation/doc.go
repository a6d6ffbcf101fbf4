// Package rules holds the rules for SAML messages and assertions. They are functions
// of an element and of what is expected of it, and ask nobody anything: who signed what
// is settled before.
package validation
