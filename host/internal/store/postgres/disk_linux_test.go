package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/store/disktest"
	"github.com/doorward/doorward/host/internal/store/pgtest"
)

func TestADiskThatIsFull(t *testing.T) {
	server, disk := server(t), disktest.Mount(t, "24m")
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
	free := disktest.Fill(t, disk)

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
	free()
	mustLogIn(t, s, loginOf("ann", "afterwards"))
	s.health.every = 0
	wantIs(t, "Ping afterwards", s.Ping(t.Context()), nil)
}
