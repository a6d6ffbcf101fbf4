package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// How long a key set is fresh: as long as the provider says, within these
// bounds. A key that the provider withdrew is trusted no longer than that, or
// than keysKeep if the provider is down meanwhile.
const (
	keysLeast = time.Minute
	keysMost  = time.Hour
	keysKeep  = 6 * time.Hour
)

// Limits of a key set.
const (
	maxKeys    = 100
	minRSABits = 2048
	maxRSABits = 8192 // beyond it a signature costs milliseconds to verify
)

// keyStore verifies signatures with the keys at a jwks_uri.
type keyStore struct {
	uri    string
	client *http.Client
	cached[keySet]
}

// verify returns the payload of a token that parseCompact accepted, and the key
// that signed it.
//
// An unknown key ID may be that of a new key, so the keys are loaded anew and
// tried again (OpenID Connect Core section 10.1.1). So may a signature that does
// not fit where key IDs are not used.
func (s *keyStore) verify(ctx context.Context, raw string, header joseHeader) ([]byte, publicKey, error) {
	set, err := s.get(ctx)
	if err != nil {
		return nil, publicKey{}, err
	}
	payload, key, err := set.verify(raw, header)
	rotated := sdk.ReasonOf(err) == reasonKeyUnknown || header.kid == "" && sdk.ReasonOf(err) == reasonSignature
	if err == nil || !rotated {
		return payload, key, err
	}
	if set, err = s.renew(ctx); err != nil {
		return nil, publicKey{}, err
	}
	return set.verify(raw, header)
}

// loadKeys loads the key set.
func (s *keyStore) loadKeys(ctx context.Context) (keySet, time.Duration, error) {
	doc, err := get(ctx, s.client, s.uri, "application/jwk-set+json, application/json", "", reasonKeysUnreachable)
	if err != nil {
		return keySet{}, 0, err
	}
	if doc.status != http.StatusOK {
		return keySet{}, 0, sdk.Unavailable(reasonKeysStatus, "%s answers with status %d", s.uri, doc.status)
	}
	set, err := parseKeys(doc.body)
	if err != nil {
		return keySet{}, 0, sdk.InvalidResponse(reasonKeysMalformed, "%s is no key set: %w", s.uri, err)
	}
	return set, freshness(doc.header), nil
}

// freshness reads max-age (RFC 9111 section 5.2.2.1).
func freshness(header http.Header) time.Duration {
	fresh := keysMost
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return keysLeast
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				fresh = min(fresh, time.Duration(seconds)*time.Second)
			}
		}
	}
	return max(fresh, keysLeast)
}

// keySet is the usable part of a key set.
type keySet struct {
	keys     []publicKey
	unusable int
}

// publicKey is one key and what it may be used for.
type publicKey struct {
	id     string
	alg    string // empty: any that fits the key
	issuer string // of Microsoft's keys: the tenants that it signs for
	public any    // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

func (s keySet) verify(raw string, header joseHeader) ([]byte, publicKey, error) {
	key, err := s.find(header)
	if err != nil {
		return nil, publicKey{}, err
	}
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(header.alg)})
	if err != nil {
		return nil, publicKey{}, sdk.InvalidResponse(reasonJWTMalformed, "the JOSE library refuses it")
	}
	payload, err := jws.Verify(key.public)
	if err != nil {
		return nil, publicKey{}, sdk.InvalidResponse(reasonSignature, "the signature does not fit the key %q", shown(key.id))
	}
	return payload, key, nil
}

// find picks the one key that fits. Trying several would let a key be used that
// was never meant for it (OpenID Connect Core section 10.1).
func (s keySet) find(header joseHeader) (publicKey, error) {
	var found []publicKey
	for _, key := range s.keys {
		if key.fits(header.alg) && (header.kid == "" || header.kid == key.id) {
			found = append(found, key)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return publicKey{}, sdk.InvalidResponse(reasonKeyUnknown, "no %s key with ID %q among %d usable and %d unusable ones",
			header.alg, shown(header.kid), len(s.keys), s.unusable)
	default:
		return publicKey{}, sdk.InvalidResponse(reasonKeyAmbiguous, "%d %s keys fit the ID %q: have the provider name its keys",
			len(found), header.alg, shown(header.kid))
	}
}

// fits binds the key to the algorithm, which go-jose leaves open.
func (k publicKey) fits(alg string) bool {
	if k.alg != "" && k.alg != alg {
		return false
	}
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")
	case *ecdsa.PublicKey:
		return alg == map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[public.Curve.Params().BitSize]
	case ed25519.PublicKey:
		return alg == string(jose.EdDSA)
	}
	return false
}

// parseKeys reads a JWK set (RFC 7517 section 5). Keys that we cannot or must
// not use are left out and counted.
func parseKeys(data []byte) (keySet, error) {
	object, err := claims.Decode(data)
	if err != nil {
		return keySet{}, err
	}
	list, ok := object["keys"].([]any)
	if !ok {
		return keySet{}, errors.New("no list of keys")
	}
	if len(list) > maxKeys {
		return keySet{}, fmt.Errorf("%d keys, at most %d are read", len(list), maxKeys)
	}
	var set keySet
	for _, item := range list {
		member, _ := item.(map[string]any)
		key, err := parseKey(member)
		if err != nil {
			set.unusable++
			continue
		}
		set.keys = append(set.keys, key)
	}
	return set, nil
}

func parseKey(object claims.Object) (publicKey, error) {
	if err := checkUse(object); err != nil {
		return publicKey{}, err
	}
	key := publicKey{}
	for name, target := range map[string]*string{"kid": &key.id, "alg": &key.alg, "issuer": &key.issuer} {
		var err error
		if *target, err = object.String(name); err != nil {
			return publicKey{}, err
		}
	}
	// Only what makes the key is handed on: a certificate beside it (x5c) says
	// nothing that we want to know.
	material := map[string]any{}
	for _, name := range []string{"kty", "crv", "x", "y", "n", "e"} {
		if object.Has(name) {
			material[name] = object[name]
		}
	}
	encoded, err := json.Marshal(material)
	if err != nil {
		return publicKey{}, fmt.Errorf("encoding the key: %w", err)
	}
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(encoded, &jwk); err != nil {
		return publicKey{}, fmt.Errorf("reading the key: %w", err)
	}
	key.public = jwk.Key
	return key, checkStrength(jwk.Key)
}

// checkUse refuses keys that are not for signatures (RFC 7517 sections 4.2 and
// 4.3), and those that are not public: a symmetric key in a public place would
// let everybody sign, and so does a private one.
func checkUse(object claims.Object) error {
	if use, err := object.String("use"); err != nil || use != "" && use != "sig" {
		return errors.New("not for signatures")
	}
	operations, err := object.Strings("key_ops")
	if err != nil || operations != nil && !slices.Contains(operations, "verify") {
		return errors.New("not for verifying")
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if object.Has(private) {
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
		return nil
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	}
	return fmt.Errorf("a key of type %T", public)
}

func newKeyStore(uri string, client *http.Client, now func() time.Time, stale func(error)) *keyStore {
	s := &keyStore{uri: uri, client: client}
	s.cached.load, s.cached.now, s.cached.keep, s.cached.stale = s.loadKeys, now, keysKeep, stale
	return s
}
