package sso

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// SubjectHasher makes of a subject what the audit keeps of it: with a key that is derived
// from SECRET (RFC 5869), so that whoever has an old copy of the audit cannot find out,
// by trying addresses and names, whom it tells of. The same subject of a provider has the
// same hash for as long as SECRET is the same. A nil one makes none.
type SubjectHasher struct{ key []byte }

// NewSubjectHasher makes one.
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
