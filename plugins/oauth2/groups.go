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

// groupSource is where groups of one kind stand in the answers.
type groupSource struct {
	kind     string
	path     fieldpath.Path
	name, id fieldpath.Template
	split    bool // of a single text
}

// group is one that the end user is in.
type group struct{ kind, name, id string }

// reads reports whether the source reads the answer of that call.
func (g groupSource) reads(call string) bool {
	rest, ok := strings.CutPrefix(g.path.String(), call)
	return ok && (rest == "" || strings.IndexByte(".[|", rest[0]) >= 0)
}

// groups reads them all. An error refuses the login: who cannot be placed is in no
// group that lets in, but may be in one that keeps out.
func (m *mechanism) groups(root map[string]any) ([]group, error) {
	var list []group
	for _, source := range m.set.groupSources {
		elements, err := source.elements(root)
		if err != nil {
			return nil, sdk.InvalidResponse(claims.ReasonClaimInvalid, "groups: %w", err)
		}
		for _, element := range elements {
			one, err := source.group(element)
			if errors.Is(err, fieldpath.ErrAmbiguous) || passesForID(one.name) {
				m.logger.Warn("a group is left out: its name could be mistaken for another's", "kind", source.kind)
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

// elements are the values at the path. A text in place of a list is split, if the
// operator has not said that it is one group. An element of a list never is: whoever
// may name a group "guests,admins", and is in no other, would be in both.
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

// group reads an element.
func (g groupSource) group(element any) (group, error) {
	one := group{kind: g.kind}
	var err error
	if g.name.String() != "" {
		one.name, err = g.name.Write(element, nil)
	} else {
		var ok bool
		if one.name, ok = fieldpath.Text(element); !ok {
			err = errors.New("a group that is neither text nor a number: say by group_name what its name is")
		}
	}
	if err == nil && g.id.String() != "" {
		one.id, err = g.id.Write(element, nil)
	}
	if err == nil && (one.name == "" || len(one.name) > sdk.MaxAttribute || strings.ContainsFunc(one.name, turns)) {
		err = errors.New("a group with an empty name, an endless one or one with control characters")
	}
	return one, err
}

// names are those of groups, each once, and for organizations and teams of a preset
// their identifiers besides: a mapping of roles by organization:9919 is good for the
// organization that is meant, and not for whoever takes its name.
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

// passesForID reports whether a name reads like an identifier of [names].
func passesForID(name string) bool {
	return strings.HasPrefix(name, preset.Organization+":") || strings.HasPrefix(name, preset.Team+":")
}

// saidOf is what an answer says of an error.
func saidOf(object claims.Object) string { return profile.Said(object) }

// listed names the members of an answer, for an error.
func listed(object claims.Object) []string {
	return upstream.ShownList(slices.Sorted(maps.Keys(object)))
}
