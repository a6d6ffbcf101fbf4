package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// FillSQLite writes the sessions of a Filled to an empty SQLite database that is not
// open. A million take half a minute and 700 MB.
func FillSQLite(ctx context.Context, path string, sessions int) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	until := time.Now().Add(24 * time.Hour).UnixMilli()
	quick := []string{"PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -200000"}
	for _, statement := range append(quick, fillSQLite...) {
		if _, err := db.ExecContext(ctx, statement, sql.Named("sessions", sessions), sql.Named("until", until)); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", statement, err), db.Close())
		}
	}
	return db.Close()
}

// The rows of session i have the key i+1.
var fillSQLite = func() []string {
	const (
		each = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < @sessions) `
		id   = `printf('%08x-0000-4000-8000-%012x', i * 2654435761 & 0xffffffff, i)`
		hash = `unhex(printf('%08x%056x', i * 2654435761 & 0xffffffff, i))`
	)
	return []string{
		each + fmt.Sprintf(`INSERT INTO users (pk, id, provider, subject, status, role, email, first_name, last_name, created_at, last_access)
			SELECT i + 1, %[1]s, 'corp', CAST(%[1]s AS BLOB), 'active', 'editor', 'someone@example.org', 'Some', 'One', @until, @until FROM n`, id),
		`INSERT INTO links (provider, subject, user_pk) SELECT provider, subject, pk FROM users ORDER BY subject`,
		each + fmt.Sprintf(`INSERT INTO sessions (pk, user_pk, id, provider, kind, created_at, expires_at, not_after, ip, user_agent)
			SELECT i + 1, i + 1, %s, 'corp', 'session', @until, @until, @until, '192.0.2.17', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' FROM n`, id),
		each + fmt.Sprintf(`INSERT INTO session_tokens (hash, session_pk, expires_at) SELECT %s AS hash, i + 1, @until FROM n ORDER BY hash`, hash),
		`INSERT INTO provider_sessions (session_pk, provider, subject, logout_subject, session_id, sealed_grant)
			SELECT pk, provider, subject, subject, x'', x'' FROM users`,
	}
}()
