// Package jose verifies the signed tokens of an OpenID provider: JWS in compact
// serialization (RFC 7515), with a key of the provider's published set (RFC 7517).
//
// go-jose does the cryptography and reads keys. What it gets was read strictly
// before, so that there is nothing that two readers could read differently; and the
// payload, of which it makes nothing, is read once, strictly, after its signature
// was verified.
package jose
