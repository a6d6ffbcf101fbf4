package main

import (
	"encoding/base64"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// Limits of signed tokens, in bytes.
const (
	maxJWT   = 64 << 10
	maxKeyID = 256
)

// joseHeader is what we take from the header of a signed token. The members that
// offer a key (jwk, jku, x5c, x5u) are never looked at: keys come from the
// provider's jwks_uri only (RFC 8725 section 3.10).
type joseHeader struct {
	alg string
	kid string // empty if there is none
}

// parseCompact checks the outside of a signed token before anything else reads
// it: JWS compact serialization and nothing else, base64url in its one canonical
// form, and a header that means the same to every reader. go-jose would also
// take the JSON serialization, white space and padding.
//
// alg is the only algorithm that is accepted (RFC 8725 section 3.1).
func parseCompact(raw, alg string) (joseHeader, error) {
	if len(raw) > maxJWT {
		return joseHeader{}, sdk.InvalidResponse(reasonJWTTooLarge, "%d bytes, at most %d are read", len(raw), maxJWT)
	}
	switch strings.Count(raw, ".") {
	case 2:
	case 4:
		return joseHeader{}, sdk.InvalidResponse(reasonJWTEncrypted, "encrypted: have the provider sign only")
	default:
		return joseHeader{}, sdk.InvalidResponse(reasonJWTMalformed, "not three parts between dots")
	}
	parts := strings.Split(raw, ".")
	for _, part := range parts {
		if _, err := decodeSegment(part); err != nil {
			return joseHeader{}, err
		}
	}
	return parseHeader(parts[0], alg)
}

// strictBase64 refuses padding and unused bits that are not zero, so that one
// value has one spelling.
var strictBase64 = base64.RawURLEncoding.Strict()

func decodeSegment(segment string) ([]byte, error) {
	if segment == "" {
		return nil, sdk.InvalidResponse(reasonJWTMalformed, "an empty part")
	}
	// encoding/base64 skips line breaks, even when it is strict.
	if strings.ContainsAny(segment, "\r\n") {
		return nil, sdk.InvalidResponse(reasonJWTMalformed, "a part that is not base64url")
	}
	decoded, err := strictBase64.DecodeString(segment)
	if err != nil {
		return nil, sdk.InvalidResponse(reasonJWTMalformed, "a part that is not base64url")
	}
	return decoded, nil
}

func parseHeader(segment, alg string) (joseHeader, error) {
	decoded, err := decodeSegment(segment)
	if err != nil {
		return joseHeader{}, err
	}
	object, err := claims.Decode(decoded)
	if err != nil {
		return joseHeader{}, sdk.InvalidResponse(reasonJWTMalformed, "header: %w", err)
	}
	for _, name := range []string{"crit", "b64"} {
		if object.Has(name) {
			return joseHeader{}, sdk.InvalidResponse(reasonJWTCritical, "header with %s, an extension that we do not have (RFC 7515 section 4.1.11)", name)
		}
	}
	if got, err := object.String("alg"); err != nil || got != alg {
		return joseHeader{}, sdk.InvalidResponse(reasonJWTAlg, "signed with %q, only %s is accepted", shown(got), alg)
	}
	if err := checkType(object); err != nil {
		return joseHeader{}, err
	}
	kid, err := keyID(object)
	return joseHeader{alg: alg, kid: kid}, err
}

// checkType accepts no typ and JWT, in the spellings of RFC 7515 section 4.1.9.
// at+jwt, logout+jwt and all others are tokens for another purpose (RFC 8725
// section 3.11).
func checkType(object claims.Object) error {
	typ, err := object.String("typ")
	if err != nil {
		return sdk.InvalidResponse(reasonJWTType, "header: %w", err)
	}
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "", "jwt":
		return nil
	default:
		return sdk.InvalidResponse(reasonJWTType, "a token of type %q, not JWT", shown(typ))
	}
}

// keyID reads kid. It is only ever compared with the IDs of known keys.
func keyID(object claims.Object) (string, error) {
	if !object.Has("kid") {
		return "", nil
	}
	kid, err := object.String("kid")
	if err != nil || kid == "" || len(kid) > maxKeyID {
		return "", sdk.InvalidResponse(reasonJWTKeyID, "header with a kid that is not a string of 1 to %d bytes", maxKeyID)
	}
	return kid, nil
}
