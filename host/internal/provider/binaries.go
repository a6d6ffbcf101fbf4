package provider

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/doorward/doorward/host/internal/provider/lock"
	"github.com/doorward/doorward/host/internal/provider/process"
)

// Binaries says where the plugins come from.
type Binaries struct {
	Dir  string // holds the binaries
	Lock string // path of the lock file

	// InsecureWithoutLock runs what lies in Dir under the right name, whatever it
	// is. It is for the development of a plugin.
	InsecureWithoutLock bool
}

// FileName is how the binary of a mechanism is called.
func FileName(mechanism string) string { return "doorward-plugin-" + mechanism }

// Open opens the binary of a mechanism and verifies it. It reads the lock file
// each time: the operator may have changed it.
func (s Binaries) Open(mechanism string) (*process.Binary, error) {
	if s.InsecureWithoutLock {
		return process.OpenBinary(filepath.Join(s.Dir, FileName(mechanism)))
	}
	file, err := lock.Read(s.Lock)
	if err != nil {
		return nil, err
	}
	locked, err := file.Find(mechanism)
	if err != nil {
		return nil, s.notLocked(mechanism, err)
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

func (s Binaries) notLocked(mechanism string, err error) error {
	path := filepath.Join(s.Dir, FileName(mechanism))
	if _, statErr := os.Stat(path); errors.Is(statErr, os.ErrNotExist) {
		return fmt.Errorf("%w: %s, and it is not in %s: run doorward plugin add with the path of the plugin, or set PLUGIN_DIR to the folder that has it",
			process.ErrNoBinary, path, s.Lock)
	}
	return fmt.Errorf("%w %s: if you trust it, run: doorward plugin add %s", err, s.Lock, path)
}

// Digest is that of the binary which Open would open.
func (s Binaries) Digest(mechanism string) (lock.Digest, error) {
	binary, err := s.Open(mechanism)
	if err != nil {
		return "", err
	}
	binary.Close()
	return binary.Digest, nil
}
