package postgres

import "time"

// How many expired rows of each kind one write removes. Each number is larger than what
// that write adds, so the tables shrink to what is still valid. It is bounded, so that
// the first login after a long pause does not pay for all of it.
const (
	batchAtLogin    = 100
	batchAtRotation = 4
)

// One transaction at a time removes expired rows, on all hosts together; the others skip
// it. Two would delete the tokens of each other's sessions, and wait for each other.
const tryToRemove = `SELECT pg_try_advisory_xact_lock($1)`

// Rows that others have locked are left for the next time: nobody waits here. The rows
// are chosen in WITH, which runs once: in an IN subquery, the server may choose again for
// each row that it compares, and exceed the LIMIT.
const (
	removeTokens = `
		WITH expired AS (SELECT hash FROM doorward.session_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
		DELETE FROM doorward.session_tokens t USING expired e WHERE t.hash = e.hash`
	removeSessions = `
		WITH expired AS (SELECT pk FROM doorward.sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
		DELETE FROM doorward.sessions s USING expired e WHERE s.pk = e.pk`
	removeOnce = `
		WITH expired AS (SELECT scope, id FROM doorward.once WHERE until < $1 ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED)
		DELETE FROM doorward.once o USING expired e WHERE o.scope = e.scope AND o.id = e.id`
)

// removal removes what expired before a time, or nothing if that is zero.
type removal struct {
	before time.Time
	batch  int
	ours   bool // only this transaction removes until it ends
}

// ask finds out whether this transaction may remove.
func (r *removal) ask(t *transaction) {
	if !r.before.IsZero() {
		t.queue(tryToRemove, lockOfRemovals).QueryRow(scanInto(&r.ours))
	}
}

// queue removes the oldest first. Tokens go before their sessions, so that deleting a
// session cascades to few tokens.
func (r *removal) queue(t *transaction) {
	if !r.ours {
		return
	}
	for _, statement := range []string{removeTokens, removeSessions, removeOnce} {
		t.queue(statement, millis(r.before), r.batch)
	}
}
