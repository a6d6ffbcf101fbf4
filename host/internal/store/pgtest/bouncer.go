package pgtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Bouncer is a running pgbouncer in transaction mode: two transactions of one client
// may come to different connections of the server.
type Bouncer struct {
	Dir  string
	Host string // 127.0.0.1
	Port int

	process *process
}

// StartBouncer starts a pgbouncer in front of a server, with few connections to it.
func StartBouncer(s *Server) (*Bouncer, error) {
	program, err := pgbouncerProgram()
	if err != nil {
		return nil, err
	}
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	b := &Bouncer{Dir: dir, Host: "127.0.0.1"}
	for range 5 {
		if b.Port, err = freePort(); err != nil {
			return nil, err
		}
		if err = b.start(s, program); err == nil {
			return b, nil
		}
	}
	_ = os.RemoveAll(dir)
	return nil, err
}

func (b *Bouncer) start(s *Server, program string) error {
	users, config := filepath.Join(b.Dir, "users"), filepath.Join(b.Dir, "pgbouncer.ini")
	if err := writeFile(users, []byte(`"`+User+`" ""`)); err != nil {
		return err
	}
	if err := writeFile(config, fmt.Appendf(nil, bouncerConfig, s.Host, s.Port, b.Host, b.Port, users)); err != nil {
		return err
	}
	process, err := startProcess(filepath.Join(b.Dir, "log"), program, config)
	if err != nil {
		return err
	}
	b.process = process
	return process.ready(func(ctx context.Context) error { return ask(ctx, b.Host, b.Port, "postgres", "SELECT 1") }, b.Log)
}

// Parameters that pgbouncer refuses in its default configuration stay refused.
const bouncerConfig = `
[databases]
* = host=%s port=%d
[pgbouncer]
listen_addr = %s
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = 4
max_client_conn = 500
`

// Log returns what pgbouncer has printed.
func (b *Bouncer) Log() string {
	text, _ := os.ReadFile(filepath.Join(b.Dir, "log"))
	return string(text)
}

// Remove stops pgbouncer and removes its folder.
func (b *Bouncer) Remove() error {
	b.process.stop(syscall.SIGTERM)
	return os.RemoveAll(b.Dir)
}
