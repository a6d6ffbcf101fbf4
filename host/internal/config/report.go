package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/options"
)

// Report says what a configuration was understood as, and what is to be said about it.
// No secret is in it, but in Config.
type Report struct {
	// Config is what [Load] returns, if it returns no error. Else what has a problem is
	// left out or has its default, and nothing may be run by it. It is nil if a source
	// cannot be read: what only that source says cannot be told from what is missing.
	Config *Config

	Sources   []string // paths of .env and the YAML file, as far as they could be read
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

// Class says what kind a [Finding] is of.
type Class string

// The classes of findings.
const (
	ClassWrong     Class = "wrong"     // it is refused
	ClassMissing   Class = "missing"   // without it nobody can sign in
	ClassNoEffect  Class = "no_effect" // it does nothing
	ClassDangerous Class = "dangerous" // it works, and may hurt somebody
	ClassDoubtful  Class = "doubtful"  // it works, but probably not as it is meant
)

// Finding is what is to be said about a configuration, in the words of the operator.
type Finding struct {
	Class Class  `json:"class"`
	Text  string `json:"text"` // names the setting, and says what to change

	// Error: doorward does not start with it, or nobody can sign in.
	Error bool `json:"error"`
}

// read is what a loader was given.
type read struct {
	settings  map[string]given
	providers []readProvider
}

type readProvider struct {
	given   map[string]given // for the mechanism, too
	options providerOptions
}

// Explain reads a configuration as [Load] does, and changes as little. It tells what was
// understood of it, and everything that Load would refuse or warn of.
func Explain(in Input) Report {
	l, err := newLoader(in)
	unreadable, _ := errors.AsType[*Error](err)
	config := l.load(in.Executable)
	r := Report{Sources: l.sources, Settings: l.reportSettings(config), Providers: l.reportProviders(config)}
	if unreadable != nil { // what else is refused may be so only for what could not be read
		l.problems = unreadable.Problems
	}
	r.addProblems(l, config)
	if unreadable != nil {
		return r
	}
	r.Findings = append(r.Findings, l.warnings...)
	r.addDangers(l, config)
	r.addIdle(r.Settings, settingsSchema)
	for _, p := range r.Providers {
		r.addIdle(p.Options, providerSchema)
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

// report tells what is given of a schema, with what is in force of it.
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

// fieldOf is the field of an option.
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

// notGiven are the names under which a problem is of an option that is not given.
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

// withoutEffectByDoc begins the text of a setting that is there only because Directus,
// or another program, has it.
const withoutEffectByDoc = "Accepted for compatibility, without effect: "

// addIdle names the settings that never do anything, unless a warning has.
func (r *Report) addIdle(list []Given, schema options.Schema) {
	for _, g := range list {
		o, _ := schema.Lookup(g.option)
		why, idle := strings.CutPrefix(o.Doc, withoutEffectByDoc)
		said := slices.ContainsFunc(r.Findings, func(f Finding) bool {
			return f.Class == ClassNoEffect && strings.HasPrefix(f.Text, g.Name)
		})
		if idle && !said {
			r.Findings = append(r.Findings, Finding{Class: ClassNoEffect, Text: g.spelled() + " has no effect: " + why})
		}
	}
}
