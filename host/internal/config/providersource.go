package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/options"
)

// A source is a provider with everything that is given for it.
type source struct {
	name     string
	prefix   string // of its variables: AUTH_KEYCLOAK_
	document document
	entry    *providerEntry // nil if the YAML file does not have it
	listed   bool           // in AUTH_PROVIDERS

	// variables by option, for each layer of the environment.
	variables []map[string][]candidate
}

var providerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// missing returns the name under which to add an option.
func (s source) missing(option string) string {
	if s.listed || s.entry == nil {
		return s.prefix + strings.ToUpper(option)
	}
	return s.document.at("providers."+s.name+"."+option, s.entry.line)
}

// providerSources finds the providers, and refuses invalid names.
func (l *loader) providerSources(listed providerList) []*source {
	var sources []*source
	add := func(origin string, s *source) {
		if err := checkProviderName(s.name, sources); err != nil {
			l.problems.Addf(origin, "%v", err)
			return
		}
		s.document, s.prefix = l.document, variablePrefix(s.name)
		s.variables = make([]map[string][]candidate, len(l.layers))
		sources = append(sources, s)
	}
	for _, name := range listed.names {
		add(listed.origin, &source{name: name, listed: true})
	}
	for i := range l.document.providers {
		e := &l.document.providers[i]
		if s := byName(sources, e.name); s != nil {
			s.entry = e
			continue
		}
		add(l.document.at("providers."+e.name, e.line), &source{name: e.name, entry: e})
	}
	return sources
}

func byName(sources []*source, name string) *source {
	for _, s := range sources {
		if s.name == name {
			return s
		}
	}
	return nil
}

func checkProviderName(name string, others []*source) error {
	switch {
	case !providerName.MatchString(name):
		return fmt.Errorf("%q cannot be the name of a provider; write letters, digits, - and _, at most 63 of them", name)
	case strings.EqualFold(name, "default"):
		return fmt.Errorf("%q cannot be the name of a provider, because clients use it for local passwords; choose another name", name)
	}
	for _, other := range others {
		if other.name == name {
			return fmt.Errorf("has the provider %q twice; write it once", name)
		}
		if strings.EqualFold(other.name, name) {
			return fmt.Errorf("has the providers %q and %q, which differ only in capitals; rename one", other.name, name)
		}
		if other.prefix == variablePrefix(name) {
			return fmt.Errorf("has the providers %q and %q, whose variables would all begin with %s; rename one", other.name, name, other.prefix)
		}
	}
	return nil
}

func variablePrefix(name string) string {
	return "AUTH_" + foldName(name) + "_"
}

// foldName ignores capitals, as Directus does, and hyphens, because a shell cannot set a
// name with a hyphen, in the names of variables.
func foldName(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// isSetting reports whether a variable is a setting of the host; some begin with AUTH_.
func isSetting(variable string) bool {
	_, ok := settingsSchema.Lookup(strings.ToLower(strings.TrimSuffix(variable, fileSuffix)))
	return ok && variable == strings.ToUpper(variable)
}

// sortVariables assigns each variable AUTH_… to the provider with the longest matching
// prefix, and warns of those that match none.
func (l *loader) sortVariables(sources []*source) {
	for i, layer := range l.layers {
		var unowned []string
		for _, name := range slices.Sorted(maps.Keys(layer)) {
			v := layer[name]
			if v.value == "" || isSetting(name) || !strings.HasPrefix(foldName(name), "AUTH_") {
				continue
			}
			s := ownerOf(name, sources)
			if s == nil {
				unowned = append(unowned, name)
				continue
			}
			option, isFile := optionOf(name[len(s.prefix):])
			if s.variables[i] == nil {
				s.variables[i] = map[string][]candidate{}
			}
			s.variables[i][option] = append(s.variables[i][option], candidate{v, isFile})
		}
		l.warnOfUnowned(layer, unowned)
	}
}

// warnOfUnowned warns of sorted variables that belong to no provider. Those with the
// same beginning, such as all variables of a provider that was removed, share one line.
func (l *loader) warnOfUnowned(layer map[string]variable, names []string) {
	for len(names) > 0 {
		if meant := inFile.setting(names[0], settingNames("AUTH_")); meant != "" {
			l.note(ClassNoEffect, "%s is not a setting and has no effect; did you mean %s?", layer[names[0]].origin, meant)
			names = names[1:]
			continue
		}
		family := familyOf(names[0])
		alike := slices.IndexFunc(names, func(name string) bool { return familyOf(name) != family })
		if alike < 0 {
			alike = len(names)
		}
		if alike == 1 {
			l.warnOfNoEffect("%s does not belong to a provider of AUTH_PROVIDERS and is ignored", layer[names[0]].origin)
		} else {
			l.warnOfNoEffect("%s… (%d, such as %s) do not belong to a provider of AUTH_PROVIDERS and are ignored", family, alike, layer[names[0]].origin)
		}
		names = names[alike:]
	}
}

// familyOf returns the beginning of the variables of a provider whose name is one word.
func familyOf(name string) string {
	provider, _, _ := strings.Cut(strings.TrimPrefix(foldName(name), "AUTH_"), "_")
	return "AUTH_" + provider + "_"
}

func ownerOf(name string, sources []*source) *source {
	var owner *source
	folded := foldName(name)
	for _, s := range sources {
		if strings.HasPrefix(folded, s.prefix) && len(name) > len(s.prefix) && (owner == nil || len(s.prefix) > len(owner.prefix)) {
			owner = s
		}
	}
	return owner
}

var camelHump = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])`)

// optionOf converts the end of a variable's name to an option: CLIENT_ID_FILE to
// client_id, from a file. Some are written like SP_wantAssertionsSigned.
func optionOf(name string) (option string, isFile bool) {
	name, isFile = strings.CutSuffix(name, fileSuffix)
	if name != strings.ToUpper(name) {
		name = camelHump.ReplaceAllString(name, "${1}${3}_${2}${4}")
	}
	return strings.ToLower(strings.ReplaceAll(name, "-", "_")), isFile
}

// givenOptions combines what is given for a provider: for each option, the environment
// takes precedence over the YAML file.
func (l *loader) givenOptions(s *source) map[string]given {
	values := map[string]given{}
	if s.entry != nil {
		for _, e := range s.entry.options {
			var t options.Type
			if o, ok := providerSchema.Lookup(e.key); ok {
				t = o.Type
			}
			values[e.key] = l.givenBy(e, "providers."+s.name+"."+e.key, t)
		}
	}
	for _, layer := range slices.Backward(s.variables) {
		for _, option := range slices.Sorted(maps.Keys(layer)) {
			found, ok := l.choose(layer[option]...)
			if !ok {
				continue
			}
			override(values, option, found)
		}
	}
	return values
}

// override replaces an option and its single values (params__x), which would otherwise
// take precedence over it.
func override(values map[string]given, option string, found given) {
	for name := range values {
		if strings.HasPrefix(name, option+"__") {
			delete(values, name)
		}
	}
	values[option] = found
}
