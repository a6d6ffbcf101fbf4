package jose

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// Limits of signed tokens, in bytes.
const (
	maxJWT   = 64 << 10
	maxKeyID = 256
)

// header is what we take from the header of a signed token. The members that
// offer a key (jwk, jku, x5c, x5u) are never looked at: keys come from the
// provider's jwks_uri only (RFC 8725 section 3.10).
type header struct {
	alg string
	kid string // empty if there is none
}

// parseCompact checks the outside of a signed token before anything else reads
// it: JWS compact serialization and nothing else, base64url in its one canonical
// form, and a header that means the same to every reader. go-jose would also
// take the JSON serialization, white space and padding.
//
// alg is the only algorithm that is accepted (RFC 8725 section 3.1).
func parseCompact(raw, alg string, types ...string) (header, error) {
	if len(raw) > maxJWT {
		return header{}, sdk.InvalidResponse(ReasonTooLarge, "%d bytes, at most %d are read", len(raw), maxJWT)
	}
	switch strings.Count(raw, ".") {
	case 2:
	case 4:
		return header{}, sdk.InvalidResponse(ReasonEncrypted, "encrypted: have the provider sign only")
	default:
		return header{}, sdk.InvalidResponse(ReasonMalformed, "not three parts between dots")
	}
	parts := strings.Split(raw, ".")
	for _, part := range parts {
		if _, err := decodeSegment(part); err != nil {
			return header{}, err
		}
	}
	return parseHeader(parts[0], alg, types...)
}

// strictBase64 refuses padding and unused bits that are not zero, so that one
// value has one spelling.
var strictBase64 = base64.RawURLEncoding.Strict()

func decodeSegment(segment string) ([]byte, error) {
	if segment == "" {
		return nil, sdk.InvalidResponse(ReasonMalformed, "an empty part")
	}
	// encoding/base64 skips line breaks, even when it is strict.
	if strings.ContainsAny(segment, "\r\n") {
		return nil, sdk.InvalidResponse(ReasonMalformed, "a part that is not base64url")
	}
	decoded, err := strictBase64.DecodeString(segment)
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonMalformed, "a part that is not base64url")
	}
	return decoded, nil
}

func parseHeader(segment, alg string, types ...string) (header, error) {
	decoded, err := decodeSegment(segment)
	if err != nil {
		return header{}, err
	}
	object, err := claims.Decode(decoded)
	if err != nil {
		return header{}, sdk.InvalidResponse(ReasonMalformed, "header: %w", err)
	}
	for _, name := range []string{"crit", "b64"} {
		if object.Has(name) {
			return header{}, sdk.InvalidResponse(ReasonCritical, "header with %s, an extension that we do not have (RFC 7515 section 4.1.11)", name)
		}
	}
	if got, err := object.String("alg"); err != nil || got != alg {
		return header{}, sdk.InvalidResponse(ReasonAlg, "signed with %q, only %s is accepted", upstream.Shown(got), alg)
	}
	if err := checkType(object, types...); err != nil {
		return header{}, err
	}
	kid, err := keyID(object)
	return header{alg: alg, kid: kid}, err
}

// checkType accepts no typ and JWT, in the spellings of RFC 7515 section 4.1.9.
// at+jwt, logout+jwt and all others are tokens for another purpose (RFC 8725
// section 3.11), unless it is theirs: more are the types of that.
func checkType(object claims.Object, more ...string) error {
	typ, err := object.String("typ")
	if err != nil {
		return sdk.InvalidResponse(ReasonType, "header: %w", err)
	}
	switch short := strings.TrimPrefix(strings.ToLower(typ), "application/"); {
	case short == "", short == "jwt", slices.Contains(more, short):
		return nil
	default:
		return sdk.InvalidResponse(ReasonType, "a token of type %q, not JWT", upstream.Shown(typ))
	}
}

// keyID reads kid. It is only ever compared with the IDs of known keys.
func keyID(object claims.Object) (string, error) {
	if !object.Has("kid") {
		return "", nil
	}
	kid, err := object.String("kid")
	if err != nil || kid == "" || len(kid) > maxKeyID {
		return "", sdk.InvalidResponse(ReasonKeyID, "header with a kid that is not a string of 1 to %d bytes", maxKeyID)
	}
	return kid, nil
}
