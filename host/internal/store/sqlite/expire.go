package sqlite

import (
	"context"
	"database/sql"
	"time"
)

// How many expired rows of each kind one write removes. Each number is larger than what
// that write adds, so the tables shrink to what is still valid. It is bounded, so that
// the first login after a long pause does not pay for all of it.
const (
	batchAtLogin    = 100
	batchAtRotation = 4
)

const (
	removeTokens = `DELETE FROM session_tokens WHERE hash IN
		(SELECT hash FROM session_tokens WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`
	removeSessions = `DELETE FROM sessions WHERE pk IN
		(SELECT pk FROM sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`
	removeOnce = `DELETE FROM once WHERE (scope, id) IN
		(SELECT scope, id FROM once WHERE until < ? ORDER BY until LIMIT ?)`
)

// removeExpired removes what expired before that time, oldest first, or nothing if it is
// zero. Tokens go before their sessions, so that deleting a session cascades to few
// tokens.
func (s *Store) removeExpired(ctx context.Context, tx *sql.Tx, before time.Time, batch int) error {
	if before.IsZero() {
		return nil
	}
	for _, statement := range []string{removeTokens, removeSessions, removeOnce} {
		if _, err := s.run(ctx, tx, statement, timestamp(before), batch); err != nil {
			return explain("removing expired rows", err)
		}
	}
	return nil
}
