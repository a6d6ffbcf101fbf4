package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/store/pgtest"
)

// smallDisk mounts a disk of 24 MB, for a server that runs as another user.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgdisk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	err = syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m,mode=0777")
	if errors.Is(err, syscall.EPERM) {
		needRoot(t)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// needRoot skips a test that must mount something. In the CI it must run.
func needRoot(t *testing.T) {
	t.Helper()
	const text = "MISSING root, who may mount: run as root with CAP_SYS_ADMIN"
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

func TestADiskThatIsFull(t *testing.T) {
	server, disk := server(t), smallDisk(t)
	space := filepath.Join(disk, "space")
	if err := os.Mkdir(space, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := pgtest.Own(space); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, "postgres", "CREATE TABLESPACE small LOCATION '"+space+"'")
	server.Exec(t, "postgres", "CREATE DATABASE full_disk TABLESPACE small")
	t.Cleanup(func() {
		server.Exec(t, "postgres", "DROP DATABASE full_disk WITH (FORCE)")
		server.Exec(t, "postgres", "DROP TABLESPACE small")
	})
	s, err := Open(t.Context(), optionsOf(server.Host, server.Port, "full_disk"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.health.every = time.Hour // it remembers for as long
	mustLogIn(t, s, loginOf("ann", "s0"))
	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)

	n := 0
	for err == nil {
		n++
		login := loginOf("ann", fmt.Sprint("s", n))
		login.Session.UserAgent = strings.Repeat("long ", 300)
		if err = s.CreateSession(t.Context(), login); err != nil && isThere(t, s, login) {
			t.Error("a login that was refused is there")
		}
	}
	wantSays(t, "a login", err, "storing a login: the disk of PostgreSQL is full, make room for it")
	wantSays(t, "Ping", s.Ping(t.Context()), "a write failed less than 1h0m0s ago", "the disk of PostgreSQL is full")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	mustLogIn(t, s, loginOf("ann", "afterwards"))
	s.health.every = 0
	wantIs(t, "Ping afterwards", s.Ping(t.Context()), nil)
}

// fill writes a file until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
