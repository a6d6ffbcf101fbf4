// Package jose verifies the signed tokens of an OpenID provider: JWS in compact
// serialization (RFC 7515), with a key of the provider's published set (RFC 7517).
//
// go-jose decodes the keys. Tokens and key sets are parsed strictly first, so that no two
// parsers can read them differently. The payload is parsed once, strictly, after its
// signature was verified.
package jose
