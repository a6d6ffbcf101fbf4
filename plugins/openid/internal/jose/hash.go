package jose

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// HashFits reports whether a hash in the claims, such as at_hash, is that of value:
// the left half of the hash that the token's algorithm uses, in base64url (OpenID
// Connect Core section 3.1.3.6). For EdDSA with Ed25519 that is SHA-512 (RFC 8032
// section 5.1).
func (t Token) HashFits(hash, value string) bool {
	var sum []byte
	switch {
	case strings.HasSuffix(t.alg, "256"):
		s := sha256.Sum256([]byte(value))
		sum = s[:]
	case strings.HasSuffix(t.alg, "384"):
		s := sha512.Sum384([]byte(value))
		sum = s[:]
	case strings.HasSuffix(t.alg, "512"), t.alg == "EdDSA":
		s := sha512.Sum512([]byte(value))
		sum = s[:]
	default:
		return false
	}
	want := base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	return subtle.ConstantTimeCompare([]byte(hash), []byte(want)) == 1
}
