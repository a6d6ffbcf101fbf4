package config

import (
	"encoding/json"
	"strings"
)

// given is a value with the name that the operator gave it.
type given struct {
	value  any
	origin string
	base   string // folder at which it starts, if it is a relative path
	broken bool   // it already has a problem, and no value

	name  string // as written
	place string // where: "environment", or file and line
	file  string // path of the file that contains the value; empty: there is none
}

// A candidate is a variable that gives a value, directly or through a file.
type candidate struct {
	variable
	isFile bool
}

// setting finds a variable by its name in capitals, or NAME_FILE.
func (l *loader) setting(name string) (given, bool) {
	for _, layer := range l.layers {
		found, ok := l.choose(candidate{layer[name], false}, candidate{layer[name+fileSuffix], true})
		if ok {
			return found, true
		}
	}
	return given{}, false
}

const fileSuffix = "_FILE"

// choose returns the only candidate that is not empty. Two of them are a problem, because
// only the operator knows which one is meant.
func (l *loader) choose(candidates ...candidate) (given, bool) {
	var found []candidate
	for _, c := range candidates {
		if c.value != "" {
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		return given{}, false
	}
	first := found[0]
	picked := given{origin: first.origin, base: l.dir}
	picked.name, picked.place = first.where()
	value := withoutCast(first.value)
	switch {
	case len(found) > 1:
		l.problems.Addf(found[1].origin, "is given in addition to %s; give only one of them", first.origin)
		picked.broken = true
	case first.isFile:
		content, err := l.readValue(first.origin, value, l.dir)
		if err != nil {
			l.problems.Addf(first.origin, "%v", err)
		}
		picked.value, picked.file, picked.broken = content, value, err != nil
	default:
		picked.value = value
	}
	return picked, true
}

// where splits the origin.
func (v variable) where() (name, place string) {
	name, place, inFile := strings.Cut(v.origin, " (")
	if !inFile {
		return name, "environment"
	}
	return name, strings.TrimSuffix(place, ")")
}

// withoutCast removes the type prefix that values can have in environments of Directus.
// Here the type of an option is known.
func withoutCast(value string) string {
	cast, rest, ok := strings.Cut(value, ":")
	switch {
	case !ok:
		return value
	case cast == "array":
		return plainArray(rest)
	case cast == "string", cast == "number", cast == "regex", cast == "json", cast == "boolean":
		return rest
	}
	return value
}

// plainArray removes the casts of the elements, and keeps them separate even if one begins
// with a bracket.
func plainArray(text string) string {
	list := []string{}
	for element := range strings.SplitSeq(text, ",") {
		if element != "" {
			list = append(list, withoutCast(element))
		}
	}
	encoded, err := json.Marshal(list)
	if err != nil {
		return text
	}
	return string(encoded)
}
