package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// ofVersion creates a database as an older version of this program left it.
func ofVersion(t *testing.T, version int, rows string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "doorward.db")
	scripts, err := migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT; INSERT INTO schema_version VALUES (%d);", version)
	for _, script := range scripts[:version] {
		text, err := migrations.ReadFile("migrations/" + script.Name())
		if err != nil {
			t.Fatal(err)
		}
		all += string(text)
	}
	rawExec(t, path, all+rows)
	return path
}

// An older version gave each of two tabs that refreshed at once its own token. All of
// them stay valid after the upgrade, until one is replaced.
func TestSessionsFromBeforeOneCurrentToken(t *testing.T) {
	tokens := []sso.TokenHash{sso.NewToken().Hash(), sso.NewToken().Hash(), sso.NewToken().Hash()}
	var rows strings.Builder
	rows.WriteString(`INSERT INTO users VALUES (7, 'ann', 'corp', x'41', 'active', '', '', '', '', 0, 0);
		INSERT INTO sessions VALUES (1, 7, 's1', 'corp', 'session', 0, 9999999999999, NULL, '', '');`)
	for i, spentAt := range []string{"1000", "NULL", "NULL"} {
		fmt.Fprintf(&rows, `INSERT INTO session_tokens VALUES (x'%x', 1, 9999999999999, %s);`, tokens[i], spentAt)
	}
	s := openAt(t, ofVersion(t, 3, rows.String()))
	for i, hash := range tokens {
		got, err := s.SessionToken(t.Context(), hash)
		if err != nil || got.SpentAt.IsZero() != (i > 0) || got.Successor != nil || !got.Session.NotAfter.IsZero() || got.User.ID != "ann" {
			t.Errorf("token %d: %+v, %v", i, got, err)
		}
	}
	at, next := time.UnixMilli(5000).UTC(), sso.NewToken().Hash()
	rotation := sso.Rotation{
		SessionID: "s1", Old: tokens[1], New: next, Successor: []byte("sealed"), Now: at, ExpiresAt: at.Add(time.Hour), NotAfter: at.Add(2 * time.Hour),
	}
	if err := s.RotateToken(t.Context(), rotation); err != nil {
		t.Fatal(err)
	}
	for hash, want := range map[sso.TokenHash]struct {
		spentAt   time.Time
		successor string
	}{
		tokens[0]: {time.UnixMilli(1000).UTC(), ""},
		tokens[1]: {at, "sealed"},
		tokens[2]: {at, ""},
		next:      {},
	} {
		got, err := s.SessionToken(t.Context(), hash)
		if err != nil || !got.SpentAt.Equal(want.spentAt) || string(got.Successor) != want.successor {
			t.Errorf("after a rotation: spent at %v, successor %q, error %v, want %+v", got.SpentAt, got.Successor, err, want)
		}
	}
	rotation.Old, rotation.New = tokens[2], sso.NewToken().Hash()
	if err := s.RotateToken(t.Context(), rotation); !errors.Is(err, sso.ErrSpent) {
		t.Errorf("the other one: error %v, want ErrSpent", err)
	}
}

// Users keep the role by which applications know them, and the groups of old sessions are
// unknown.
func TestUsersFromBeforeRoles(t *testing.T) {
	token := sso.NewToken().Hash()
	s := openAt(t, ofVersion(t, 4, fmt.Sprintf(`
		INSERT INTO users VALUES (7, 'ann', 'corp', x'41', 'active', 'Editor', '', '', '', 0, 0), (8, 'bob', 'corp', x'42', 'active', 'editor', '', '', '', 0, 0),
			(9, 'eve', 'corp', x'43', 'active', 'editor', '', '', '', 0, 0), (10, 'joe', 'corp', x'44', 'active', '', '', '', '', 0, 0);
		INSERT INTO sessions VALUES (1, 7, 's1', 'corp', 'session', 0, 9999999999999, NULL, '', '');
		INSERT INTO session_tokens VALUES (x'%x', 1, 9999999999999, NULL, NULL);`, token)))
	roles, err := s.Roles(t.Context())
	if want := []sso.Role{{ID: "Editor", Name: "Editor"}, {ID: "editor", Name: "editor"}}; err != nil || !slices.Equal(roles, want) {
		t.Errorf("roles: %v, %v, want %v", roles, err, want)
	}
	got, err := s.SessionToken(t.Context(), token)
	if err != nil || got.User.Role != "Editor" || got.User.Username != "" || got.Session.Groups.Known() {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSessionsFromBeforeHaveNamesAtTheirProviders(t *testing.T) {
	s := openAt(t, ofVersion(t, 1, `
		INSERT INTO users VALUES (7, 'ann', 'corp', x'412D31', 'active', '', '', '', '', 0, 0);
		INSERT INTO sessions VALUES (1, 7, 's1', 'corp', 'session', 0, 9999999999999, NULL, '', '');`))
	at, err := s.AtProvider(t.Context(), "s1")
	if err != nil || at.Subject != "A-1" || at.LogoutSubject != "A-1" || at.SessionID != "" || at.SealedGrant != nil {
		t.Errorf("got %+v, %v", at, err)
	}
	ended, err := s.EndProviderSessions(t.Context(), sso.Selection{Provider: "corp", Subject: "A-1"}, sso.Event{})
	if err != nil || len(ended) != 1 {
		t.Errorf("ended %v, %v", ended, err)
	}
}
