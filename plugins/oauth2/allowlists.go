package main

import (
	"slices"
	"strings"

	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/sdk"
)

// anyKind is the key of the list for groups of every kind.
const anyKind = ""

// allowLists say who may sign in. Without a list, everybody with an account at the provider
// may.
type allowLists struct {
	lists   map[string][]string // by kind of group
	domains []string            // in lower case
}

// idPrefix begins an entry that is compared only with the identifiers of groups, not with
// their names.
const idPrefix = "id:"

// groupsDecide reports whether membership in a group is required.
func (a allowLists) groupsDecide() bool {
	for _, list := range a.lists {
		if len(list) > 0 {
			return true
		}
	}
	return false
}

// nameEntries returns the entries that are compared with names.
func (a allowLists) nameEntries() []string {
	var names []string
	for _, list := range a.lists {
		for _, entry := range list {
			if !strings.HasPrefix(entry, idPrefix) && !looksLikeID(entry) {
				names = append(names, entry)
			}
		}
	}
	slices.Sort(names)
	return names
}

// admit refuses users whom no list allows. A user without groups is refused, too: the
// provider may hide an organization from the app.
func (a allowLists) admit(identity sdk.Identity, groups []group) error {
	if a.groupsDecide() && !slices.ContainsFunc(groups, a.allows) {
		return sdk.Denied(sdk.ReasonNotAllowed, "the user is in none of the allowed groups, but in %d others; the provider does not list organizations that restrict apps or require a SAML session", len(groups))
	}
	if len(a.domains) > 0 && !a.inDomain(identity) {
		return sdk.Denied(sdk.ReasonNotAllowed, "the user has no verified e-mail address in allowed_email_domains")
	}
	return nil
}

// allows reports whether an entry matches the group.
func (a allowLists) allows(g group) bool {
	for kind, list := range a.lists {
		if kind != anyKind && kind != g.kind {
			continue
		}
		if slices.ContainsFunc(list, func(entry string) bool { return g.matches(entry, kind) }) {
			return true
		}
	}
	return false
}

// matches reports whether an entry of a list refers to the group. In the list for groups of
// every kind, an identifier must say whether it is that of an organization or a team: both
// are numbers, and one must not be mistaken for the other.
func (g group) matches(entry, list string) bool {
	id, byIdentifier := strings.CutPrefix(entry, idPrefix)
	switch {
	case !byIdentifier:
		return entry == g.name || g.id != "" && g.kind != preset.Group && entry == g.kind+":"+g.id
	case list == anyKind && g.kind != preset.Group:
		return false
	default:
		return g.id != "" && id == g.id
	}
}

// inDomain compares the text after the first at sign. A text with two at signs can be two
// addresses or a quoted one, so it is unclear which domain was verified.
func (a allowLists) inDomain(identity sdk.Identity) bool {
	local, domain, _ := strings.Cut(identity.Email, "@")
	return identity.EmailVerified && local != "" && slices.Contains(a.domains, lowerASCII(domain))
}

// lowerASCII changes only ASCII letters: the lower case of the Kelvin sign is k.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, text)
}
