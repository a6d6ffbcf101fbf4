package outbound

import (
	"net/netip"
	"slices"
	"strings"
)

// The classes of addresses that [Settings.Deny] may name.
const (
	ClassMetadata    = "metadata"    // where clouds provide the credentials of a machine
	ClassLinkLocal   = "link-local"  // RFC 3927, RFC 4291 section 2.5.6
	ClassUnspecified = "unspecified" // "this network", RFC 791 section 3.2; Linux connects to itself
	ClassMulticast   = "multicast"   // and the limited broadcast of RFC 919
	ClassLoopback    = "loopback"    // RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3
	ClassPrivate     = "private"     // RFC 1918, RFC 4193, RFC 6598 (carrier-grade NAT), RFC 3879
)

// NoClass is a Deny that denies nothing.
const NoClass = "none"

// DefaultDeny lists what is denied by default: addresses at which no login server runs.
// It does not include loopback and private addresses, where a company runs its directories
// and identity providers.
func DefaultDeny() []string {
	return []string{ClassMetadata, ClassLinkLocal, ClassUnspecified, ClassMulticast}
}

// Classes lists the classes.
func Classes() []string {
	return append(DefaultDeny(), ClassLoopback, ClassPrivate)
}

// metadataAddresses are from the documentation of the named providers.
var metadataAddresses = addresses(
	"169.254.169.254", // AWS, Google Cloud, Azure, Oracle Cloud, DigitalOcean, Hetzner, OpenStack and others
	"fd00:ec2::254",   // AWS, instance metadata by IPv6
	"169.254.170.2",   // AWS ECS, credentials of tasks
	"169.254.170.23",  // AWS EKS, Pod Identity
	"fd00:ec2::23",    // AWS EKS, Pod Identity by IPv6
	"fd20:ce::254",    // Google Cloud, machines with IPv6 only
	"168.63.129.16",   // Azure, wire server
	"100.100.100.200", // Alibaba Cloud
	"192.0.0.192",     // Oracle Cloud, classic
	"169.254.0.23",    // Tencent Cloud
	"169.254.42.42",   // Scaleway
	"fd00:42::42",     // Scaleway by IPv6
	"fe80::a9fe:a9fe", // OpenStack by IPv6
)

// metadataNames are names of metadata services in the DNS of those clouds.
var metadataNames = []string{
	"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal",
	"metadata.tencentyun.com", "metadata.azure.internal", "api.metadata.cloud.ibm.com",
}

// localNames are names of this machine: RFC 6761 section 6.3, and names in hosts files.
var localNames = []string{"localhost", "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"}

var (
	linkLocal   = prefixes("169.254.0.0/16", "fe80::/10")
	unspecified = prefixes("0.0.0.0/8", "::/128")
	multicast   = prefixes("224.0.0.0/4", "255.255.255.255/32", "ff00::/8")
	loopback    = prefixes("127.0.0.0/8", "::1/128")
	private     = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")
)

func addresses(list ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range list {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func prefixes(list ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range list {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func within(address netip.Addr, list []netip.Prefix) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(address) })
}

// classesOf returns the classes of an address from [forms], the worst first.
func classesOf(address netip.Addr) []string {
	var list []string
	if slices.Contains(metadataAddresses, address) {
		list = append(list, ClassMetadata)
	}
	for _, c := range []struct {
		name string
		of   []netip.Prefix
	}{
		{ClassLinkLocal, linkLocal}, {ClassUnspecified, unspecified}, {ClassMulticast, multicast}, {ClassLoopback, loopback}, {ClassPrivate, private},
	} {
		if within(address, c.of) {
			list = append(list, c.name)
		}
	}
	return list
}

// classOfName returns the class of a name that need not be resolved, or "".
func classOfName(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	switch {
	case slices.Contains(metadataNames, host):
		return ClassMetadata
	case slices.Contains(localNames, host) || strings.HasSuffix(host, ".localhost"):
		return ClassLoopback
	}
	return ""
}

// forms returns the addresses that an address can lead to: the address without its zone,
// and the IPv4 address that translators and tunnels extract from an IPv6 address.
func forms(address netip.Addr) []netip.Addr {
	address = address.WithZone("").Unmap() // IPv4-mapped, RFC 4291 section 2.5.5.2
	list := []netip.Addr{address}
	if !address.Is6() || address.IsUnspecified() || address.IsLoopback() {
		return list
	}
	b := address.As16()
	add := func(from ...byte) {
		if inner := netip.AddrFrom4([4]byte(from)); inner.As4()[0] != 0 {
			list = append(list, inner)
		}
	}
	switch last := b[12:]; {
	case within(address, embedding):
		add(last...)
	case nat64Local.Contains(address): // RFC 8215: a prefix of any length of RFC 6052 section 2.2
		add(last...)
		add(b[6], b[7], b[9], b[10])
	case sixToFour.Contains(address): // RFC 3056 section 2
		add(b[2:6]...)
	case teredo.Contains(address): // RFC 4380 section 4: the client's, inverted
		add(^b[12], ^b[13], ^b[14], ^b[15])
	}
	if isatap := [4]byte(b[8:12]); isatap == [4]byte{0, 0, 0x5e, 0xfe} || isatap == [4]byte{2, 0, 0x5e, 0xfe} { // RFC 5214 section 6.1
		add(b[12:]...)
	}
	return list
}

var (
	// embedding prefixes have an IPv4 address in the last 32 bits: IPv4-compatible (RFC 4291
	// section 2.5.5.1), IPv4-translated (RFC 2765) and NAT64 (RFC 6052 section 2.1).
	embedding = prefixes("::/96", "::ffff:0:0:0/96", "64:ff9b::/96")

	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
)
