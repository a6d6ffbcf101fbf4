package outbound

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Proxy is a proxy server. It prints as scheme, host and port.
type Proxy struct {
	scheme     string
	host, port string
	user       *login // nil: none
	setting    string // the operator's name for the setting that names the proxy
}

// login is a user name and a password, decoded. It prints neither.
type login struct{ name, password string }

func (login) String() string   { return "[secret]" }
func (login) GoString() string { return "[secret]" }

// Scheme returns http, https, socks5 or socks5h.
func (p *Proxy) Scheme() string { return p.scheme }

// Address returns host and port, as for net.Dial.
func (p *Proxy) Address() string { return net.JoinHostPort(p.host, p.port) }

// Setting returns the operator's name for the setting that names the proxy.
func (p *Proxy) Setting() string { return p.setting }

// String returns the URL of the proxy without user and password.
func (p *Proxy) String() string { return p.scheme + "://" + p.Address() }

// ports are the default ports. 80 is the default of global-agent and of net/http; 1080 is
// registered for SOCKS.
var ports = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

const maxProxyURL = 2 << 10

// noProxyWords are words that some operators write to have no proxy, and that are not the
// name of a proxy.
var noProxyWords = []string{Direct, "none", "no", "off", "false", "true", "null", "undefined"}

// parts are the parts of a proxy URL, not decoded. net/url cannot be used for this: its
// errors quote the password, and it refuses passwords that curl and global-agent accept.
type parts struct {
	scheme, userinfo, hostport, rest string
	hasUser                          bool
	bare                             bool // it does not begin with scheme://
}

func partsOf(text string) parts {
	var p parts
	text = strings.TrimSpace(text)
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok { // HTTPS_PROXY may be written like this
		scheme, rest, p.bare = "http", text, true
	}
	p.scheme = strings.ToLower(scheme)
	authority := rest
	if end := strings.IndexAny(rest, `/?#\`); end >= 0 {
		authority, p.rest = rest[:end], rest[end:]
	}
	at := strings.LastIndex(authority, "@")
	p.hasUser = at >= 0
	p.userinfo, p.hostport = authority[:max(at, 0)], authority[at+1:]
	return p
}

// parseProxy reads the URL of a proxy. Errors follow the name of the setting and do not
// quote a user or password. Odd describes what was left out, if anything.
func parseProxy(text string) (p *Proxy, odd string, err error) {
	if len(text) > maxProxyURL {
		return nil, "", fmt.Errorf("has %d bytes, at most %d are allowed", len(text), maxProxyURL)
	}
	of := partsOf(text)
	p = &Proxy{scheme: of.scheme}
	if ports[p.scheme] == "" {
		return nil, "", errors.New("must begin with http://, https://, socks5:// (names are resolved here) or socks5h:// (names are resolved by the proxy)")
	}
	if of.bare && slices.Contains(noProxyWords, strings.ToLower(of.hostport)) {
		return nil, "", errors.New("does not name a proxy: to use none, leave it out; to use none for one provider, set its option proxy to " + Direct)
	}
	if of.bare && strings.HasSuffix(of.hostport, ":") { // http:/proxy would be the host http
		return nil, "", errors.New("must begin with http://, with both slashes")
	}
	if !of.hasUser && strings.Contains(of.rest, "@") {
		return nil, "", errors.New("has a /, ? or # before the @: write it in a user or password as %2F, %3F or %23")
	}
	if p.host, p.port, err = hostPort(of.hostport, ports[p.scheme]); err != nil {
		return nil, "", err
	}
	if of.hasUser {
		if p.user, err = loginOf(of.userinfo, p.scheme); err != nil {
			return nil, "", err
		}
	}
	if strings.Trim(of.rest, "/") != "" {
		odd = "has more text after host and port, which is ignored"
	}
	return p, odd, nil
}

func loginOf(userinfo, scheme string) (*login, error) {
	name, password, _ := strings.Cut(userinfo, ":")
	var l login
	var err error
	if l.name, err = url.PathUnescape(name); err == nil {
		l.password, err = url.PathUnescape(password)
	}
	socks := strings.HasPrefix(scheme, "socks")
	switch {
	case err != nil:
		return nil, errors.New("has a % in user or password that does not begin a %XX: write %25 for a % itself")
	case strings.ContainsFunc(l.name+l.password, isControl):
		return nil, errors.New("contains a control character in user or password")
	case l.name == "":
		return nil, errors.New("has a password without a user: write user:password@ before the host")
	case !socks && strings.Contains(l.name, ":"): // RFC 7617 section 2
		return nil, errors.New("has a colon in the user, which Basic authentication cannot send")
	case socks && (len(l.name) > 255 || len(l.password) > 255): // RFC 1929 section 2
		return nil, errors.New("has a user or password of more than 255 bytes, which SOCKS cannot send")
	}
	return &l, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})$`)

// hostPort splits host and port. An IPv6 address is in brackets, with its zone after %25
// (RFC 6874) or %.
func hostPort(text, defaultPort string) (host, port string, err error) {
	bad := errors.New("must name the proxy as host:port, such as http://proxy.example.org:3128")
	if inner, after, ok := strings.Cut(strings.TrimPrefix(text, "["), "]"); ok && strings.HasPrefix(text, "[") {
		address, parseErr := netip.ParseAddr(strings.Replace(inner, "%25", "%", 1))
		if parseErr != nil || !address.Is6() || after != "" && !strings.HasPrefix(after, ":") {
			return "", "", bad
		}
		host, port = address.String(), strings.TrimPrefix(after, ":")
	} else {
		host, port, _ = strings.Cut(text, ":")
		address, parseErr := netip.ParseAddr(host)
		if !hostName.MatchString(host) || endsInNumber.MatchString(host) && (parseErr != nil || !address.Is4()) {
			return "", "", bad
		}
	}
	if port == "" {
		return host, defaultPort, nil
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return "", "", errors.New("must have a port from 1 to 65535 after the host; write an @, : or / in a user or password as %40, %3A or %2F")
	}
	return host, port, nil
}

// basic returns the value of Proxy-Authorization (RFC 7617 section 2).
func (l login) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(l.name+":"+l.password))
}

// secretsOfURL returns the secrets in the URL of a proxy, even if it is not valid: the
// password as written, as sent, and together with the user.
func secretsOfURL(text string) []string {
	of := partsOf(text)
	_, password, _ := strings.Cut(of.userinfo, ":")
	if password == "" {
		return nil
	}
	list := []string{password, of.userinfo}
	if l, err := loginOf(of.userinfo, of.scheme); err == nil {
		list = append(list, l.password, l.name+":"+l.password, strings.TrimPrefix(l.basic(), "Basic "))
	}
	return list
}
