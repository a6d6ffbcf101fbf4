//go:build !linux

package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// command copies the open file into the plugin's own folder and executes the copy,
// because without /proc an open file cannot be executed.
func (b *Binary) command(dir string) (*exec.Cmd, error) {
	if _, err := b.file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("reading the plugin file: %w", err)
	}
	path := filepath.Join(dir, "binary")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o500)
	if err != nil {
		return nil, fmt.Errorf("copying the plugin file: %w", err)
	}
	_, err = io.Copy(file, b.file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("copying the plugin file: %w", err)
	}
	copied, err := OpenBinary(path)
	if err != nil {
		return nil, err
	}
	defer copied.Close()
	if err := copied.Verify(b.Digest); err != nil {
		return nil, err
	}
	return &exec.Cmd{Path: path, Args: []string{b.Path}, SysProcAttr: &syscall.SysProcAttr{Setpgid: true}}, nil
}

func spawn(cmd *exec.Cmd) error { return cmd.Start() }

// awaitExit returns at once: the process is waited for before its group is killed.
func awaitExit(int) {}
