package sso

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// SubjectHasher hashes subjects for the audit, with a key that is derived from SECRET
// (RFC 5869), so that somebody with an old copy of the audit cannot find out who it is
// about by trying addresses and names. The same subject of a provider has the same hash
// as long as SECRET stays the same. A nil SubjectHasher returns empty hashes.
type SubjectHasher struct{ key []byte }

// NewSubjectHasher returns a SubjectHasher.
func NewSubjectHasher(secret []byte) (*SubjectHasher, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "doorward audit subject v1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of the audit: %w", err)
	}
	return &SubjectHasher{key}, nil
}

// Hash returns 128 bits in hexadecimal; empty for an empty subject.
func (h *SubjectHasher) Hash(provider, subject string) string {
	if h == nil || subject == "" {
		return ""
	}
	mac := hmac.New(sha256.New, h.key)
	fmt.Fprintf(mac, "%d:%s%s", len(provider), provider, subject)
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
