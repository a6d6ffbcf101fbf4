package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
)

// maxFile is the maximum size of each file, in bytes.
const maxFile = 1 << 20

var (
	secretName = regexp.MustCompile(`(?i)(secret|password|passphrase|private_?key|(^|_)key(_file)?\b)`)
	proxyName  = regexp.MustCompile(`(?i)(^|_)proxy(_file)?$`)
)

// isSecret reports whether others must not read a value of that name. The value of a proxy
// is secret if it contains a password.
func isSecret(name, value string) bool {
	return secretName.MatchString(name) || proxyName.MatchString(name) && strings.Contains(value, "@")
}

// readFile reads a whole file. The error names the path.
func readFile(path string) (string, fs.FileMode, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", 0, fmt.Errorf("reading %s: %w", path, withoutPath(err))
	}
	// A pipe without a writer would block the start indefinitely.
	if !info.Mode().IsRegular() {
		return "", 0, fmt.Errorf("reading %s: it is not a regular file", path)
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may have been replaced by a pipe since
	if err != nil {
		return "", 0, fmt.Errorf("reading %s: %w", path, withoutPath(err))
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return "", 0, fmt.Errorf("reading %s: %w", path, withoutPath(err))
	}
	if len(content) > maxFile {
		return "", 0, fmt.Errorf("reading %s: it is larger than 1 MiB", path)
	}
	return string(content), info.Mode(), nil
}

func withoutPath(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}

// readValue reads a file that contains the value of name; a relative path starts at base.
// Editors and echo add a newline that is not part of a secret.
func (l *loader) readValue(name, path, base string) (string, error) {
	if err := l.missedAt(base, path); err != nil {
		return "", err
	}
	path = under(base, path)
	l.files = append(l.files, path)
	content, mode, err := readFile(path)
	if err != nil {
		return "", err
	}
	if err := checkWritable(path, mode); err != nil {
		return "", err
	}
	if isSecret(name, content) && !mountedSecret(path) {
		l.warnReadable(path, mode)
	}
	content = strings.TrimSuffix(content, "\n")
	return strings.TrimSuffix(content, "\r"), nil
}

// checkWritable refuses a file that decides who can sign in but that every local user can
// change.
func checkWritable(path string, mode fs.FileMode) error {
	if runtime.GOOS != "windows" && mode.Perm()&0o002 != 0 {
		return fmt.Errorf("every user of this machine can write to %s; run chmod o-w on it", path)
	}
	return nil
}

func (l *loader) warnReadable(path string, mode fs.FileMode) {
	if runtime.GOOS != "windows" && mode.Perm()&0o004 != 0 {
		l.warnOfDanger("every user of this machine can read the secrets in %s; run chmod 600 on it", path)
	}
}

// mountedSecret reports whether a container runtime created the file. Such files are
// readable for all, inside a container with one user.
func mountedSecret(path string) bool {
	return strings.HasPrefix(path, "/run/secrets/") || strings.HasPrefix(path, "/var/run/secrets/")
}

// under returns a path that can be opened for one that starts at base.
func under(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// missedAt returns an error for a relative path in the YAML file that does not exist but
// would exist in the working directory. Otherwise a wrong base could silently create a new,
// empty database.
func (l *loader) missedAt(base, path string) error {
	here, there := under(base, path), under(l.dir, path)
	if here == there || path == "" || exists(here) || !exists(there) {
		return nil
	}
	if absolute, err := filepath.Abs(there); err == nil {
		there = absolute
	}
	return fmt.Errorf("relative paths in %s start at its folder, where %s does not exist; it exists in the working directory: write %s",
		l.document.name, filepath.Clean(path), there)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
