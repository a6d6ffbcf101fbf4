package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
)

// Digest is the SHA-256 of a plugin binary, as 64 lower-case hexadecimal digits.
type Digest string

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// maxBinary bounds how much of a binary is read, in bytes.
const maxBinary = 1 << 30

// DigestOf reads to the end and returns the digest of what it read.
func DigestOf(r io.Reader) (Digest, error) {
	hash := sha256.New()
	n, err := io.Copy(hash, io.LimitReader(r, maxBinary+1))
	if err != nil {
		return "", fmt.Errorf("reading the binary: %w", err)
	}
	if n > maxBinary {
		return "", fmt.Errorf("reading the binary: it is larger than %d bytes", maxBinary)
	}
	return Digest(hex.EncodeToString(hash.Sum(nil))), nil
}

// Short is the beginning of the digest, long enough to tell two apart.
func (d Digest) Short() string { return string(d[:min(len(d), 12)]) }
