package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// Limits of a key set.
const (
	maxKeys    = 100
	maxTried   = 10 // for one token: each key takes up to a millisecond
	minRSABits = 2048
	maxRSABits = 8192 // with more bits, verifying a signature takes milliseconds
)

// KeySet is the usable part of a key set.
type KeySet struct {
	Keys     []PublicKey
	Unusable int // the number of ignored keys
}

// PublicKey is one key and its allowed use.
type PublicKey struct {
	Issuer string // for which tenants Microsoft uses the key
	id     string
	alg    string // empty: any that fits the key
	public any    // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// verify finds the signing key. If the token or the keys have no ID, it tries all keys that
// fit the algorithm, because all of them belong to the provider. OpenID Connect Core section
// 10.1 requires IDs, but some providers do not send them.
func (s KeySet) verify(c compact) (PublicKey, error) {
	fitting, named := s.find(c)
	if len(fitting) == 0 {
		return PublicKey{}, sdk.InvalidResponse(ReasonUnknown, "no %s key with ID %q among %d usable and %d unusable ones",
			c.alg, upstream.Shown(c.kid), len(s.Keys), s.Unusable)
	}
	if len(fitting) > maxTried {
		return PublicKey{}, sdk.InvalidResponse(ReasonAmbiguous, "%d %s keys fit the ID %q, at most %d are tried: configure the provider to use key IDs",
			len(fitting), c.alg, upstream.Shown(c.kid), maxTried)
	}
	for i, key := range fitting {
		if !c.isSignedBy(key.public) {
			continue
		}
		if slices.ContainsFunc(fitting[i+1:], key.sameNumbers) {
			return PublicKey{}, sdk.InvalidResponse(ReasonAmbiguous, "the %s key with ID %q is published for two issuers", c.alg, upstream.Shown(key.id))
		}
		return key, nil
	}
	if !named {
		return PublicKey{}, sdk.InvalidResponse(ReasonUnknown, "no %s key with ID %q, and the signature matches none of %d keys without ID",
			c.alg, upstream.Shown(c.kid), len(fitting))
	}
	return PublicKey{}, sdk.InvalidResponse(ReasonSignature, "the %s signature matches none of %d keys with ID %q", c.alg, len(fitting), upstream.Shown(c.kid))
}

// find returns the keys that can have signed. If no key has the ID of the token, these are
// the keys without ID, and named is false.
func (s KeySet) find(c compact) (fitting []PublicKey, named bool) {
	var nameless []PublicKey
	for _, key := range s.Keys {
		switch {
		case !key.Fits(c.alg):
		case c.kid == "" || c.kid == key.id:
			fitting = appendNew(fitting, key)
		case key.id == "":
			nameless = appendNew(nameless, key)
		}
	}
	if len(fitting) == 0 {
		return nameless, false
	}
	return fitting, true
}

func appendNew(keys []PublicKey, key PublicKey) []PublicKey {
	if slices.ContainsFunc(keys, key.same) {
		return keys
	}
	return append(keys, key)
}

// same reports whether one key is listed twice.
func (k PublicKey) same(other PublicKey) bool {
	return k.Issuer == other.Issuer && k.sameNumbers(other)
}

func (k PublicKey) sameNumbers(other PublicKey) bool {
	public, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(other.public)
}

// algOfCurve is the only algorithm of each curve, by its bits (RFC 7518 section 3.4).
var algOfCurve = map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}

// Fits reports whether the key can be used with the algorithm. go-jose does not check this.
func (k PublicKey) Fits(alg string) bool {
	if k.alg != "" && k.alg != alg {
		return false
	}
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")
	case *ecdsa.PublicKey:
		return alg == algOfCurve[public.Curve.Params().BitSize]
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

// parseKeys reads a JWK set (RFC 7517 section 5). It ignores and counts keys that it cannot or
// must not use.
func parseKeys(data []byte) (KeySet, error) {
	object, err := claims.DecodeFor(data, "keys")
	if err != nil {
		return KeySet{}, err
	}
	list, ok := object["keys"].([]any)
	if !ok {
		return KeySet{}, errors.New("no list of keys")
	}
	if len(list) > maxKeys {
		return KeySet{}, fmt.Errorf("it has %d keys, at most %d are read", len(list), maxKeys)
	}
	var set KeySet
	for _, item := range list {
		member, _ := item.(map[string]any)
		key, err := parseKey(member)
		if err != nil {
			set.Unusable++
			continue
		}
		set.Keys = append(set.Keys, key)
	}
	return set, nil
}

func parseKey(object claims.Object) (PublicKey, error) {
	if err := checkUse(object); err != nil {
		return PublicKey{}, err
	}
	key := PublicKey{}
	for name, target := range map[string]*string{"kid": &key.id, "alg": &key.alg, "issuer": &key.Issuer} {
		var err error
		if *target, err = object.String(name); err != nil {
			return PublicKey{}, err
		}
	}
	key.alg = canonicalAlg(key.alg)
	encoded, err := json.Marshal(material(object))
	if err != nil {
		return PublicKey{}, fmt.Errorf("encoding the key: %w", err)
	}
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(encoded, &jwk); err != nil {
		return PublicKey{}, fmt.Errorf("reading the key: %w", err)
	}
	key.public = jwk.Key
	return key, checkStrength(jwk.Key)
}

// material returns the members that make up the key, without a certificate (x5c), which is
// not needed.
func material(object claims.Object) map[string]any {
	members := map[string]any{}
	for _, name := range []string{"kty", "crv"} {
		if object[name] != nil {
			members[name] = object[name]
		}
	}
	for _, name := range []string{"x", "y", "n", "e"} {
		if text, ok := object[name].(string); ok {
			members[name] = tidyNumber(object, text)
		}
	}
	return members
}

// tidyNumber writes a number in the form of RFC 7518 section 6: base64url without padding, and
// coordinates padded to the length of their curve. Some providers send standard base64, even
// with line breaks, or coordinates with a leading zero too few or too many. The value stays
// the same.
func tidyNumber(object claims.Object, text string) string {
	text = strings.NewReplacer("+", "-", "/", "_", "\r", "", "\n", "").Replace(strings.TrimRight(text, "="))
	curve, _ := object["crv"].(string) // go-jose refuses other types
	size := map[string]int{"P-256": 32, "P-384": 48, "P-521": 66}[curve]
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || object["kty"] != "EC" || size == 0 {
		return text
	}
	decoded = bytes.TrimLeft(decoded, "\x00")
	if len(decoded) > size {
		return text
	}
	return base64.RawURLEncoding.EncodeToString(append(make([]byte, size-len(decoded)), decoded...))
}

// checkUse refuses keys that are not for signatures (RFC 7517 sections 4.2 and 4.3), and
// published symmetric or private keys, with which anybody can sign.
func checkUse(object claims.Object) error {
	if use, err := object.String("use"); err != nil || use != "" && use != "sig" {
		return errors.New("not for signatures")
	}
	// An empty list counts as absent.
	operations, err := object.Strings("key_ops")
	if err != nil || len(operations) > 0 && !slices.Contains(operations, "verify") {
		return errors.New("not for verifying")
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if object[private] != nil {
			return errors.New("a private or symmetric key")
		}
	}
	return nil
}

func checkStrength(public any) error {
	switch public := public.(type) {
	case *rsa.PublicKey:
		bits := public.N.BitLen()
		if bits < minRSABits || bits > maxRSABits || public.E < 3 || public.E%2 == 0 {
			return fmt.Errorf("an RSA key of %d bits with exponent %d", bits, public.E)
		}
		if hasROCAFingerprint(public.N) {
			return errors.New("an RSA key from a broken generator (CVE-2017-15361)")
		}
		return nil
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	}
	return fmt.Errorf("a key of type %T", public)
}
