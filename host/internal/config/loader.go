package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
)

// A loader holds the sources, and collects what is wrong with them.
type loader struct {
	dir      string
	layers   []map[string]variable // the environment, then .env
	document document
	files    []string // that were read or looked for
	sources  []string // of these, .env and the YAML file, if they exist
	problems options.Problems
	warnings []Finding
	notes    []string // warnings that can be the reason of a problem
	warned   map[string]bool
	nodes    int // of YAML that were read so far

	outbound outbound.Settings // of all providers
	public   string            // scheme of PUBLIC_URL, unless that has a problem

	read inputs // what was given, for Explain

	nodesFile bool // certificates of NODE_EXTRA_CA_CERTS are in force
}

// newLoader reads the sources. With an error, it also returns what could be read before
// it.
func newLoader(in Input) (*loader, error) {
	l := &loader{dir: in.Dir, layers: []map[string]variable{environLayer(in.Environ)}}
	if l.dir == "" {
		l.dir = "."
	}
	if err := l.readDotenv(filepath.Join(l.dir, ".env"), ".env"); err != nil {
		return l, err
	}
	file, namedBy, err := l.filePath(in.File)
	switch {
	case err != nil || file == "":
		return l, err
	case isDotenv(file, in.File == ""):
		return l, l.readDotenv(file, namedBy)
	}
	return l, l.readDocument(file, namedBy)
}

func environLayer(environ []string) map[string]variable {
	layer := map[string]variable{}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			layer[name] = variable{value, name}
		}
	}
	return layer
}

// readDotenv reads .env, which may be absent, or a file of that form that namedBy names.
func (l *loader) readDotenv(path, namedBy string) error {
	l.files = append(l.files, path)
	text, mode, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) && namedBy == ".env" {
		return nil
	}
	if err == nil {
		err = checkWritable(path, mode)
	}
	if err != nil {
		return oneProblem(namedBy, "%v", err)
	}
	l.sources = append(l.sources, path)
	name := filepath.Base(path)
	found := parseDotenv(name, text)
	if found.swallowed != "" {
		return oneProblem(name, "%s", found.swallowed)
	}
	for _, doubt := range found.warnings {
		l.note(doubt.Class, "%s", doubt.Text)
	}
	if namedBy != ".env" {
		l.addLayer(name, path, mode, found.vars)
		return nil
	}
	if holdsSecret(found.vars) {
		l.warnReadable(path, mode)
	}
	l.layers = append(l.layers, found.vars)
	return nil
}

// filePath finds the file that is read in addition to .env, and the name of the setting
// that names it.
func (l *loader) filePath(file string) (path, namedBy string, err error) {
	path, namedBy = file, "configuration file"
	if path == "" {
		found, ok := l.setting("CONFIG_PATH")
		if !ok || found.value == "" {
			return "", "", nil
		}
		path, _ = found.value.(string)
		namedBy = found.origin
	}
	switch extension(path) {
	case ".js", ".mjs", ".cjs", ".ts":
		return "", "", oneProblem(namedBy, "names a program, which is not run here; write what it exports as a .json or .yaml file, with the same names")
	}
	path = under(l.dir, path)
	if path == filepath.Join(l.dir, ".env") { // it is read already
		return "", "", nil
	}
	return path, namedBy, nil
}

func extension(path string) string { return strings.ToLower(filepath.Ext(path)) }

// isDotenv reports whether a file has the form of .env. As in Directus, a file that
// CONFIG_PATH names has this form unless its extension says otherwise.
func isDotenv(path string, byConfigPath bool) bool {
	switch extension(path) {
	case ".yaml", ".yml", ".json":
		return false
	}
	return byConfigPath || extension(path) == ".env" || strings.HasPrefix(filepath.Base(path), ".env")
}

// warnOfDoubt warns of something that works, but probably not as intended.
func (l *loader) warnOfDoubt(format string, args ...any) {
	l.warn(ClassDoubtful, fmt.Sprintf(format, args...))
}

// warnOfNoEffect warns of something that does nothing.
func (l *loader) warnOfNoEffect(format string, args ...any) {
	l.warn(ClassNoEffect, fmt.Sprintf(format, args...))
}

// warnOfDanger warns of something that can cause harm.
func (l *loader) warnOfDanger(format string, args ...any) {
	l.warn(ClassDangerous, fmt.Sprintf(format, args...))
}

// note warns of something that can be the reason of a problem.
func (l *loader) note(class Class, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if l.warn(class, text) {
		l.notes = append(l.notes, text)
	}
}

// warn reports whether the text is new. A file that was named by mistake causes a warning
// for each of its lines, and comparing each with all others would take minutes.
func (l *loader) warn(class Class, text string) bool {
	if l.warned[text] {
		return false
	}
	if l.warned == nil {
		l.warned = map[string]bool{}
	}
	l.warned[text] = true
	l.warnings = append(l.warnings, Finding{Class: class, Text: text})
	return true
}

// textsOf returns warnings as the log has them.
func textsOf(warnings []Finding) (texts []string) {
	for _, warning := range warnings {
		texts = append(texts, warning.Text)
	}
	return texts
}
