package sqlite

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

func TestOnceIsRememberedAcrossRestarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	id := sso.OnceID{Scope: "provider:corp", ID: "assertion-1", Until: now.Add(time.Hour)}
	first := openAt(t, path)
	if err := errors.Join(first.Spend(t.Context(), id), first.Close()); err != nil {
		t.Fatal(err)
	}
	if err := openAt(t, path).Spend(t.Context(), id); !errors.Is(err, sso.ErrSpent) {
		t.Errorf("Spend after a restart: error %v, want ErrSpent", err)
	}
}

// Closing a store tidies up, but nothing may depend on it.
func TestOpenAgainWithoutClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	s := openAt(t, path)
	addUser(t, s, "ann")
	kept, ended := addSession(t, s, "s1", "ann"), addSession(t, s, "s2", "ann")
	if err := s.EndSession(t.Context(), "s2", sso.Event{}); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, path)
	if _, err := again.SessionToken(t.Context(), kept); err != nil {
		t.Errorf("a session: %v", err)
	}
	if _, err := again.SessionToken(t.Context(), ended); !errors.Is(err, sso.ErrNotFound) {
		t.Errorf("an ended session: error %v, want ErrNotFound", err)
	}
}

const childPath = "DOORWARD_TEST_KILLED_STORE"

// TestKill runs itself as a process that creates, refreshes and ends sessions and reports
// each, kills it in the middle, and checks what is left.
func TestKill(t *testing.T) {
	if path := os.Getenv(childPath); path != "" {
		writeUntilKilled(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "doorward.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
	child.Env = append(os.Environ(), childPath+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said := readLines(out, 30)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // returns that it was killed
	if len(said) != 30 {
		t.Fatalf("the process ended after %d lines", len(said))
	}
	s := openAt(t, path)
	for _, line := range said {
		wantAsSaid(t, s, line)
	}
	wantOneCurrentToken(t, s)
}

func writeUntilKilled(t *testing.T, path string) {
	s := openAt(t, path)
	addUser(t, s, "ann")
	for i := 0; ; i++ {
		kept, ended := fmt.Sprintf("kept-%d", i), fmt.Sprintf("ended-%d", i)
		old := addSession(t, s, kept, "ann")
		addSession(t, s, ended, "ann")
		if err := s.EndSession(t.Context(), ended, sso.Event{}); err != nil {
			t.Fatal(err)
		}
		next := sso.NewToken().Hash()
		rotation := sso.Rotation{SessionID: kept, Old: old, New: next, Successor: next[:], Now: now, ExpiresAt: now.Add(time.Hour)}
		if err := s.RotateToken(t.Context(), rotation); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%s %s %x %x\n", kept, ended, old, next)
	}
}

func readLines(from interface{ Read([]byte) (int, error) }, n int) (lines []string) {
	scanner := bufio.NewScanner(from)
	for len(lines) < n && scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	return lines
}

func wantAsSaid(t *testing.T, s *Store, line string) {
	t.Helper()
	var kept, ended string
	var old, next []byte
	if _, err := fmt.Sscanf(line, "%s %s %x %x", &kept, &ended, &old, &next); err != nil {
		t.Fatalf("line %q: %v", line, err)
	}
	if _, _, err := s.SessionUser(t.Context(), kept, now); err != nil {
		t.Errorf("session %s was made: %v", kept, err)
	}
	if _, _, err := s.SessionUser(t.Context(), ended, now); !errors.Is(err, sso.ErrNotFound) {
		t.Errorf("session %s was ended: error %v, want ErrNotFound", ended, err)
	}
	replaced, err := s.SessionToken(t.Context(), sso.TokenHash(old))
	if err != nil || replaced.SpentAt.IsZero() || !bytes.Equal(replaced.Successor, next) {
		t.Errorf("the first token of session %s was replaced: %+v, %v", kept, replaced, err)
	}
	current, err := s.SessionToken(t.Context(), sso.TokenHash(next))
	if err != nil || !current.SpentAt.IsZero() {
		t.Errorf("the second token of session %s is current: %+v, %v", kept, current, err)
	}
}

// wantOneCurrentToken also checks the sessions that were not reported.
func wantOneCurrentToken(t *testing.T, s *Store) {
	t.Helper()
	var sessions, current, with int
	err := s.reader.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM sessions), count(*), count(DISTINCT session_pk)
		FROM session_tokens WHERE spent_at IS NULL`).Scan(&sessions, &current, &with)
	if err != nil || current != sessions || with != sessions {
		t.Errorf("%d sessions have %d current tokens, and %d have one, error %v", sessions, current, with, err)
	}
}

func TestNoTokenInTheFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	s := openAt(t, path)
	addUser(t, s, "ann")
	token, next := sso.NewToken(), sso.NewToken()
	session := sso.Session{ID: "s1", UserID: "ann", ExpiresAt: now.Add(time.Hour)}
	err := errors.Join(
		s.CreateSession(t.Context(), sso.NewSession{Session: session, Token: token.Hash(), RemoveBefore: now}),
		s.RotateToken(t.Context(), sso.Rotation{SessionID: "s1", Old: token.Hash(), New: next.Hash(), Now: now, ExpiresAt: now.Add(time.Hour)}),
	)
	if err != nil {
		t.Fatal(err)
	}
	content := rawFiles(t, path)
	for _, x := range []sso.Token{token, next} {
		hash := x.Hash()
		if !bytes.Contains(content, hash[:]) {
			t.Error("the hash of a token is not in the files: this test looks at the wrong ones")
		}
		if bytes.Contains(content, []byte(x)) {
			t.Error("A03 a token is in the files")
		}
	}
}

func rawFiles(t *testing.T, path string) (all []byte) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	return all
}
