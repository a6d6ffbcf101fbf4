package main

import (
	"slices"
	"strings"

	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/sdk"
)

// anyKind stands for groups of every kind.
const anyKind = ""

// allowLists say who may sign in. No list lets in everybody whom the provider knows.
type allowLists struct {
	lists   map[string][]string // by kind of group
	domains []string            // in lower case
}

// byID begins an entry that is compared with the identifier of a group and never
// with its name.
const byID = "id:"

// groupsDecide reports whether a group is needed.
func (a allowLists) groupsDecide() bool {
	for _, list := range a.lists {
		if len(list) > 0 {
			return true
		}
	}
	return false
}

// byName are the entries that are compared with names.
func (a allowLists) byName() []string {
	var names []string
	for _, list := range a.lists {
		for _, entry := range list {
			if !strings.HasPrefix(entry, byID) && !passesForID(entry) {
				names = append(names, entry)
			}
		}
	}
	slices.Sort(names)
	return names
}

// admit refuses who is on no list. That somebody has no groups never means that none
// is needed: an organization may hide itself from the app.
func (a allowLists) admit(identity sdk.Identity, groups []group) error {
	if a.groupsDecide() && !slices.ContainsFunc(groups, a.letsIn) {
		return sdk.Denied(sdk.ReasonNotAllowed, "in none of the groups that may sign in, but in %d others; an organization that restricts apps, or wants a SAML session, does not show", len(groups))
	}
	if len(a.domains) > 0 && !a.inDomain(identity) {
		return sdk.Denied(sdk.ReasonNotAllowed, "no verified e-mail address in one of allowed_email_domains")
	}
	return nil
}

// letsIn reports whether a group lets in.
func (a allowLists) letsIn(g group) bool {
	for kind, list := range a.lists {
		if kind != anyKind && kind != g.kind {
			continue
		}
		if slices.ContainsFunc(list, func(entry string) bool { return g.is(entry, kind) }) {
			return true
		}
	}
	return false
}

// is reports whether an entry of a list means the group. In the list for groups of
// every kind, the identifier of an organization or a team says which of the two it is:
// both are numbers, and one must not pass for the other.
func (g group) is(entry, list string) bool {
	id, byIdentifier := strings.CutPrefix(entry, byID)
	switch {
	case !byIdentifier:
		return entry == g.name || g.id != "" && g.kind != preset.Group && entry == g.kind+":"+g.id
	case list == anyKind && g.kind != preset.Group:
		return false
	default:
		return g.id != "" && id == g.id
	}
}

// inDomain compares what follows the first at sign. A text with two of them is two
// addresses, or one in quotes, and nobody knows which domain was verified.
func (a allowLists) inDomain(identity sdk.Identity) bool {
	local, domain, _ := strings.Cut(identity.Email, "@")
	return identity.EmailVerified && local != "" && slices.Contains(a.domains, lowerASCII(domain))
}

// lowerASCII leaves other letters alone: in lower case, the Kelvin sign is a k.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, text)
}
