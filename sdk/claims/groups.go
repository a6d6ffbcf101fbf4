package claims

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// groups reads the groups claim. The second result says that the groups are unknown.
// One group that cannot be read makes all unknown, because it may be the group that
// blocks the end user.
func (r *reader) groups(m Mapping) ([]string, bool) {
	v, err := r.object.lookUp(m.Groups)
	if err == nil {
		var list []string
		if list, err = m.groupsOf(v); err == nil {
			return list, false
		}
	}
	r.warnings = append(r.warnings, fmt.Sprintf("%v: the groups are unknown", err))
	return nil, true
}

// groupsOf reads a list of groups, one group, or groups as the keys of an object.
func (m Mapping) groupsOf(v any) ([]string, error) {
	var list []string
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return m.split(v), nil
	case []any:
		list = make([]string, 0, len(v))
		for _, element := range v {
			name, err := m.group(element)
			if err != nil {
				return nil, err
			}
			list = append(list, name)
		}
	case map[string]any:
		if m.GroupMember == "" {
			return m.keys(v)
		}
		name, err := m.group(v)
		if err != nil {
			return nil, err
		}
		list = []string{name}
	default:
		name, err := m.group(v)
		if err != nil {
			return nil, err
		}
		list = []string{name}
	}
	// Null and an empty text are not groups; some providers leave them in a list.
	return slices.DeleteFunc(list, func(name string) bool { return name == "" }), nil
}

// split returns the groups in a text: one, or several if the operator set a separator.
// An element of a list is never split.
func (m Mapping) split(text string) []string {
	names := []string{text}
	if m.GroupSeparator != "" {
		names = strings.Split(text, m.GroupSeparator)
		for i, name := range names {
			names[i] = strings.Trim(name, " ")
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// group reads one group: a text, a whole number digit by digit, or an object with a
// name.
func (m Mapping) group(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case json.Number:
		if !strings.ContainsAny(string(v), ".eE") {
			return string(v), nil
		}
	case map[string]any:
		if m.GroupMember != "" {
			return m.memberOf(v)
		}
	}
	return "", fmt.Errorf("claim %s contains %s where the name of a group is expected", quote(m.Groups), typeName(v))
}

func (m Mapping) memberOf(group map[string]any) (string, error) {
	v, err := Lookup(group, m.GroupMember)
	if err != nil {
		return "", err
	}
	if _, nested := v.(map[string]any); v == nil || nested {
		return "", fmt.Errorf("claim %s has a group without the member %s", quote(m.Groups), quote(m.GroupMember))
	}
	return m.group(v)
}

// keys reads groups that are the keys of an object, as Zitadel writes roles. The value
// of a key is an object or true. False and null say that the end user is not in the
// group.
func (m Mapping) keys(object map[string]any) ([]string, error) {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		switch v := object[name].(type) {
		case map[string]any:
			list = append(list, name)
		case nil:
		case bool:
			if v {
				list = append(list, name)
			}
		default:
			return nil, fmt.Errorf("claim %s is an object, but not a set of groups: the value of each group must be an object or true", quote(m.Groups))
		}
	}
	return list, nil
}
