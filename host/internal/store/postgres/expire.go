package postgres

import "time"

// How many expired rows of each kind one write removes. Each is more than that
// write adds, so the tables shrink to what is still good; and it is bounded, so
// that the first login after a long pause does not pay for all of it.
const (
	batchAtLogin    = 100
	batchAtRotation = 4
)

// One transaction at a time removes, on all hosts together; the others go on without.
// Two would delete the tokens of each other's sessions, and wait for each other.
const tryToRemove = `SELECT pg_try_advisory_xact_lock($1)`

// What others use just now is left for the next time: nobody waits for a row here. The
// rows are chosen in WITH, which runs once: behind IN, the server may choose anew for
// each row that it compares, and go on past the LIMIT.
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

// A removal is of what expired before a moment; of nothing if that is zero.
type removal struct {
	before time.Time
	batch  int
	ours   bool // nobody else removes until our transaction ends
}

// ask finds out whether it is for this transaction to remove.
func (r *removal) ask(t *transaction) {
	if !r.before.IsZero() {
		t.queue(tryToRemove, lockOfRemovals).QueryRow(scanInto(&r.ours))
	}
}

// queue removes the oldest first. Tokens go before their sessions, so that few are
// left for a session to take along.
func (r *removal) queue(t *transaction) {
	if !r.ours {
		return
	}
	for _, statement := range []string{removeTokens, removeSessions, removeOnce} {
		t.queue(statement, millis(r.before), r.batch)
	}
}
