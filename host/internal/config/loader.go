package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
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
	notes    []string // of the warnings, those about how .env is read
	dangers  []string // of the warnings, those about what may hurt somebody
	nodes    int      // of YAML, read so far

	outbound outbound.Settings // of all providers

	read read // what was given, for Explain

	nodesFile bool // certificates of NODE_EXTRA_CA_CERTS are in force
}

// newLoader reads the sources. Beside an error is what could be read before it.
func newLoader(in Input) (*loader, error) {
	l := &loader{dir: in.Dir, layers: []map[string]variable{environLayer(in.Environ)}}
	if l.dir == "" {
		l.dir = "."
	}
	if err := l.readDotenv(); err != nil {
		return l, err
	}
	file, name, err := l.documentPath(in.File)
	if err != nil || file == "" {
		return l, err
	}
	return l, l.readDocument(file, name)
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

func (l *loader) readDotenv() error {
	path := filepath.Join(l.dir, ".env")
	l.files = append(l.files, path)
	text, mode, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = checkWritable(path, mode)
	}
	if err != nil {
		return oneProblem(".env", "%v", err)
	}
	l.sources = append(l.sources, path)
	found := parseDotenv(".env", text)
	if found.swallowed != "" {
		return oneProblem(".env", "%s", found.swallowed)
	}
	l.notes = found.warnings
	for _, note := range found.warnings {
		l.warnOnce("%s", note)
	}
	for name, v := range found.vars {
		if v.value != "" && isSecret(name, v.value) && !strings.HasSuffix(name, "_FILE") {
			l.warnReadable(path, mode)
		}
	}
	l.layers = append(l.layers, found.vars)
	return nil
}

// documentPath finds the YAML file, and the name of what names it.
func (l *loader) documentPath(file string) (path, name string, err error) {
	if file != "" {
		return under(l.dir, file), "configuration file", nil
	}
	found, ok := l.setting("CONFIG_PATH")
	if !ok {
		return "", "", nil
	}
	path, _ = found.value.(string)
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml", ".json":
		return under(l.dir, path), found.origin, nil
	}
	return "", "", oneProblem(found.origin, "must name a .yaml, .yml or .json file; variables belong into .env, which is always read")
}

func (l *loader) warnOnce(format string, args ...any) {
	warning := fmt.Sprintf(format, args...)
	if !slices.Contains(l.warnings, warning) {
		l.warnings = append(l.warnings, warning)
	}
}

// warnOfDanger is warnOnce for what may hurt somebody.
func (l *loader) warnOfDanger(format string, args ...any) {
	l.warnOnce(format, args...)
	l.dangers = append(l.dangers, fmt.Sprintf(format, args...))
}
