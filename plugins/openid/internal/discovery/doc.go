// Package discovery reads and checks the issuer and the discovery document of an OpenID
// provider (OpenID Connect Discovery 1.0).
package discovery
