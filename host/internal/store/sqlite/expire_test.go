package sqlite

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// count returns the rows of a table.
func count(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	if err := s.reader.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// addExpired adds n sessions, each with its token, and n once-IDs.
func addExpired(t *testing.T, s *Store, n int) {
	t.Helper()
	err := s.write(t.Context(), func(tx *sql.Tx) error {
		for i := range n {
			past := now.Add(-time.Minute - time.Duration(i)*time.Millisecond)
			pk, err := s.insertSession(t.Context(), tx, sso.Session{ID: fmt.Sprint("old-", i), UserID: "ann", ExpiresAt: past})
			if err != nil {
				return err
			}
			if err := s.insertToken(t.Context(), tx, sso.NewToken().Hash(), pk, past); err != nil {
				return err
			}
			if err := s.spend(t.Context(), tx, sso.OnceID{Scope: "attempt", ID: fmt.Sprint(i), Until: past}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestExpiredRowsAreRemovedInBatches(t *testing.T) {
	s := newStore(t)
	addUser(t, s, "ann")
	const old = 250
	addExpired(t, s, old)
	token := addSession(t, s, "s1", "ann")
	for _, table := range []string{"sessions", "session_tokens"} {
		if got, want := count(t, s, table), old-batchAtLogin+1; got != want {
			t.Errorf("%d rows in %s after a login, want %d", got, table, want)
		}
	}
	if got, want := count(t, s, "once"), old-batchAtLogin; got != want {
		t.Errorf("%d rows in once after a login, want %d", got, want)
	}
	rotation := sso.Rotation{SessionID: "s1", Old: token, New: sso.NewToken().Hash(), Now: now, ExpiresAt: now.Add(time.Hour), RemoveBefore: now}
	if err := s.RotateToken(t.Context(), rotation); err != nil {
		t.Fatal(err)
	}
	if got, want := count(t, s, "session_tokens"), old-batchAtLogin+2-batchAtRotation; got != want {
		t.Errorf("%d tokens after a rotation, want %d", got, want)
	}
	addSession(t, s, "s2", "ann")
	addSession(t, s, "s3", "ann")
	if got := count(t, s, "sessions"); got != 3 {
		t.Errorf("%d sessions after three logins, want those 3 only", got)
	}
}

// A session that is refreshed for years must not leave a row for each refresh.
func TestRotatedTokensDoNotPileUp(t *testing.T) {
	s := newStore(t)
	addUser(t, s, "ann")
	token := addSession(t, s, "s1", "ann")
	for i := range 200 {
		next, at := sso.NewToken().Hash(), now.Add(time.Duration(i)*time.Hour/2)
		rotation := sso.Rotation{SessionID: "s1", Old: token, New: next, Now: at, ExpiresAt: at.Add(time.Hour), RemoveBefore: at}
		if err := s.RotateToken(t.Context(), rotation); err != nil {
			t.Fatal(err)
		}
		token = next
	}
	if got := count(t, s, "session_tokens"); got > 5 {
		t.Errorf("%d tokens of one session", got)
	}
}
