package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// User is the name of the superuser, who needs no password.
const User = "doorward"

// Server is a running PostgreSQL. It trusts every client that reaches it.
type Server struct {
	Dir  string // holds its data, its unix socket and its log
	Host string // 127.0.0.1
	Port int

	settings  []string
	process   *process
	databases atomic.Int32
}

// Durable makes a Server sync its commits to disk. Without it, a crash of the server
// loses nothing, but a crash of the machine may lose everything.
var Durable = []string{"fsync=on", "synchronous_commit=on"}

// Start creates a cluster and starts a server on it, with settings such as "fsync=on".
func Start(settings ...string) (*Server, error) {
	initdb, err := postgresProgram("initdb")
	if err != nil {
		return nil, err
	}
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, Host: "127.0.0.1", settings: settings}
	cmd := exec.Command(initdb, "-D", s.data(), "-U", User, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: ordinary()}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(dir))
	}
	if err := s.startSomewhere(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

func (s *Server) startSomewhere() (err error) {
	for range 5 {
		if s.Port, err = freePort(); err != nil {
			return err
		}
		if err = s.Resume(); err == nil {
			return nil
		}
	}
	return err
}

// Resume starts the server again, on the same port, after Stop or Kill.
func (s *Server) Resume() error {
	program, err := postgresProgram("postgres")
	if err != nil {
		return err
	}
	arguments := []string{"-D", s.data(), "-p", strconv.Itoa(s.Port)}
	for _, setting := range append([]string{
		"listen_addresses=" + s.Host, "unix_socket_directories=" + s.Dir, "fsync=off", "max_connections=200",
		"shared_buffers=32MB", "log_checkpoints=off", "full_page_writes=off",
	}, s.settings...) {
		arguments = append(arguments, "-c", setting)
	}
	if s.process, err = startProcess(filepath.Join(s.Dir, "log"), program, arguments...); err != nil {
		return err
	}
	return s.process.ready(func(ctx context.Context) error { return ask(ctx, s.Host, s.Port, "postgres", "SELECT 1") }, s.Log)
}

// ready waits until the server answers.
func (p *process) ready(ask func(ctx context.Context) error, log func() string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %s", p.cmd.Path, log())
		case <-ctx.Done():
			p.stop(syscall.SIGKILL)
			return fmt.Errorf("%s does not answer: %w: %s", p.cmd.Path, err, log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func ask(ctx context.Context, host string, port int, database, statement string) error {
	return askBy(ctx, "disable", host, port, database, statement)
}

func askBy(ctx context.Context, sslmode, host string, port int, database, statement string) error {
	conn, err := pgx.Connect(ctx, fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=%s", host, port, User, database, sslmode))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// Log returns what the server has printed.
func (s *Server) Log() string {
	text, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
	return string(text)
}

// Stop stops the server like an operator in a hurry: it aborts what is running. Resume
// starts it again.
func (s *Server) Stop() { s.process.stop(syscall.SIGINT) }

// Kill ends the server with all its processes at once, like a power cut. It finds the
// processes through Linux.
func (s *Server) Kill() error {
	if err := syscall.Kill(s.process.cmd.Process.Pid, syscall.SIGSTOP); err != nil { // it starts no more processes
		return fmt.Errorf("killing PostgreSQL: %w", err)
	}
	processes, err := s.Processes()
	if err != nil {
		return fmt.Errorf("killing PostgreSQL: %w", err)
	}
	children := processes[1:]
	for _, child := range children {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	s.process.stop(syscall.SIGKILL)
	for deadline := time.Now().Add(30 * time.Second); slices.ContainsFunc(children, isAlive); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.New("killing PostgreSQL: one of its processes does not end")
		}
	}
	return nil
}

// Processes returns the server's processes. The first one is the parent of the others.
func (s *Server) Processes() ([]int, error) {
	pid := s.process.cmd.Process.Pid
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return nil, err
	}
	processes := []int{pid}
	for word := range strings.FieldsSeq(string(text)) {
		child, err := strconv.Atoi(word)
		if err != nil {
			return nil, err
		}
		processes = append(processes, child)
	}
	return processes, nil
}

// isAlive is false for a process that has ended and that nobody has waited for.
func isAlive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

// Remove stops the server and removes its folder.
func (s *Server) Remove() error {
	s.Stop()
	return os.RemoveAll(s.Dir)
}

// Exec runs a statement in a database, as the superuser.
func (s *Server) Exec(t testing.TB, database, statement string) {
	t.Helper()
	if err := ask(context.Background(), s.Host, s.Port, database, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// Empty removes all rows of a Doorward database, which takes a twentieth of the time of
// creating another. The schema stays.
func (s *Server) Empty(t testing.TB, database string) {
	t.Helper()
	s.Exec(t, database, `
		DO $$ DECLARE name text; BEGIN
			FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'doorward' AND tablename NOT IN ('schema_version', 'probe') LOOP
				EXECUTE format('DELETE FROM doorward.%I', name);
			END LOOP;
		END $$`)
}

// NewDatabase creates an empty database that is dropped when the test ends.
func (s *Server) NewDatabase(t testing.TB) (name string) {
	t.Helper()
	name = fmt.Sprintf("test%d", s.databases.Add(1))
	s.Exec(t, "postgres", "CREATE DATABASE "+name+" STRATEGY file_copy")
	t.Cleanup(func() {
		_ = ask(context.Background(), s.Host, s.Port, "postgres", "DROP DATABASE "+name+" WITH (FORCE)")
	})
	return name
}

// ServeTLS makes the server offer TLS from now on, with a certificate and its key in PEM.
func (s *Server) ServeTLS(certificate, key []byte) error {
	for name, text := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		if err := writeFile(filepath.Join(s.data(), name), text); err != nil {
			return err
		}
	}
	ctx := context.Background()
	for _, statement := range []string{"ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"} {
		if err := ask(ctx, s.Host, s.Port, "postgres", statement); err != nil {
			return err
		}
	}
	return s.process.ready(func(ctx context.Context) error { return askBy(ctx, "require", s.Host, s.Port, "postgres", "SELECT 1") }, s.Log)
}
