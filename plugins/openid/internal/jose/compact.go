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

// Accept says which algorithms are accepted (RFC 8725 section 3.1), and what the
// operator calls the option that says so.
type Accept struct {
	Algs   []string
	Option string

	// Types are what typ may be beside JWT, in lower case, where the token is for
	// another purpose than signing in.
	Types []string
}

// compact is a signed token, taken apart.
type compact struct {
	alg       string // of those in signature.go
	kid       string // empty if there is none
	input     string // what is signed
	payload   []byte
	signature []byte
}

// parseCompact checks the outside of a signed token before anything else reads
// it: JWS compact serialization and nothing else, base64url in its one canonical
// form, and a header that means the same to every reader.
func parseCompact(raw string, accept Accept) (compact, error) {
	if len(raw) > maxJWT {
		return compact{}, sdk.InvalidResponse(ReasonTooLarge, "%d bytes, at most %d are read", len(raw), maxJWT)
	}
	switch strings.Count(raw, ".") {
	case 2:
	case 4:
		return compact{}, sdk.InvalidResponse(ReasonEncrypted, "encrypted: have the provider sign only")
	default:
		return compact{}, sdk.InvalidResponse(ReasonMalformed, "not three parts between dots")
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

// readHeader takes what we need from the header. The members that offer a key (jwk,
// jku, x5c, x5u) are never looked at: keys come from the provider's jwks_uri only (RFC
// 8725 section 3.10).
func (c *compact) readHeader(decoded []byte, accept Accept) error {
	object, err := claims.DecodeFor(decoded, "alg", "typ", "kid", "crit", "b64")
	if err != nil {
		return sdk.InvalidResponse(ReasonMalformed, "header: %w", err)
	}
	for _, name := range []string{"crit", "b64"} {
		if object.Has(name) {
			return sdk.InvalidResponse(ReasonCritical, "header with %s, an extension that we do not have (RFC 7515 section 4.1.11)", name)
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
		return sdk.InvalidResponse(ReasonAlg, "signed with %q, that is with the client secret: have the provider sign with a key of its own", upstream.Shown(alg))
	case !slices.Contains(Asymmetric, canonicalAlg(alg)):
		return sdk.InvalidResponse(ReasonAlg, "signed with %q, which is not accepted", upstream.Shown(alg))
	default:
		return sdk.InvalidResponse(ReasonAlg, "signed with %q, only %q is accepted: if the client is registered for that algorithm, set %s to it", upstream.Shown(alg), a.Algs, a.Option)
	}
}

// checkType accepts no typ, and JWT in the spellings of RFC 7515 section 4.1.9, and
// the words of that section for a JWS, which say less. at+jwt, logout+jwt and all
// others are tokens for another purpose (RFC 8725 section 3.11), unless it is theirs:
// more are the types of that.
func checkType(object claims.Object, more []string) error {
	typ, err := object.String("typ")
	if err != nil {
		return sdk.InvalidResponse(ReasonType, "header: %w", err)
	}
	switch short := strings.TrimPrefix(strings.ToLower(typ), "application/"); {
	case slices.Contains([]string{"", "jwt", "jws", "jose"}, short), slices.Contains(more, short):
		return nil
	default:
		return sdk.InvalidResponse(ReasonType, "a token of type %q, not JWT", upstream.Shown(typ))
	}
}

// keyID reads kid. It is only ever compared with the IDs of known keys. Null and an
// empty text say as little as none.
func keyID(object claims.Object) (string, error) {
	kid, err := object.String("kid")
	if err != nil || len(kid) > maxKeyID {
		return "", sdk.InvalidResponse(ReasonKeyID, "header with a kid that is not a string of at most %d bytes", maxKeyID)
	}
	return kid, nil
}
