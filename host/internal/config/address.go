package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/doorward/doorward/sdk/contract"
)

var (
	hostName = regexp.MustCompile(`^(?i)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
	// Browsers take a name that ends in a number for an IPv4 address, even in odd spellings.
	numericEnd = regexp.MustCompile(`(^|\.)([0-9]+|0x[0-9a-f]*)$`)
	publicPath = regexp.MustCompile(`^[A-Za-z0-9._~/-]*$`)
)

func (g *optionGroup) checkListen(s Settings) {
	if _, err := netip.ParseAddr(s.Host); g.ok("host") && err != nil && !hostName.MatchString(s.Host) {
		g.refuse("host", "must be an IP address or a host name, without a port, such as 127.0.0.1")
	}
	if g.ok("port") && (s.Port < 0 || s.Port > 65535) {
		g.refuse("port", "must be from 1 to 65535")
	}
}

// publicURL is nil if there is a problem.
func (g *optionGroup) publicURL(s Settings) *url.URL {
	switch {
	case !g.ok("public_url"):
		return nil
	case s.PublicURL != "":
		u, err := parsePublicURL(s.PublicURL)
		if err != nil {
			g.refuse("public_url", "%v", err)
		}
		return u
	case !g.ok("port"):
		return nil
	case s.Port == 0:
		g.refuse("public_url", "is required if the port is 0")
		return nil
	}
	u := &url.URL{Scheme: "http", Host: "localhost:" + strconv.Itoa(s.Port)}
	if !contract.IsLoopback(s.Host) {
		g.loader.warnOfDoubt("PUBLIC_URL is not set; %s works on this machine only", u)
	}
	return u
}

// allowedPublicURLs are the further public URLs; public is nil if it has a problem. The
// Host of a request selects one of them, so no two may have the same host.
func (g *optionGroup) allowedPublicURLs(s Settings, public *url.URL) (list []*url.URL) {
	const option = "auth_allowed_public_urls"
	for i, text := range s.AllowedPublicURLs {
		u, err := parsePublicURL(text)
		if err != nil {
			g.refuse(option, "number %d %v", i+1, err)
			continue
		}
		same := func(other *url.URL) bool { return other != nil && other.Host == u.Host }
		if same(public) && *public == *u || slices.ContainsFunc(list, func(other *url.URL) bool { return *other == *u }) {
			continue // a repetition is harmless
		}
		if same(public) || slices.ContainsFunc(list, same) {
			g.refuse(option, "has two URLs of the host %s, or one in addition to PUBLIC_URL: a request contains its host but not its scheme, and the path belongs to the host; write only one", u.Host)
			continue
		}
		list = append(list, u)
	}
	return list
}

// parsePublicURL reads the URL that all callback URLs and cookies are derived from. Errors
// do not quote it, because it may contain a password.
func parsePublicURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || (u.Scheme != "https" && u.Scheme != "http"):
		return nil, errors.New("must be an absolute URL such as https://login.example.org")
	case u.User != nil:
		return nil, errors.New("must not have a user or password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return nil, errors.New("must not have a query or a fragment")
	case !publicPath.MatchString(u.EscapedPath()) || path.Clean("/"+u.Path) != "/"+strings.Trim(u.Path, "/"):
		return nil, errors.New("must have a plain path, of letters, digits, -, . and _ between single slashes")
	}
	host, err := publicHost(u)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "http" && !contract.IsLoopback(u.Hostname()) {
		return nil, fmt.Errorf("must be https, because http shows every login to the network; write https://%s", host)
	}
	return &url.URL{Scheme: u.Scheme, Host: host, Path: strings.TrimRight(u.Path, "/")}, nil
}

// publicHost returns host and port as browsers write them in an origin.
func publicHost(u *url.URL) (string, error) {
	name, port := strings.ToLower(u.Hostname()), u.Port()
	address, err := netip.ParseAddr(name)
	if err != nil && (!hostName.MatchString(name) || numericEnd.MatchString(name)) {
		return "", errors.New("must have a host name of letters, digits, - and . (write international names in their xn-- form)")
	}
	if err == nil && address.Zone() != "" {
		return "", errors.New("must not have an IPv6 zone")
	}
	if err == nil && address.Is6() {
		name = "[" + address.String() + "]"
	}
	if strings.HasSuffix(u.Host, ":") {
		return "", errors.New("has a colon without a port")
	}
	if port == "" || (port == "443" && u.Scheme == "https") || (port == "80" && u.Scheme == "http") {
		return name, nil
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < 1 || number > 65535 {
		return "", errors.New("must have a port from 1 to 65535, or none")
	}
	return name + ":" + strconv.Itoa(number), nil
}

// proxies reads a list of proxies in the notation of Express.
func (g *optionGroup) proxies(option string, list []string) []netip.Prefix {
	if !g.ok(option) || (len(list) == 1 && isFalse(list[0])) {
		return nil
	}
	var prefixes []netip.Prefix
	for _, entry := range list {
		found, err := proxyPrefixes(entry)
		if err != nil {
			g.refuse(option, "%v", err)
		}
		prefixes = append(prefixes, found...)
	}
	return prefixes
}

func isFalse(text string) bool {
	switch strings.ToLower(text) {
	case "false", "no", "off", "0":
		return true
	}
	return false
}

func proxyPrefixes(entry string) ([]netip.Prefix, error) {
	switch strings.ToLower(entry) {
	case "loopback":
		return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, nil
	case "linklocal":
		return []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10")}, nil
	case "uniquelocal":
		return []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
			netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fc00::/7"),
		}, nil
	}
	if address, err := netip.ParseAddr(entry); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return []netip.Prefix{netip.PrefixFrom(address, address.BitLen())}, nil
	}
	// With true, a number of hops or /0, any client could claim any address.
	prefix, err := netip.ParsePrefix(entry)
	if mapped := prefix.Addr(); mapped.Is4In6() { // peers are compared as IPv4
		prefix = netip.PrefixFrom(mapped.Unmap(), max(prefix.Bits()-96, 0))
	}
	if err != nil || prefix.Bits() == 0 {
		return nil, fmt.Errorf("cannot trust %q; write false, or the addresses of your proxies, such as 10.0.0.0/8 or loopback", entry)
	}
	return []netip.Prefix{prefix.Masked()}, nil
}
