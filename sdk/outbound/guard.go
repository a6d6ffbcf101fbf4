package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk"
)

// ErrAddressDenied: no connection is made to that address. It usually comes with a
// [*DeniedError]. It is always an sdk.ErrMisconfigured, too, because only the operator can
// change it and trying again does not help.
var ErrAddressDenied = errors.New("address is denied")

// DeniedError says which address or name was denied, and by what.
type DeniedError struct {
	Target string // the name or address that was dialled
	Found  string // the address that it leads to, if different
	By     string // the class, or the CIDR block
	Deny   string // the operator's names for the two settings
	Allow  string
}

// Error says which setting to change.
func (e *DeniedError) Error() string {
	what := e.Target
	if e.Found != "" && e.Found != e.Target {
		what += " (" + e.Found + ")"
	}
	return fmt.Sprintf("connecting to %s is denied, because %s has %s: to allow it, add it to %s", what, e.Deny, e.By, e.Allow)
}

// Unwrap lets errors.Is find ErrAddressDenied and sdk.ErrMisconfigured.
func (e *DeniedError) Unwrap() []error { return []error{ErrAddressDenied, sdk.ErrMisconfigured} }

// guard checks addresses against the lists.
type guard struct {
	classes      []string
	blocks       []netip.Prefix
	allowed      []netip.Prefix
	allowedHosts []string
	deny, allow  string // the operator's names for the settings
}

// checkDirect refuses a denied address to which a connection is about to be made.
func (g *guard) checkDirect(host string, address netip.Addr) error {
	return g.check(host, address, func(string) bool { return true }, g.blocks)
}

// checkProxy checks the address of a proxy. The operator has set it, so it may be on
// loopback or in a private network; nobody runs a proxy at the other denied addresses.
func (g *guard) checkProxy(host string, address netip.Addr) error {
	return g.check(host, address, func(class string) bool { return class != ClassLoopback && class != ClassPrivate }, nil)
}

func (g *guard) check(host string, address netip.Addr, heeded func(class string) bool, blocks []netip.Prefix) error {
	all := forms(address)
	if g.allowsHost(host) || within(all[0], g.allowed) {
		return nil
	}
	for _, form := range all {
		if within(form, g.allowed) {
			continue
		}
		for _, class := range classesOf(form) {
			if heeded(class) && slices.Contains(g.classes, class) {
				return g.denied(host, form.String(), class)
			}
		}
		for _, block := range blocks {
			if block.Contains(form) {
				return g.denied(host, form.String(), block.String())
			}
		}
	}
	return nil
}

// endsInNumber: for the resolvers of many systems such a name is an IPv4 address, but
// Go's treats it as a name: 0x7f.1, 2130706433.
var endsInNumber = regexp.MustCompile(`(?i)(^|\.)([0-9]+|0x[0-9a-f]*)\.?$`)

// checkName refuses a target that a proxy would resolve, as far as its name shows that it
// is denied.
func (g *guard) checkName(host string) error {
	if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return g.checkDirect(host, address)
	}
	if g.allowsHost(host) {
		return nil
	}
	if endsInNumber.MatchString(host) {
		return fmt.Errorf("connecting to %s: write the address as four decimal numbers, or as a name: %w: %w", clip(host), ErrAddressDenied, sdk.ErrMisconfigured)
	}
	if class := classOfName(host); class != "" && slices.Contains(g.classes, class) {
		return g.denied(host, "", class)
	}
	return nil
}

func (g *guard) allowsHost(host string) bool {
	return slices.Contains(g.allowedHosts, strings.ToLower(strings.TrimSuffix(host, ".")))
}

func (g *guard) denied(target, found, by string) error {
	return &DeniedError{Target: clip(target), Found: found, By: by, Deny: g.deny, Allow: g.allow}
}

// newGuard reads the two lists. An error is options.Problems by key.
func newGuard(s Settings) (*guard, error) {
	g := &guard{deny: s.name(KeyDeny), allow: s.name(KeyAllow)}
	deny := s.Deny
	if len(deny) == 0 {
		deny = DefaultDeny()
	}
	problems := g.readDeny(deny)
	problems = append(problems, g.readAllow(s.Allow)...)
	return g, problems.Err()
}

// checkLiteral refuses a denied address that is written literally, before anything is
// resolved. An empty host counts as the unspecified address.
func (g *guard) checkLiteral(host string) error {
	address, err := netip.ParseAddr(host)
	switch {
	case host == "":
		return g.checkDirect(host, netip.IPv6Unspecified())
	case err != nil:
		return nil
	}
	return g.checkDirect(host, address)
}
