package config

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/doorward/doorward/sdk/options"
)

// document is a YAML file in our own form: settings by name, and providers in its order.
// Values are not read yet. For the form of Directus see readFlat.
type document struct {
	name      string // of the file, without its folder
	dir       string // base of relative paths in it
	settings  map[string]entry
	providers []providerEntry

	forwardAuth *entry // nil if there is none
}

// An entry is a key with its value.
type entry struct {
	key  string
	node *yaml.Node
	line int
}

type providerEntry struct {
	name    string
	line    int
	options []entry
}

func (d document) setting(name string) (entry, bool) {
	e, ok := d.settings[name]
	return e, ok
}

// at returns a name with its place: providers.x.mode (doorward.yaml:12).
func (d document) at(name string, line int) string {
	if name == "" { // the whole file
		return d.line(line)
	}
	return name + " (" + d.line(line) + ")"
}

func (d document) line(line int) string { return fmt.Sprintf("%s:%d", d.name, line) }

// readDocument reads a YAML file that namedBy names. An error means that none of it could
// be read.
func (l *loader) readDocument(path, namedBy string) error {
	l.files = append(l.files, path)
	text, mode, err := readFile(path)
	if err == nil {
		err = checkWritable(path, mode)
	}
	if err != nil {
		return oneProblem(namedBy, "%v", err)
	}
	l.sources = append(l.sources, path)
	l.document = document{name: filepath.Base(path), dir: filepath.Dir(path), settings: map[string]entry{}}
	root, err := parseYAML(plainEscapes(text))
	if err != nil {
		return oneProblem(l.document.name, "%v", err)
	}
	top, _ := l.entries("", root)
	flat, err := l.isFlat(top)
	switch {
	case err != nil:
		return err
	case flat:
		l.readFlat(path, mode, top)
		return nil
	}
	for _, e := range top {
		switch _, known := settingsSchema.Lookup(e.key); {
		case e.key == "providers":
			l.readProviderEntries(e)
		case e.key == "forward_auth":
			l.document.forwardAuth = &e
		case known:
			l.document.settings[e.key] = e
		default:
			l.problems.Addf(l.document.at(e.key, e.line), "%s", noSuchSetting(e.key))
		}
	}
	if l.document.holdsSecrets() {
		l.warnReadable(path, mode)
	}
	return nil
}

// parseYAML returns the mapping at the top, or nil if the file is empty.
func parseYAML(text string) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var root, more yaml.Node
	err := decoder.Decode(&root)
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil && strings.Contains(err.Error(), "anchor"):
		// The message would quote the value.
		return nil, errors.New("a value that begins with * does not name an anchor; put it in quotes")
	case err != nil && tabbedLine(text) > 0 && (strings.Contains(err.Error(), "cannot start any token") || strings.Contains(err.Error(), "tab character")):
		return nil, fmt.Errorf("line %d is indented with a tab, which YAML does not allow; indent with spaces", tabbedLine(text))
	case err != nil:
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	case !errors.Is(decoder.Decode(&more), io.EOF):
		return nil, errors.New("must contain only one YAML document")
	}
	return root.Content[0], nil
}

// tabbedLine returns the number of the first line that begins with a tab, perhaps after
// spaces, or 0. The parser sometimes reports the line before it.
func tabbedLine(text string) int {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if strings.HasPrefix(strings.TrimLeft(line, " "), "\t") {
			return number
		}
	}
	return 0
}

func (l *loader) readProviderEntries(e entry) {
	list, _ := l.entries("providers", e.node)
	for _, p := range list {
		if given, ok := l.entries("providers."+p.key, p.node); ok {
			l.document.providers = append(l.document.providers, providerEntry{p.key, p.line, given})
		}
	}
}

// entries returns the keys and values of a mapping; null has none. It returns false for
// any other node. path is empty at the top level.
func (l *loader) entries(path string, node *yaml.Node) (list []entry, ok bool) {
	node = followAlias(node)
	if node == nil || node.ShortTag() == "!!null" {
		return nil, true
	}
	if node.Kind != yaml.MappingNode {
		l.problems.Addf(l.document.at(path, node.Line), "must be a mapping of names to values")
		return nil, false
	}
	first := map[string]int{}
	for i := 0; i < len(node.Content); i += 2 {
		key, err := scalarKey(node.Content[i])
		line := node.Content[i].Line
		if err == nil && first[key] != 0 {
			err = fmt.Errorf("is already in line %d", first[key])
		}
		if err != nil {
			l.problems.Addf(l.document.at(strings.TrimPrefix(path+"."+key, "."), line), "%v", err)
			continue
		}
		first[key] = line
		list = append(list, entry{key, node.Content[i+1], line})
	}
	return list, true
}

func noSuchSetting(key string) string {
	known := []string{"providers", "forward_auth"}
	for _, o := range settingsSchema.Options {
		known = append(known, o.Name)
	}
	if near := options.Suggest(key, known); near != "" {
		return "there is no such setting; did you mean " + near + "?"
	}
	return "there is no such setting"
}

// holdsSecrets reports whether the file itself seems to contain a secret.
func (d document) holdsSecrets() bool {
	for _, e := range d.settings {
		if e.isSecret() {
			return true
		}
	}
	for _, p := range d.providers {
		for _, e := range p.options {
			if e.isSecret() {
				return true
			}
		}
	}
	return false
}

func (e entry) isSecret() bool {
	node := followAlias(e.node)
	return node.Kind == yaml.ScalarNode && isSecret(e.key, node.Value)
}
