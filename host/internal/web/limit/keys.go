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

// Who tries to sign in.
type Who struct {
	Address  netip.Addr
	Provider string
	Name     string // as it was typed; empty if no name was asked for
	Device   string // what the browser keeps of Limiter.Device
}

// keyed makes hashes that mean nothing to who does not have SECRET.
type keyed struct{ key []byte }

func newKeyed(secret []byte) (keyed, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "doorward limits v1", sha256.Size)
	if err != nil {
		return keyed{}, fmt.Errorf("deriving the key of the limits: %w", err)
	}
	return keyed{key}, nil
}

// sum is a hash of the parts, of which none can pass for a part of another.
func (k keyed) sum(of byte, parts ...[]byte) [sha256.Size]byte {
	mac := hmac.New(sha256.New, k.key)
	mac.Write([]byte{of})
	var length [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write(part)
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

func (k keyed) bucket(of kind, parts ...[]byte) bucket {
	sum := k.sum(byte(of), parts...)
	return bucket{of, binary.BigEndian.Uint64(sum[:])}
}

// network is the address as far as it says whose it is: an IPv6 address is mostly one of
// 2^64 that somebody has (RFC 6177).
func network(address netip.Addr, bits int) []byte {
	address = address.Unmap().WithZone("")
	prefix, err := address.Prefix(min(address.BitLen(), bits))
	if err != nil {
		return nil // all that have no address are one
	}
	return prefix.Addr().AsSlice()
}

// folded is a login name as directories compare them (RFC 4518): case, spaces, invisible
// characters, accents and compatibility forms do not tell names apart. Else a guesser would
// have as many counts as there are ways to write a name.
func folded(name string) []byte {
	return []byte(sso.Seen(strings.Map(func(r rune) rune {
		return unicode.ToLower(unicode.ToUpper(r)) // ς is σ, and ſ is s
	}, norm.NFKD.String(name))))
}
