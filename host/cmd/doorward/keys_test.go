package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/pgtest"
	"github.com/doorward/doorward/host/internal/token"
)

// keysHost is a database of a host that does not run.
type keysHost struct {
	t       *testing.T
	environ []string
}

func newKeysHost(t *testing.T) keysHost {
	t.Helper()
	path := filepath.Join(t.TempDir(), "d.db")
	return keysHost{t, []string{"DB_FILENAME=" + path, "SECRET=" + strings.Repeat("0123456789abcdef", 2), "CONTROL_SOCKET=" + shortSocket(t)}}
}

// started is that database after the first start of the host.
func (h keysHost) started() keysHost {
	h.t.Helper()
	_, store := h.open()
	if err := store.Close(); err != nil {
		h.t.Fatal(err)
	}
	return h
}

// node is the tokens of a host with this database, until the test ends.
func (h keysHost) node() *token.Tokens {
	h.t.Helper()
	tokens, store := h.open()
	h.t.Cleanup(func() { _ = store.Close() })
	return tokens
}

func (h keysHost) open() (*token.Tokens, store.Store) {
	h.t.Helper()
	cfg, err := loadConfig(h.environ, "")
	if err != nil {
		h.t.Fatal(err)
	}
	host := host{config: cfg, logger: hclog.NewNullLogger()}
	store, err := host.openDatabase(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	tokens, err := token.New(h.t.Context(), host.tokenConfig(store, sso.SystemClock()))
	if err != nil {
		h.t.Fatal(err)
	}
	return tokens, store
}

// shortSocket is a path for a socket, which must be short.
func shortSocket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "d.sock")
}

func (h keysHost) run(args ...string) (string, int) {
	h.t.Helper()
	var out bytes.Buffer
	code := run(h.t.Context(), append([]string{"keys"}, args...), h.environ, &out, &out)
	return out.String(), code
}

func (h keysHost) list() (keys []token.Key) {
	h.t.Helper()
	out, code := h.run("list", "--json")
	if err := json.Unmarshal([]byte(out), &keys); err != nil || code != exitOK {
		h.t.Fatalf("exit code %d, %v: %s", code, err, out)
	}
	return keys
}

func TestKeysWithoutAHost(t *testing.T) {
	h := newKeysHost(t).started()
	first := h.list()
	if len(first) != 1 || first[0].State != token.StateSigning {
		t.Fatalf("keys %+v", first)
	}
	if out, code := h.run("rotate"); code != exitOK || !strings.Contains(out, "already signs") || len(h.list()) != 1 {
		t.Errorf("rotating at once: exit code %d: %s", code, out)
	}
	h.environ = append(h.environ, "ACCESS_TOKEN_ALGORITHM=es256")
	if out, code := h.run("rotate"); code != exitOK || !strings.Contains(out, "(ES256) is published, and signs from") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if out, code := h.run("rotate"); code != exitOK || !strings.Contains(out, "nothing was done") {
		t.Errorf("a second time: exit code %d: %s", code, out)
	}
	if out, _ := h.run("list"); !strings.Contains(out, "published") || !strings.Contains(out, "signing") || strings.Count(out, "\n") != 3 {
		t.Errorf("list:\n%s", out)
	}
	if out, code := h.run("rotate", "--now"); code != exitError || !strings.Contains(out, "--yes") || len(h.list()) != 2 {
		t.Errorf("--now, and nobody to ask: exit code %d: %s", code, out)
	}
	if out, code := h.run("rotate", "--now", "--yes"); code != exitOK || !strings.Contains(out, "keys deleted: 2") {
		t.Errorf("--now: exit code %d: %s", code, out)
	}
	if last := h.list(); len(last) != 1 || last[0].State != token.StateSigning || last[0].Algorithm != "ES256" || last[0].ID == first[0].ID {
		t.Errorf("afterwards: %+v", last)
	}
	if out, code := h.run("rotate", "--yes"); code != exitUsage {
		t.Errorf("--yes alone: exit code %d: %s", code, out)
	}
}

// On one PostgreSQL a host follows what was done without it, within a second or so.
func TestKeysOnPostgreSQL(t *testing.T) {
	server, err := pgtest.Start()
	pgtest.Require(t, err)
	t.Cleanup(func() { _ = server.Remove() })
	h := keysHost{t, []string{
		"DB_CLIENT=pg", "DB_HOST=" + server.Host, "DB_PORT=" + strconv.Itoa(server.Port), "DB_USER=" + pgtest.User, "DB_DATABASE=" + server.NewDatabase(t),
		"SECRET=" + strings.Repeat("0123456789abcdef", 2), "CONTROL_SOCKET=" + shortSocket(t),
	}}
	node := h.node()
	issued, err := node.Issue(t.Context(), sso.AccessClaims{
		UserID: "u", SessionID: "s", IssuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	if keys := h.list(); len(keys) != 1 || keys[0].State != token.StateSigning {
		t.Errorf("keys %+v", keys)
	}
	h.environ = append(h.environ, "ACCESS_TOKEN_ALGORITHM=RS256")
	if out, code := h.run("rotate", "--now", "--yes"); code != exitOK || !strings.Contains(out, "(RS256) signs now; keys deleted: 1") {
		t.Fatalf("exit code %d: %s", code, out)
	}
	each, late := time.NewTicker(50*time.Millisecond), time.After(30*time.Second)
	defer each.Stop()
	for {
		if _, err := node.Verify(t.Context(), issued); errors.Is(err, sso.ErrTokenInvalid) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		select {
		case <-each.C:
		case <-late:
			t.Fatal("the other host still accepts a token of a deleted key")
		}
	}
	if keys := h.list(); len(keys) != 1 || keys[0].Algorithm != "RS256" || !strings.Contains(string(node.JWKS(t.Context())), keys[0].ID) {
		t.Errorf("afterwards: %+v", keys)
	}
}

// Nothing is made by looking, and nothing is done with another SECRET.
func TestKeysOfWrongDatabases(t *testing.T) {
	h := newKeysHost(t)
	for _, command := range []string{"list", "rotate"} {
		if out, code := h.run(command); code != exitError || !strings.Contains(out, "DB_FILENAME") {
			t.Errorf("%s without a database: exit code %d: %s", command, code, out)
		}
	}
	h.started()
	h.environ = append([]string{"SECRET=" + strings.Repeat("fedcba9876543210", 2)}, h.environ[0], h.environ[2])
	for _, args := range [][]string{{"list"}, {"rotate"}, {"rotate", "--now", "--yes"}} {
		if out, code := h.run(args...); code != exitError || !strings.Contains(out, "sealed under another SECRET") {
			t.Errorf("%s with another SECRET: exit code %d: %s", args, code, out)
		}
	}
}

func TestAnswered(t *testing.T) {
	for text, want := range map[string]error{"y\n": nil, " Yes \n": nil, "y": nil, "n\n": errNotWanted, "\n": errNotWanted, "": errNotWanted, "yo\n": errNotWanted} {
		if err := answered(strings.NewReader(text)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}
