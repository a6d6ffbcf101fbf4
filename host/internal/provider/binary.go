package provider

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNoBinary: the plugin file is not there.
var ErrNoBinary = errors.New("plugin file not found")

// binaryPath is where the plugin of a mechanism must lie.
func binaryPath(dir, mechanism string) string {
	return filepath.Join(dir, "doorward-plugin-"+mechanism)
}

func checkBinary(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s: put it there, or set PLUGIN_DIR to the folder that has it", ErrNoBinary, path)
	}
	if err != nil {
		return fmt.Errorf("looking at the plugin file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("plugin file %s is not a regular file: put the plugin there", path)
	}
	if info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("plugin file %s is not executable: chmod 0755 it", path)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("plugin file %s may be written by group or others: chmod 0755 it", path)
	}
	return nil
}
