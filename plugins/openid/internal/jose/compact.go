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

// Accept says which algorithms are accepted (RFC 8725 section 3.1), and which option sets
// them.
type Accept struct {
	Algs   []string
	Option string

	// Types are the values, in lower case, that typ may have in addition to JWT, for tokens
	// that are not for signing in.
	Types []string
}

// compact contains the parts of a signed token.
type compact struct {
	alg       string // one of Asymmetric
	kid       string // empty if there is none
	input     string // the signed part
	payload   []byte
	signature []byte
}

// parseCompact checks the form of a signed token before anything else reads it: only JWS
// compact serialization, only canonical base64url, and a header that no two parsers can read
// differently.
func parseCompact(raw string, accept Accept) (compact, error) {
	if len(raw) > maxJWT {
		return compact{}, sdk.InvalidResponse(ReasonTooLarge, "the token has %d bytes, at most %d are read", len(raw), maxJWT)
	}
	switch strings.Count(raw, ".") {
	case 2:
	case 4:
		return compact{}, sdk.InvalidResponse(ReasonEncrypted, "the token is encrypted: configure the provider to only sign it")
	default:
		return compact{}, sdk.InvalidResponse(ReasonMalformed, "the token does not have three parts between dots")
	}
	var decoded [3][]byte
	for i, part := range strings.Split(raw, ".") {
		var err error
		if decoded[i], err = decodeSegment(part); err != nil {
			return compact{}, err
		}
	}
	c := compact{input: raw[:strings.LastIndexByte(raw, '.')], payload: decoded[1], signature: decoded[2]}
	return c, c.readHeader(decoded[0], accept)
}

// strictBase64 refuses padding and unused bits that are not zero, so that each value has
// only one spelling.
var strictBase64 = base64.RawURLEncoding.Strict()

func decodeSegment(segment string) ([]byte, error) {
	if segment == "" {
		return nil, sdk.InvalidResponse(ReasonMalformed, "a part of the token is empty")
	}
	// encoding/base64 skips line breaks even in strict mode.
	if strings.ContainsAny(segment, "\r\n") {
		return nil, sdk.InvalidResponse(ReasonMalformed, "a part of the token is not base64url")
	}
	decoded, err := strictBase64.DecodeString(segment)
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonMalformed, "a part of the token is not base64url")
	}
	return decoded, nil
}

// readHeader reads the relevant members of the header. Members that offer a key (jwk, jku,
// x5c, x5u) are ignored: keys come only from the provider's jwks_uri (RFC 8725 section 3.10).
func (c *compact) readHeader(decoded []byte, accept Accept) error {
	object, err := claims.DecodeFor(decoded, "alg", "typ", "kid", "crit", "b64")
	if err != nil {
		return sdk.InvalidResponse(ReasonMalformed, "header: %w", err)
	}
	for _, name := range []string{"crit", "b64"} {
		if object.Has(name) {
			return sdk.InvalidResponse(ReasonCritical, "the header has %s, an extension that is not supported (RFC 7515 section 4.1.11)", name)
		}
	}
	alg, err := object.String("alg")
	if err != nil {
		return sdk.InvalidResponse(ReasonAlg, "header: %w", err)
	}
	if c.alg = canonicalAlg(alg); !slices.Contains(accept.Algs, c.alg) {
		return accept.refuse(alg)
	}
	if err := checkType(object, accept.Types); err != nil {
		return err
	}
	c.kid, err = keyID(object)
	return err
}

func (a Accept) refuse(alg string) error {
	switch {
	case strings.HasPrefix(alg, "HS"):
		return sdk.InvalidResponse(ReasonAlg, "signed with %q, that is with the client secret: configure the provider to sign with its own key", upstream.Shown(alg))
	case !slices.Contains(Asymmetric, canonicalAlg(alg)):
		return sdk.InvalidResponse(ReasonAlg, "signed with %q, which is not accepted", upstream.Shown(alg))
	default:
		return sdk.InvalidResponse(ReasonAlg, "signed with %q, only %q is accepted: if the client is registered for that algorithm, set %s to it", upstream.Shown(alg), a.Algs, a.Option)
	}
}

// checkType accepts tokens without typ, JWT in the spellings of RFC 7515 section 4.1.9, and
// the generic types for a JWS of that section. All other types, such as at+jwt and
// logout+jwt, are for other purposes (RFC 8725 section 3.11), and refused unless they are in
// more.
func checkType(object claims.Object, more []string) error {
	typ, err := object.String("typ")
	if err != nil {
		return sdk.InvalidResponse(ReasonType, "header: %w", err)
	}
	switch short := strings.TrimPrefix(strings.ToLower(typ), "application/"); {
	case slices.Contains([]string{"", "jwt", "jws", "jose"}, short), slices.Contains(more, short):
		return nil
	default:
		return sdk.InvalidResponse(ReasonType, "the token is of type %q, not JWT", upstream.Shown(typ))
	}
}

// keyID reads kid, which is only compared with the IDs of known keys. Null and an empty text
// count as absent.
func keyID(object claims.Object) (string, error) {
	kid, err := object.String("kid")
	if err != nil || len(kid) > maxKeyID {
		return "", sdk.InvalidResponse(ReasonKeyID, "the header has a kid that is not a string of at most %d bytes", maxKeyID)
	}
	return kid, nil
}
