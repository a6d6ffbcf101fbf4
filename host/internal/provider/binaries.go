package provider

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/doorward/doorward/host/internal/provider/lock"
	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk/options"
)

// Binaries says where the plugins come from.
type Binaries struct {
	Dir  string // holds the binaries
	Lock string // path of the lock file

	// InsecureWithoutLock runs any file in Dir that has the right name. It is for
	// developing a plugin.
	InsecureWithoutLock bool
}

// FileName is the file name of the binary of a mechanism.
func FileName(mechanism string) string { return "doorward-plugin-" + mechanism }

// Open opens the binary of a mechanism and verifies it. It reads the lock file each
// time, because the operator may have changed it.
func (s Binaries) Open(mechanism string) (*process.Binary, error) {
	if s.InsecureWithoutLock {
		binary, err := process.OpenBinary(filepath.Join(s.Dir, FileName(mechanism)))
		if errors.Is(err, process.ErrNoBinary) {
			err = s.noPlugin(mechanism, lock.File{})
		}
		return binary, err
	}
	file, err := lock.Read(s.Lock)
	if err != nil {
		return nil, err
	}
	locked, err := file.Find(mechanism)
	if err != nil {
		return nil, s.notLocked(mechanism, file, err)
	}
	binary, err := process.OpenBinary(filepath.Join(s.Dir, locked.Name))
	if err != nil {
		return nil, err
	}
	if err := binary.Verify(locked.SHA256); err != nil {
		binary.Close()
		return nil, err
	}
	return binary, nil
}

func (s Binaries) notLocked(mechanism string, file lock.File, err error) error {
	path := filepath.Join(s.Dir, FileName(mechanism))
	if _, statErr := os.Stat(path); errors.Is(statErr, os.ErrNotExist) {
		return s.noPlugin(mechanism, file)
	}
	return fmt.Errorf("%w %s: if you trust it, run: doorward plugin add %s", err, s.Lock, path)
}

// ErrNoPlugin: no plugin has the name that a provider has as its driver.
var ErrNoPlugin = errors.New("no plugin for driver")

// noPlugin returns an error that lists the available plugins.
func (s Binaries) noPlugin(mechanism string, file lock.File) error {
	did, there := "", s.mechanisms(file)
	if near := options.Suggest(mechanism, there); near != "" {
		did = fmt.Sprintf("; did you mean %q?", near)
	}
	if len(there) == 0 {
		there = []string{"none"}
	}
	return fmt.Errorf("%w %q: %s does not exist%s (plugins: %s); run doorward plugin add with the path of the plugin, or set PLUGIN_DIR to the folder that has it",
		ErrNoPlugin, mechanism, filepath.Join(s.Dir, FileName(mechanism)), did, strings.Join(there, ", "))
}

// mechanisms lists the mechanisms in the lock file and in the folder.
func (s Binaries) mechanisms(file lock.File) []string {
	var names []string
	for _, p := range file.Plugins {
		names = append(names, p.Mechanism)
	}
	paths, _ := filepath.Glob(filepath.Join(s.Dir, FileName("*"))) // fails for a bad pattern only
	for _, path := range paths {
		names = append(names, strings.TrimPrefix(filepath.Base(path), FileName("")))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Digest returns the digest of the binary that Open would open.
func (s Binaries) Digest(mechanism string) (lock.Digest, error) {
	binary, err := s.Open(mechanism)
	if err != nil {
		return "", err
	}
	binary.Close()
	return binary.Digest, nil
}
