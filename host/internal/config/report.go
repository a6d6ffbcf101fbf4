package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/options"
)

// Report is how a configuration was understood, with findings about it. It contains no
// secret, except in Config.
type Report struct {
	// Config is the result of [Load], if it returns no error. Otherwise, settings with a
	// problem are missing or have their default, and the configuration must not be used.
	// Config is nil if a source cannot be read: it is then unknown what is missing.
	Config *Config

	Sources   []string // paths of .env and the YAML file, if they could be read
	Settings  []Given  // of the host, in the order of its reference
	Providers []ReportedProvider
	Findings  []Finding
}

// ReportedProvider is what was given for a provider.
type ReportedProvider struct {
	Name    string
	Options []Given // that the host reads, in the order of its reference

	values map[string]given // of all options
}

// Understood reports whether an option that the host reads has no problem.
func (p ReportedProvider) Understood(option string) bool {
	return !slices.ContainsFunc(p.Options, func(g Given) bool { return g.option == option && !g.Understood })
}

// Class is the kind of a [Finding].
type Class string

// The classes of findings.
const (
	ClassWrong     Class = "wrong"     // the setting is refused
	ClassMissing   Class = "missing"   // nobody can sign in without it
	ClassNoEffect  Class = "no_effect" // the setting does nothing
	ClassDangerous Class = "dangerous" // the setting works, but can cause harm
	ClassDoubtful  Class = "doubtful"  // the setting works, but probably not as intended
)

// Finding is a statement about a configuration, for the operator.
type Finding struct {
	Class Class  `json:"class"`
	Text  string `json:"text"` // names the setting, and says what to change

	// Error: Doorward does not start, or nobody can sign in.
	Error bool `json:"error"`
}

// inputs is what a loader was given.
type inputs struct {
	settings  map[string]given
	providers []providerInput
}

type providerInput struct {
	given   map[string]given // including those for the mechanism
	options providerOptions
}

// Explain reads a configuration as [Load] does, and also changes nothing. It reports what
// was understood, and everything that Load would refuse or warn of.
func Explain(in Input) Report {
	l, err := newLoader(in)
	unreadable, _ := errors.AsType[*Error](err)
	config := l.load(in.Executable)
	r := Report{Sources: l.sources, Settings: l.reportSettings(config), Providers: l.reportProviders(config)}
	if unreadable != nil { // other problems may be due to the part that could not be read
		l.problems = unreadable.Problems
	}
	r.addProblems(l, config)
	if unreadable != nil {
		return r
	}
	r.Findings = append(r.Findings, l.warnings...)
	r.addDangers(l, config)
	r.addWithoutEffect(r.Settings, settingsSchema)
	for _, p := range r.Providers {
		r.addWithoutEffect(p.Options, providerSchema)
	}
	r.Config = config
	return r
}

func (l *loader) reportSettings(config *Config) []Given {
	return l.report(settingsSchema, l.read.settings, reflect.ValueOf(config.Settings))
}

func (l *loader) reportProviders(config *Config) (list []ReportedProvider) {
	for i, p := range l.read.providers {
		list = append(list, ReportedProvider{
			Name: config.Providers[i].Name, Options: l.report(providerSchema, p.given, reflect.ValueOf(p.options)), values: p.given,
		})
	}
	return list
}

// report returns what is given of a schema, with the values in force.
func (l *loader) report(schema options.Schema, values map[string]given, inForce reflect.Value) []Given {
	list := []Given{}
	for _, o := range schema.Options {
		found, ok := values[o.Name]
		if !ok || found.isEmpty() {
			continue
		}
		g := found.report(o.Name)
		g.Understood = !found.broken && !slices.ContainsFunc(l.problems, func(p options.Problem) bool { return p.Option == found.origin })
		if field, ok := fieldOf(inForce, o.Name); ok && g.Understood {
			g.show(o, field.Interface(), found.value)
		}
		list = append(list, g)
	}
	return list
}

// fieldOf returns the field of an option.
func fieldOf(s reflect.Value, option string) (reflect.Value, bool) {
	for _, field := range reflect.VisibleFields(s.Type()) {
		if !field.Anonymous && nameOf(field) == strings.ToUpper(option) {
			return s.FieldByIndex(field.Index), true
		}
	}
	return reflect.Value{}, false
}

func (r *Report) addProblems(l *loader, config *Config) {
	missing := l.notGiven(config)
	for _, p := range l.problems {
		class := ClassWrong
		if missing[p.Option] {
			class = ClassMissing
		}
		r.Findings = append(r.Findings, Finding{Class: class, Text: p.String(), Error: true})
	}
}

// notGiven returns the names under which problems of absent options are reported.
func (l *loader) notGiven(config *Config) map[string]bool {
	names := map[string]bool{}
	add := func(schema options.Schema, values map[string]given, spell func(string) string) {
		for _, o := range schema.Options {
			if found, ok := values[o.Name]; !ok || found.isEmpty() {
				names[spell(o.Name)] = true
			}
		}
	}
	add(settingsSchema, l.read.settings, newSettings(l, l.read.settings).spell)
	for i, p := range l.read.providers {
		add(providerSchema, p.given, config.Providers[i].Spelling)
	}
	return names
}

// noEffectDoc begins the text of a setting that exists only for compatibility with
// Directus or another program.
const noEffectDoc = "Accepted for compatibility, without effect: "

// addWithoutEffect adds the settings that never do anything, unless a warning has named them.
func (r *Report) addWithoutEffect(list []Given, schema options.Schema) {
	for _, g := range list {
		o, _ := schema.Lookup(g.option)
		why, idle := strings.CutPrefix(o.Doc, noEffectDoc)
		said := slices.ContainsFunc(r.Findings, func(f Finding) bool {
			return f.Class == ClassNoEffect && strings.HasPrefix(f.Text, g.Name)
		})
		if idle && !said {
			r.Findings = append(r.Findings, Finding{Class: ClassNoEffect, Text: g.spelled() + " has no effect: " + strings.TrimSuffix(why, ".")})
		}
	}
}
