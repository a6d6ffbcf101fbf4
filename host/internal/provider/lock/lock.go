package lock

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// FileName is the default name of the file, which is in the folder of the plugins.
const FileName = "plugins.lock"

// File is the content of a lock file.
type File struct {
	Plugins []Plugin `yaml:"plugins"`
}

// Plugin is one binary that may be run.
type Plugin struct {
	Mechanism string `yaml:"mechanism"`
	Name      string `yaml:"file"`    // of the binary, in the plugin folder
	Version   string `yaml:"version"` // as the binary reported it when it was added
	SHA256    Digest `yaml:"sha256"`

	// Presets are the presets of the plugin, as it reported them when it was added.
	Presets []Preset `yaml:"presets,omitempty"`
}

// Preset configures a well-known provider.
type Preset struct {
	Name  string `yaml:"name"`
	Title string `yaml:"title,omitempty"`
	Icon  string `yaml:"icon,omitempty"`
}

// ErrNotLocked: a plugin is not in the lock file.
var ErrNotLocked = errors.New("plugin is not in the lock file")

const (
	maxFile    = 1 << 20 // bytes
	maxPlugins = 1000
	maxVersion = 128 // bytes
	maxPresets = 256 // of one plugin
	maxTitle   = 80  // bytes
)

var (
	mechanismForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	presetForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	nameForm      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
)

// Read returns the content of the lock file, which is empty if the file does not exist.
// A file that others can write, or that is not a valid lock file, is an error.
func Read(path string) (File, error) {
	// A pipe at the path would block the host forever.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, nil
	}
	if err != nil {
		return File{}, fmt.Errorf("opening the lock file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return File{}, fmt.Errorf("looking at the lock file: %w", err)
	}
	if err := checkInfo(path, info); err != nil {
		return File{}, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return File{}, fmt.Errorf("reading the lock file: %w", err)
	}
	file, err := parse(text)
	if err != nil {
		return File{}, fmt.Errorf("reading lock file %s: %w; fix it, or move it away and write a new one with: doorward plugin add", path, err)
	}
	return file, nil
}

// checkInfo makes sure that only root, or the user who runs the host, can write the file.
func checkInfo(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("lock file %s is not a regular file: write one with: doorward plugin add", path)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("lock file %s is writable by group or others, who could make the host run anything: chmod 0644 it", path)
	case ok && stat.Uid != 0 && int(stat.Uid) != os.Geteuid():
		return fmt.Errorf("lock file %s belongs to user %d, who could make the host run anything: chown it to root, or to user %d, who runs the host",
			path, stat.Uid, os.Geteuid())
	}
	return nil
}

func parse(text []byte) (File, error) {
	if len(text) > maxFile {
		return File{}, fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var file File
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return File{}, errors.New(strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n", " "))
	}
	if err := decoder.Decode(new(File)); !errors.Is(err, io.EOF) {
		return File{}, errors.New("it must hold one document only")
	}
	return file, file.check()
}

func (f File) check() error {
	if len(f.Plugins) > maxPlugins {
		return fmt.Errorf("it has more than %d plugins", maxPlugins)
	}
	seen := map[string]bool{}
	for _, p := range f.Plugins {
		switch {
		case !mechanismForm.MatchString(p.Mechanism):
			return fmt.Errorf("mechanism %.40q is not made of lower-case letters, digits and hyphens", p.Mechanism)
		case seen[p.Mechanism]:
			return fmt.Errorf("mechanism %s is listed twice", p.Mechanism)
		case !nameForm.MatchString(p.Name):
			return fmt.Errorf("file %.40q of %s is not a plain file name", p.Name, p.Mechanism)
		case !digestForm.MatchString(string(p.SHA256)):
			return fmt.Errorf("sha256 of %s is not 64 lower-case hexadecimal digits", p.Mechanism)
		case len(p.Version) > maxVersion || strings.ContainsFunc(p.Version, unicode.IsControl):
			return fmt.Errorf("version of %s is too long or contains control characters", p.Mechanism)
		}
		if err := checkPresets(p); err != nil {
			return err
		}
		seen[p.Mechanism] = true
	}
	return nil
}

func checkPresets(p Plugin) error {
	if len(p.Presets) > maxPresets {
		return fmt.Errorf("%s has more than %d presets", p.Mechanism, maxPresets)
	}
	for _, one := range p.Presets {
		if text := one.Title + one.Icon; !presetForm.MatchString(one.Name) || len(one.Title) > maxTitle || len(one.Icon) > maxTitle || strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("preset %.40q of %s is not made of lower-case letters, digits and hyphens, or has a title or icon that is too long", one.Name, p.Mechanism)
		}
	}
	return nil
}

// Find returns the plugin of a mechanism, or ErrNotLocked.
func (f File) Find(mechanism string) (Plugin, error) {
	for _, p := range f.Plugins {
		if p.Mechanism == mechanism {
			return p, nil
		}
	}
	return Plugin{}, fmt.Errorf("%w: %s", ErrNotLocked, mechanism)
}

// With returns the file with this plugin, which replaces that of the same mechanism.
// The plugins are in the order of their mechanisms.
func (f File) With(p Plugin) File {
	out := f.Without(p.Mechanism)
	out.Plugins = append(out.Plugins, p)
	slices.SortFunc(out.Plugins, func(a, b Plugin) int { return strings.Compare(a.Mechanism, b.Mechanism) })
	return out
}

// Without returns the file without the plugin of that mechanism.
func (f File) Without(mechanism string) File {
	var out File
	for _, p := range f.Plugins {
		if p.Mechanism != mechanism {
			out.Plugins = append(out.Plugins, p)
		}
	}
	return out
}

const head = "# The plugins that the host may run. Written by: doorward plugin add\n"

// Write replaces the content of the file at once: nobody reads half of it.
func Write(path string, f File) error {
	if err := f.check(); err != nil {
		return fmt.Errorf("writing lock file %s: %w", path, err)
	}
	body, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("encoding the lock file: %w", err)
	}
	return Replace(path, 0o644, bytes.NewReader(append([]byte(head), body...)))
}

// Change reads the lock file, changes it and writes it. Concurrent changes wait for each
// other; otherwise one of two additions would be lost.
func Change(path string, change func(File) (File, error)) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("opening the folder of the lock file: %w", err)
	}
	defer folder.Close() // ends the flock
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("waiting for another change of %s: %w", path, err)
	}
	file, err := Read(path)
	if err != nil {
		return err
	}
	if file, err = change(file); err != nil {
		return err
	}
	return Write(path, file)
}

// Replace writes a file with these permissions next to the path and renames it, so that
// readers see the old content or the new content.
func Replace(path string, perm fs.FileMode, content io.Reader) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return fmt.Errorf("making a file next to %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = io.Copy(f, content)
	if err = errors.Join(err, f.Chmod(perm), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", f.Name(), err)
	}
	return os.Rename(f.Name(), path)
}
