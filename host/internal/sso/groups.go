package sso

import (
	"strings"

	"github.com/doorward/doorward/sdk"
)

// Groups are the groups that a provider named for the end user of a session, in its
// order and each once. They cannot be changed, so a cached session may share them, and
// they are only taken apart where somebody asks.
//
// The zero value is unknown groups: a rule that asks for one is not met, and a rule
// must not take them for none (D12). Stores keep the text as it is, and nothing for the
// zero value.
type Groups string

// The text is a line break before, between and after the groups. No group has one in it
// (contract.CheckGroup), so that text can be searched for one.
const groupBreak = "\n"

// GroupsOf returns the groups of an identity that was accepted.
func GroupsOf(identity sdk.Identity) Groups {
	if identity.GroupsUnknown {
		return ""
	}
	return NewGroups(identity.Groups)
}

// NewGroups returns known groups, or none. They must be as contract.CheckIdentity wants
// them, which bounds them, too.
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

// Known reports whether the provider told all groups.
func (g Groups) Known() bool { return g != "" }

// Has reports whether the end user is known to be in that group, compared byte for byte.
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
