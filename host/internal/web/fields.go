package web

import (
	"strings"

	"github.com/labstack/echo/v4"
)

// Limits of the parameter fields.
const (
	maxFields     = 128 // names
	maxFieldName  = 128 // bytes of a name, including its parents
	maxFieldDepth = 10  // levels of names; MAX_RELATIONAL_DEPTH of Directus
)

// anyField stands for all fields of a record.
const anyField = "*"

// fields are the requested fields of a record. Each has the requested fields of the record
// that it leads to; these are empty if only the field itself is requested.
type fields map[string]fields

// readFields reads the parameter fields as Directus does: names separated by commas, in one
// parameter or several (fields=, fields[]=, fields[0]=), with dots in names that lead to
// another record. It returns nil if there are none: then all fields are requested. Other
// parameters are ignored: they select among many records, and here there is only one.
func readFields(c echo.Context) (fields, error) {
	if c.Request().URL.RawQuery == "" {
		return nil, nil
	}
	values, err := query(c)
	if err != nil {
		return nil, err
	}
	var names []string
	for parameter, lists := range values {
		is, err := isFields(parameter)
		if err != nil {
			return nil, err
		}
		if is {
			names = append(names, namesIn(lists)...)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	if len(names) > maxFields {
		return nil, payloadError{"fields has too many names"}
	}
	wanted := fields{}
	for _, name := range names {
		if err := wanted.add(name); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}

func namesIn(lists []string) (names []string) {
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// isFields reports whether a parameter is fields, in one of the forms of qs.
func isFields(parameter string) (bool, error) {
	index, ok := strings.CutPrefix(parameter, "fields")
	switch {
	case !ok || index != "" && index[0] != '[':
		return false, nil
	case index == "" || strings.HasSuffix(index, "]") && strings.Trim(index[1:len(index)-1], "0123456789") == "":
		return true, nil
	}
	return false, payloadError{"fields must be a list"}
}

func (f fields) add(name string) error {
	if len(name) > maxFieldName {
		return payloadError{"fields has a name that is too long"}
	}
	path := strings.Split(name, ".")
	if len(path) > maxFieldDepth {
		return payloadError{"fields has a name with too many levels"}
	}
	for _, part := range path {
		if part == "" {
			return payloadError{"fields has a name with an empty part before or after a dot"}
		}
		f = f.below(part)
	}
	return nil
}

// below returns the requested fields below a field, and adds that field to the requested
// ones.
func (f fields) below(name string) fields {
	if f[name] == nil {
		f[name] = fields{}
	}
	return f[name]
}

// merge adds all fields that the other has.
func (f fields) merge(other fields) {
	for name, below := range other {
		f.below(name).merge(below)
	}
}
