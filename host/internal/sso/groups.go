package sso

import (
	"strings"

	"github.com/doorward/doorward/sdk"
)

// Groups are the groups that a provider reported for the user of a session, in its order
// and without duplicates. They are immutable, so cached sessions can share them, and are
// parsed only when needed.
//
// The zero value means unknown groups: a rule that needs a group does not match, and no
// rule may treat them as an empty list (D12). Stores keep the text as it is, and nothing
// for the zero value.
type Groups string

// The text is a line break before, between and after the groups. No group contains one
// (contract.CheckGroup), so the text can be searched for a group.
const groupBreak = "\n"

// GroupsOf returns the groups of an accepted identity.
func GroupsOf(identity sdk.Identity) Groups {
	if identity.GroupsUnknown {
		return ""
	}
	return NewGroups(identity.Groups)
}

// NewGroups returns known groups; the list may be empty. The groups must have passed
// contract.CheckIdentity, which also bounds them.
func NewGroups(list []string) Groups {
	var text strings.Builder
	text.WriteString(groupBreak)
	seen := make(map[string]struct{}, len(list))
	for _, group := range list {
		if _, ok := seen[group]; ok {
			continue
		}
		seen[group] = struct{}{}
		text.WriteString(group)
		text.WriteString(groupBreak)
	}
	return Groups(text.String())
}

// Known reports whether the provider reported all groups.
func (g Groups) Known() bool { return g != "" }

// Has reports whether the user is known to be in that group, compared byte for byte.
func (g Groups) Has(group string) bool {
	return group != "" && !strings.Contains(group, groupBreak) &&
		strings.Contains(string(g), groupBreak+group+groupBreak)
}

// List returns the groups; none if they are unknown.
func (g Groups) List() []string {
	if len(g) <= len(groupBreak) {
		return nil
	}
	return strings.Split(string(g[len(groupBreak):len(g)-len(groupBreak)]), groupBreak)
}
