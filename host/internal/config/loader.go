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
	files    []string // that were read, or looked for
	sources  []string // of these, .env and the YAML file, if they are there
	problems options.Problems
	warnings []string
	notes    []string // of the warnings, those that can be the reason of a problem
	dangers  []string // of the warnings, those about what may hurt somebody
	said     map[[2]string]bool
	nodes    int // of YAML, read so far

	outbound outbound.Settings // of all providers
	public   string            // scheme of PUBLIC_URL, if that is good

	read read // what was given, for Explain

	nodesFile bool // certificates of NODE_EXTRA_CA_CERTS are in force
}

// newLoader reads the sources. Beside an error is what could be read before it.
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

// readDotenv reads .env, which need not be there, or a file of that form that namedBy
// names.
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
	for _, note := range found.warnings {
		l.note("%s", note)
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

// filePath finds the file that is read besides .env, and the name of what names it.
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

// isDotenv reports whether a file has the form of .env. What CONFIG_PATH names has it
// unless its extension says otherwise, as in Directus.
func isDotenv(path string, byConfigPath bool) bool {
	switch extension(path) {
	case ".yaml", ".yml", ".json":
		return false
	}
	return byConfigPath || extension(path) == ".env" || strings.HasPrefix(filepath.Base(path), ".env")
}

func (l *loader) warnOnce(format string, args ...any) {
	l.warnings = l.once(l.warnings, "warning", fmt.Sprintf(format, args...))
}

// once adds a text to a list of that kind, unless it is there. A file that was named by
// mistake has a warning for each of its lines, and comparing each with all takes minutes.
func (l *loader) once(list []string, kind, text string) []string {
	key := [2]string{kind, text}
	if l.said[key] {
		return list
	}
	if l.said == nil {
		l.said = map[[2]string]bool{}
	}
	l.said[key] = true
	return append(list, text)
}

// note is warnOnce for what can be the reason of a problem.
func (l *loader) note(format string, args ...any) {
	l.warnOnce(format, args...)
	l.notes = l.once(l.notes, "note", fmt.Sprintf(format, args...))
}

// warnOfDanger is warnOnce for what may hurt somebody.
func (l *loader) warnOfDanger(format string, args ...any) {
	l.warnOnce(format, args...)
	l.dangers = append(l.dangers, fmt.Sprintf(format, args...))
}
