package limit

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/doorward/doorward/host/internal/sso"
)

// Who is a client that tries to sign in.
type Who struct {
	Address  netip.Addr
	Provider string
	Name     string // as it was typed; empty if no name was asked for
	Device   string // the value of Limiter.Device that the browser keeps
}

// hasher makes hashes that mean nothing without SECRET.
type hasher struct{ key []byte }

func newHasher(secret []byte) (hasher, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "doorward limits v1", sha256.Size)
	if err != nil {
		return hasher{}, fmt.Errorf("deriving the key of the limits: %w", err)
	}
	return hasher{key}, nil
}

// sum is a hash of the parts. Different parts never give the same input, because each has
// its length in front.
func (h hasher) sum(of byte, parts ...[]byte) [sha256.Size]byte {
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte{of})
	var length [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write(part)
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

func (h hasher) bucket(of kind, parts ...[]byte) bucket {
	sum := h.sum(byte(of), parts...)
	return bucket{of, binary.BigEndian.Uint64(sum[:])}
}

// network is the part of an address that says whose it is: an IPv6 address is usually one
// of 2^64 that belong to one client (RFC 6177).
func network(address netip.Addr, bits int) []byte {
	address = address.Unmap().WithZone("")
	prefix, err := address.Prefix(min(address.BitLen(), bits))
	if err != nil {
		return nil // all clients without an address count as one
	}
	return prefix.Addr().AsSlice()
}

// folded is a login name as directories compare it (RFC 4518): case, spaces, invisible
// characters, accents and compatibility forms do not distinguish names. Otherwise a guesser
// would have a separate count for each way to write a name.
func folded(name string) []byte {
	return []byte(sso.Seen(strings.Map(func(r rune) rune {
		return unicode.ToLower(unicode.ToUpper(r)) // makes ς σ, and ſ s
	}, norm.NFKD.String(name))))
}
