package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/options"
)

// A name is reported only if it is so similar to a setting that hardly anything else can
// be meant. The environment of a process contains the variables of many programs, and
// short names are similar to many: PORTS, DB_HOSTS, LOG_FILE. Files are written for one
// program.
var (
	inEnvironment = likeness{letters: 9, perSlip: 7}
	inFile        = likeness{letters: 5, perSlip: 5}
)

// likeness is how many letters a name must have, and for how many letters one misspelling
// is allowed.
type likeness struct{ letters, perSlip int }

// warnOfTypos warns of variables that are probably misspelled settings.
func (l *loader) warnOfTypos() {
	known := settingNames("")
	for i, layer := range l.layers {
		like := inFile
		if i == 0 {
			like = inEnvironment
		}
		for _, name := range slices.Sorted(maps.Keys(layer)) {
			value := layer[name].value
			if value == "" || isSetting(name) || hasOtherMeaning(name, value) {
				continue
			}
			if meant := like.setting(name, known); meant != "" {
				l.note(ClassNoEffect, "%s is not a setting and has no effect; did you mean %s?", layer[name].origin, meant)
			}
		}
	}
}

// settingNames returns the settings with a prefix, as variables.
func settingNames(prefix string) (names []string) {
	for _, o := range settingsSchema.Options {
		if name := strings.ToUpper(o.Name); strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

// hasOtherMeaning reports whether a variable has another meaning. Those of providers and of
// Directus have their own warnings.
func hasOtherMeaning(name, value string) bool {
	_, ofDirectus := ignoredEntry(name)
	return ofDirectus || isSetByPlatform(name, value) || strings.HasPrefix(foldName(name), "AUTH_") ||
		slices.Contains(otherPrograms, strings.TrimSuffix(name, fileSuffix))
}

// otherPrograms are variables of other programs that are similar to settings.
var otherPrograms = []string{"CONFIG_PATH", "ALL_PROXY", "FTP_PROXY", "all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy"}

// setting returns the setting that a name is similar to, with _FILE if the name has it, or
// an empty text.
func (like likeness) setting(name string, known []string) string {
	name, isFile := strings.CutSuffix(name, fileSuffix)
	letters := len(strings.ReplaceAll(name, "_", ""))
	if letters < like.letters {
		return ""
	}
	meant := options.Suggest(name, known)
	if meant == "" || options.Distance(name, meant) > max(1, letters/like.perSlip) {
		return ""
	}
	if isFile {
		meant += fileSuffix
	}
	return meant
}
