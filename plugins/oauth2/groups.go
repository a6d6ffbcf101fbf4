package main

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/doorward/doorward/plugins/oauth2/internal/fieldpath"
	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// groupSource says where to find groups of one kind in the responses of the API.
type groupSource struct {
	kind     string
	path     fieldpath.Path
	name, id fieldpath.Template
	split    bool // whether a single text is split at commas
}

// group is a group that the user is a member of.
type group struct{ kind, name, id string }

// reads reports whether the source reads the response to that call.
func (g groupSource) reads(call string) bool {
	rest, ok := strings.CutPrefix(g.path.String(), call)
	return ok && (rest == "" || strings.IndexByte(".[|", rest[0]) >= 0)
}

// groups reads all groups. An error refuses the login: a user whose groups are unknown may
// be in a group that would restrict them.
func (m *mechanism) groups(root map[string]any) ([]group, error) {
	var list []group
	for _, source := range m.set.groupSources {
		elements, err := source.elements(root)
		if err != nil {
			return nil, sdk.InvalidResponse(claims.ReasonClaimInvalid, "groups: %w", err)
		}
		for _, element := range elements {
			one, err := source.group(element)
			if errors.Is(err, fieldpath.ErrAmbiguous) || looksLikeID(one.name) {
				m.logger.Warn("ignoring a group, because its name could be mistaken for another group's", "kind", source.kind)
				continue
			}
			if err != nil {
				return nil, sdk.InvalidResponse(claims.ReasonClaimInvalid, "groups, %s: %w", source.path, err)
			}
			list = append(list, one)
		}
	}
	if len(list) > sdk.MaxGroups {
		return nil, sdk.InvalidResponse(claims.ReasonClaimInvalid, "%d groups, at most %d are allowed", len(list), sdk.MaxGroups)
	}
	return list, nil
}

// elements returns the values at the path. A single text is split unless the operator says
// that it is one group. Elements of a list are never split: the only member of a group named
// "guests,admins" would otherwise be in both groups.
func (g groupSource) elements(root map[string]any) ([]any, error) {
	if !g.split || g.path.Filters() {
		return g.path.All(root)
	}
	found, err := g.path.One(root)
	if err != nil {
		return nil, err
	}
	text, ok := found.(string)
	if !ok {
		return g.path.All(root)
	}
	var list []any
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			list = append(list, name)
		}
	}
	return list, nil
}

// group converts an element to a group.
func (g groupSource) group(element any) (group, error) {
	one := group{kind: g.kind}
	var err error
	if g.name.String() != "" {
		one.name, err = g.name.Write(element, nil)
	} else {
		var ok bool
		if one.name, ok = fieldpath.Text(element); !ok {
			err = errors.New("a group that is neither text nor a number: set group_name to say which field is its name")
		}
	}
	if err == nil && g.id.String() != "" {
		one.id, err = g.id.Write(element, nil)
	}
	if err == nil && (one.name == "" || len(one.name) > sdk.MaxAttribute || strings.ContainsFunc(one.name, controlOrBidi)) {
		err = errors.New("a group whose name is empty, too long or contains control characters")
	}
	return one, err
}

// names returns the names of groups without duplicates, and for organizations and teams of a
// preset also their identifiers: a role mapping for organization:9919 applies to that
// organization only, and not to another one that takes its name.
func names(groups []group) []string {
	var list []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	for _, g := range groups {
		add(g.name)
		if g.id != "" && g.kind != preset.Group {
			add(g.kind + ":" + g.id)
		}
	}
	return list
}

// looksLikeID reports whether a name has the form of an identifier in [names].
func looksLikeID(name string) bool {
	return strings.HasPrefix(name, preset.Organization+":") || strings.HasPrefix(name, preset.Team+":")
}

// errorText returns the error text in a response.
func errorText(object claims.Object) string { return profile.ErrorText(object) }

// memberNames lists the names of the members of a response, for an error.
func memberNames(object claims.Object) []string {
	return upstream.ShownList(slices.Sorted(maps.Keys(object)))
}
