package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// variableName matches the names of variables; some end in lower case: AUTH_X_SP_metadata.
var variableName = regexp.MustCompile(`^([A-Z][A-Z0-9_]*|AUTH_\w+)$`)

// isFlat reports whether a YAML or JSON file has the form of Directus: names of variables
// at the top level, and none of our own keys. A file that mixes both forms is an error:
// one of two places of a setting would have no effect.
func (l *loader) isFlat(top []entry) (bool, error) {
	isOurs := func(e entry) bool {
		_, known := settingsSchema.Lookup(e.key)
		return known || e.key == "providers" || e.key == "forward_auth"
	}
	variable := slices.IndexFunc(top, func(e entry) bool { return variableName.MatchString(e.key) })
	ours := slices.IndexFunc(top, isOurs)
	switch {
	case variable < 0:
		return false, nil
	case ours < 0:
		return true, nil
	}
	return false, oneProblem(l.document.name, "has names in capitals, as in files of Directus (%s, line %d), and also %s (line %d), which is Doorward's own form; "+
		"write the whole file in one form", top[variable].key, top[variable].line, top[ours].key, top[ours].line)
}

// readFlat reads the entries of a file as variables, over which the environment and .env
// take precedence. As in Directus, other entries are ignored.
func (l *loader) readFlat(path string, mode fs.FileMode, top []entry) {
	layer := map[string]variable{}
	for _, e := range top {
		origin := l.document.at(e.key, e.line)
		text, err := l.asText(e)
		switch {
		case err != nil && isNoSetting(e.key):
			text = followAlias(e.node).Value // it is not read
		case err != nil:
			l.problems.Addf(origin, "%v", err)
			continue
		}
		layer[e.key] = variable{value: text, origin: origin}
	}
	l.addLayer(filepath.Base(path), path, mode, layer)
}

// isNoSetting reports whether a variable is not a setting.
func isNoSetting(name string) bool {
	return !isSetting(name) && !strings.HasPrefix(foldName(name), "AUTH_")
}

// asText writes a value as in the environment; the type of the option is known later.
// Lists and mappings become JSON, in the order of the file.
func (l *loader) asText(e entry) (string, error) {
	value, err := l.value(e.key, e.node, 0)
	if err != nil {
		return "", err
	}
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return v.String(), nil
	}
	var b bytes.Buffer
	err = l.encode(&b, e.key, e.node)
	return b.String(), err
}

// addLayer adds the variables of a file that CONFIG_PATH names, after all others.
func (l *loader) addLayer(name, path string, mode fs.FileMode, layer map[string]variable) {
	if holdsSecret(layer) {
		l.warnReadable(path, mode)
	}
	var differing []string
	for _, given := range slices.Sorted(maps.Keys(layer)) {
		value := layer[given].value
		if value != "" && slices.ContainsFunc(l.layers, func(before map[string]variable) bool {
			return before[given].value != "" && before[given].value != value
		}) {
			differing = append(differing, given)
		}
	}
	if len(differing) > 0 {
		l.warnOfDoubt("%s: the environment or .env has other values for %s and takes precedence; in Directus, %s would", name, enumerated(differing), name)
	}
	l.layers = append(l.layers, layer)
}

func holdsSecret(layer map[string]variable) bool {
	for name, v := range layer {
		if v.value != "" && isSecret(name, v.value) && !strings.HasSuffix(name, fileSuffix) {
			return true
		}
	}
	return false
}

// enumerated lists names, but only the first of many.
func enumerated(names []string) string {
	const most = 6
	rest := ""
	if len(names) > most+1 {
		names, rest = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
	}
	if last := len(names) - 1; rest == "" && last > 0 {
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return strings.Join(names, ", ") + rest
}

var jsonEscape = regexp.MustCompile(`\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|.)`)

// plainEscapes replaces escapes of JSON that YAML does not have: \/, and the two halves of
// UTF-16. Other files stay as they are.
func plainEscapes(text string) string {
	if !json.Valid([]byte(text)) {
		return text
	}
	return jsonEscape.ReplaceAllStringFunc(text, func(escape string) string {
		if escape == `\/` {
			return "/"
		}
		if len(escape) < len(`\ud83d\ude00`) {
			return escape
		}
		high, _ := strconv.ParseUint(escape[2:6], 16, 16)
		low, _ := strconv.ParseUint(escape[8:], 16, 16)
		return string(utf8.AppendRune(nil, utf16.DecodeRune(rune(high), rune(low))))
	})
}
