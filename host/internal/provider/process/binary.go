package process

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/doorward/doorward/host/internal/provider/lock"
)

// Reasons for not running a file.
var (
	// ErrNoBinary: the plugin file is not there.
	ErrNoBinary = errors.New("plugin file not found")

	// ErrDigest: the plugin file is not the one that was locked.
	ErrDigest = errors.New("plugin file is not the one in the lock file")
)

// Binary is an open plugin file that was checked. Exactly this file is started, not
// another one that replaces it under the same path.
type Binary struct {
	Path   string
	Digest lock.Digest

	file *os.File
}

// OpenBinary opens the file and makes sure that only its owner can write it, and that
// the owner is root or the user who runs the host. Close it when it is started.
func OpenBinary(path string) (*Binary, error) {
	// A pipe at the path would block the host forever.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s: put it there, or set PLUGIN_DIR to the folder that has it", ErrNoBinary, path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the plugin file: %w", err)
	}
	b := &Binary{Path: path, file: file}
	if err := b.check(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return b, nil
}

func (b *Binary) check() error {
	info, err := b.file.Stat()
	if err != nil {
		return fmt.Errorf("looking at the plugin file: %w", err)
	}
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return fmt.Errorf("plugin file %s is not a regular file: put the plugin there", b.Path)
	case mode.Perm()&0o111 == 0:
		return fmt.Errorf("plugin file %s is not executable: chmod 0755 it", b.Path)
	case mode.Perm()&0o022 != 0:
		return fmt.Errorf("plugin file %s is writable by group or others: chmod 0755 it", b.Path)
	}
	// The owner could change the file after it was hashed.
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("plugin file %s belongs to user %d: chown it to root, or to user %d, who runs the host",
			b.Path, stat.Uid, os.Geteuid())
	}
	return b.hash()
}

func (b *Binary) hash() error {
	start := make([]byte, 2)
	if _, err := io.ReadFull(b.file, start); err != nil {
		return fmt.Errorf("plugin file %s is empty: put the plugin there", b.Path)
	}
	// The digest would cover the script, but its interpreter would run.
	if string(start) == "#!" {
		return fmt.Errorf("plugin file %s is a script: a plugin must be a native binary", b.Path)
	}
	if _, err := b.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading the plugin file: %w", err)
	}
	var err error
	b.Digest, err = lock.DigestOf(b.file)
	return err
}

// Verify returns ErrDigest, with both digests, unless the file has this one.
func (b *Binary) Verify(want lock.Digest) error {
	if b.Digest == want {
		return nil
	}
	return fmt.Errorf("%w: %s has sha256 %s, but %s is locked; if you replaced it yourself, run: doorward plugin add %s",
		ErrDigest, b.Path, b.Digest, want, b.Path)
}

// Close closes the file. It may be called more than once.
func (b *Binary) Close() { _ = b.file.Close() }
