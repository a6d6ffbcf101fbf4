package claims

import (
	"fmt"
	"strconv"
	"strings"
)

// Lookup finds a claim by its name or by a dotted path: "realm_access.roles"
// is the member roles of the object realm_access, "emails.0.value" the member
// value of the first element of the list emails. A name itself can contain dots,
// as in "https://example.com/groups" or "resource_access.my.client.roles".
//
// The value is nil if there is no such claim. A path that leads to two claims is
// an error: an end user who can name a claim must not choose which one the
// operator meant. To make a path lead to at most one claim, write a backslash before
// each dot that is part of a name, as in `resource_access.my\.client.roles`. Write two
// backslashes for one that is part of a name.
func (o Object) Lookup(path string) (any, error) { return Lookup(map[string]any(o), path) }

// Lookup is [Object.Lookup] for any decoded value: an object or a list.
func Lookup(v any, path string) (any, error) {
	if strings.Contains(path, `\`) {
		return walk(v, steps(path)), nil
	}
	found := find(v, path)
	if len(found) > 1 {
		return nil, fmt.Errorf("claim %s is there more than once, by different paths", quote(path))
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found[0], nil
}

// Names returns the names of members that a path may refer to, for [DecodeFor]. There
// are several if no backslash says which dots are part of a name.
func Names(path string) []string {
	parts := steps(path)
	if strings.Contains(path, `\`) {
		return parts
	}
	var names []string
	for from := range parts {
		for to := from + 1; to <= len(parts); to++ {
			names = append(names, strings.Join(parts[from:to], "."))
		}
	}
	return names
}

// steps splits a path at the dots that have no backslash before them.
func steps(path string) []string {
	var parts []string
	var name strings.Builder
	escaped := false
	for _, c := range path {
		switch {
		case escaped:
			name.WriteRune(c)
			escaped = false
		case c == '\\':
			escaped = true
		case c == '.':
			parts = append(parts, name.String())
			name.Reset()
		default:
			name.WriteRune(c)
		}
	}
	return append(parts, name.String())
}

func walk(v any, names []string) any {
	for _, name := range names {
		v, _ = member(v, name)
	}
	return v
}

// find returns the values that path leads to in v, trying each dot as the end of a key.
func find(v any, path string) []any {
	var found []any
	if child, ok := member(v, path); ok {
		found = append(found, child)
	}
	for at, c := range path {
		if c != '.' {
			continue
		}
		if child, ok := member(v, path[:at]); ok {
			found = append(found, find(child, path[at+1:])...)
		}
	}
	return found
}

func member(v any, key string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		child, ok := v[key]
		return child, ok
	case []any:
		i, err := strconv.ParseUint(key, 10, 31)
		if err != nil || i >= uint64(len(v)) || strings.HasPrefix(key, "+") {
			return nil, false
		}
		return v[i], true
	default:
		return nil, false
	}
}
