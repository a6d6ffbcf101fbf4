package forwardauth

import (
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// An Origin is the scheme, host and port of an app (RFC 6454 section 4).
type Origin struct {
	Scheme string // https or http
	Host   string // in lower case, an A-label if it is international; with a port unless it is the default
}

func (o Origin) String() string { return o.Scheme + "://" + o.Host }

// schemes are those of requests, and those of websocket handshakes, which Traefik
// reports.
var schemes = map[string]string{"https": "https", "wss": "https", "http": "http", "ws": "http"}

// originOf parses the origin that a proxy reports. It returns false for a host that is
// ambiguous or invalid.
func originOf(scheme, host string) (Origin, bool) {
	known, ok := schemes[scheme]
	if !ok {
		return Origin{}, false
	}
	name, port, ok := splitPort(host)
	if !ok {
		return Origin{}, false
	}
	if name, ok = hostName(name); !ok {
		return Origin{}, false
	}
	if port == "" || port == "443" && known == "https" || port == "80" && known == "http" {
		return Origin{known, name}, true
	}
	return Origin{known, name + ":" + port}, true
}

const maxHost = 253 // RFC 1035 section 2.3.4, as text

// splitPort refuses a colon without a port, and a port with a leading zero.
func splitPort(host string) (name, port string, ok bool) {
	colon := strings.LastIndexByte(host, ':')
	if colon < 0 || strings.HasSuffix(host, "]") {
		return host, "", true
	}
	name, port = host[:colon], host[colon+1:]
	number, err := strconv.ParseUint(port, 10, 16)
	return name, port, err == nil && number > 0 && port[0] != '0' && port[0] != '+'
}

// hostName returns a name in the form used in an Origin.
func hostName(name string) (string, bool) {
	if strings.HasPrefix(name, "[") {
		return addressIn(name)
	}
	if name = strings.TrimSuffix(name, "."); name == "" || len(name) > maxHost {
		return "", false
	}
	if !isASCII(name) {
		label, err := idna.Lookup.ToASCII(name)
		if back, backErr := idna.Lookup.ToUnicode(label); err != nil || backErr != nil || back != name {
			return "", false // something was mapped: ſ is not an s, although lenient readers treat it as one
		}
		name = label
	}
	name = lowerASCII(name)
	last := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '.' {
			if !isHostByte(name[i]) {
				return "", false
			}
			continue
		}
		label := name[last:i]
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", false
		}
		if i == len(name) && '0' <= label[0] && label[0] <= '9' {
			return addressIn(name) // browsers treat a name that ends in a number as an IPv4 address
		}
		last = i + 1
	}
	return name, true
}

// addressIn accepts an address in its usual form only.
func addressIn(name string) (string, bool) {
	inside := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	address, err := netip.ParseAddr(inside)
	if err != nil || address.Zone() != "" {
		return "", false
	}
	if address.Is6() {
		return "[" + address.String() + "]", name == "["+inside+"]"
	}
	return name, address.String() == name
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

func isHostByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-'
}

// lowerASCII leaves other letters alone, and does not copy a text that is already in
// lower case, which is the usual case.
func lowerASCII(text string) string {
	for i := range len(text) {
		if c := text[i]; 'A' <= c && c <= 'Z' {
			lower := []byte(text)
			for ; i < len(lower); i++ {
				if c := lower[i]; 'A' <= c && c <= 'Z' {
					lower[i] = c + 'a' - 'A'
				}
			}
			return string(lower)
		}
	}
	return text
}
