// Package discovery finds out who an OpenID provider is and what it can do: its
// issuer, and its discovery document (OpenID Connect Discovery 1.0).
package discovery
