// Package bindings takes SAML messages through a browser: the HTTP-Redirect and the
// HTTP-POST binding (bindings sections 3.4 and 3.5), in both directions.
package bindings
