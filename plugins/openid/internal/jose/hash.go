package jose

import (
	"crypto/subtle"
	"encoding/base64"
	"slices"
)

// HashFits reports whether a hash in the claims, such as at_hash, is that of value:
// the left half of the hash that the token's algorithm uses, in base64url (OpenID
// Connect Core section 3.1.3.6). For EdDSA with Ed25519 that is SHA-512 (RFC 8032
// section 5.1).
func (t Token) HashFits(hash, value string) bool {
	if !slices.Contains(Asymmetric, t.alg) {
		return false
	}
	alg := t.alg
	if alg == "EdDSA" {
		alg = "SHA-512"
	}
	_, sum := digestOf(alg, value)
	want := base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	return subtle.ConstantTimeCompare([]byte(hash), []byte(want)) == 1
}
