package outbound

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/options"
)

func (g *guard) readDeny(list []string) options.Problems {
	var problems options.Problems
	for _, entry := range list {
		entry = strings.ToLower(strings.TrimSpace(entry))
		block, isBlock := blockOf(entry)
		switch {
		case entry == "":
		case slices.Contains(Classes(), entry):
			g.classes = append(g.classes, entry)
		case isBlock:
			g.blocks = append(g.blocks, block)
		case entry == NoClass && len(list) == 1:
		case entry == NoClass:
			problems.Addf(KeyDeny, "has %s together with others: write it alone", NoClass)
		default:
			problems.Addf(KeyDeny, "has %q: write CIDR blocks, addresses and these words: %s", clip(entry), strings.Join(Classes(), ", "))
		}
	}
	return problems
}

func (g *guard) readAllow(list []string) options.Problems {
	var problems options.Problems
	for _, entry := range list {
		entry = strings.ToLower(strings.TrimSpace(entry))
		block, isBlock := blockOf(entry)
		switch {
		case entry == "":
		case isBlock:
			g.allowed = append(g.allowed, block)
		case slices.Contains(Classes(), entry):
			problems.Addf(KeyAllow, "has %q, which is a class: remove it from %s, or name the addresses", entry, g.deny)
		case hostName.MatchString(entry) && !endsInNumber.MatchString(entry):
			g.allowedHosts = append(g.allowedHosts, strings.TrimSuffix(entry, "."))
		default:
			problems.Addf(KeyAllow, "has %q: write CIDR blocks, addresses and full host names", clip(entry))
		}
	}
	return problems
}

// blockOf reads a CIDR block or an address.
func blockOf(text string) (netip.Prefix, bool) {
	if address, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		address = address.WithZone("").Unmap()
		return netip.PrefixFrom(address, address.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	if address := prefix.Addr(); address.Is4In6() && prefix.Bits() >= 96 { // compared addresses never have this form
		prefix = netip.PrefixFrom(address.Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), true
}

// clip makes a foreign text fit for an error.
func clip(text string) string {
	const most = 128
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}
