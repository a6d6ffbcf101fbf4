// Package bindings transports SAML messages through a browser, in both directions: by the
// HTTP-Redirect and the HTTP-POST binding (bindings sections 3.4 and 3.5).
package bindings
