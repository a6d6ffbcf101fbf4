package contract

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/doorward/doorward/sdk"
)

// ParseURL parses a URL to which the host may connect or send a browser: absolute, https
// (or http to loopback), with a host and without a user name, of at most [sdk.MaxURL]
// bytes of visible ASCII. A backslash is refused, because browsers treat it as a slash
// and url.Parse does not.
//
// The error says what is wrong and never contains the URL, whose query may be secret.
func ParseURL(text string) (*url.URL, error) {
	if len(text) > sdk.MaxURL {
		return nil, fmt.Errorf("has %d bytes, at most %d are allowed", len(text), sdk.MaxURL)
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f || text[i] == '\\' {
			return nil, fmt.Errorf("contains the byte %#02x: encode it as %%%02X", text[i], text[i])
		}
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("cannot be parsed")
	case u.User != nil:
		return nil, errors.New("contains a user name")
	case u.Scheme == "", u.Opaque != "", u.Hostname() == "":
		return nil, errors.New("is not absolute: it needs a scheme and a host, such as https://id.example.com")
	case u.Scheme == "https", u.Scheme == "http" && IsLoopback(u.Hostname()):
		return u, nil
	case u.Scheme == "http":
		return nil, fmt.Errorf("is http to %q: it must be https, or http to loopback", clip(u.Hostname()))
	default:
		return nil, fmt.Errorf("has the scheme %q: it must be https, or http to loopback", clip(u.Scheme))
	}
}

// IsLoopback reports whether traffic to host stays on this machine: host is localhost
// in upper or lower case (RFC 6761 section 6.3) or a loopback address, with or without
// the brackets of a URL. A name below localhost does not count, because many resolvers
// ask the network for it.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// clip makes hostile text fit for an error.
func clip(text string) string {
	const most = 64
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
