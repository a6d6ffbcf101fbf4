package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/sso"
)

const (
	// A transaction that rotates or ends the session waits here for any other that does
	// so already.
	lockSession = `SELECT pk, coalesce(leased_by, '') FROM doorward.sessions WHERE id = $1 FOR NO KEY UPDATE`

	// A separate statement, because the one that waited for a lock read all other rows
	// before it waited.
	selectToken = `
		SELECT t.spent_at FROM doorward.session_tokens t JOIN doorward.sessions s ON s.pk = t.session_pk
		WHERE t.hash = $1 AND s.id = $2`

	forgetSuccessors = `UPDATE doorward.session_tokens SET successor = NULL WHERE session_pk = $1 AND successor IS NOT NULL`

	// Sessions created before each had one current token may have several. All are spent:
	// one of them could be a thief's.
	spendCurrent = `UPDATE doorward.session_tokens SET spent_at = $2, successor = CASE hash WHEN $3 THEN $4::bytea END
		WHERE session_pk = $1 AND spent_at IS NULL`

	insertToken = `INSERT INTO doorward.session_tokens (hash, session_pk, expires_at) VALUES ($1, $2, $3)`
	moveSession = `
		UPDATE doorward.sessions SET expires_at = $2, not_after = $3, group_names = nullif($4::text, ''), asked_at = $5, leased_by = NULL, leased_until = NULL
		WHERE pk = $1`
)

// RotateToken implements sso.Sessions.
func (s *Store) RotateToken(ctx context.Context, r sso.Rotation) error {
	return s.write(ctx, "replacing a session token", func(ctx context.Context, t *transaction) error {
		expired := removal{before: r.RemoveBefore, batch: batchAtRotation}
		expired.ask(t)
		session, leasedBy, err := lockCurrent(ctx, t, r.SessionID, r.Old)
		if err != nil {
			return err
		}
		if r.Holder != "" && leasedBy != r.Holder {
			return sso.ErrLeased
		}
		t.queue(forgetSuccessors, session)
		t.queue(spendCurrent, session, millis(r.Now), r.Old[:], orNull(r.Successor))
		t.queue(insertToken, r.New[:], session, millis(r.ExpiresAt))
		t.queue(moveSession, session, millis(r.ExpiresAt), millis(r.NotAfter), string(r.Groups), millis(r.Now))
		expired.queue(t)
		return nil
	})
}

// lockCurrent returns the pk of the session of a token that has not been spent, and the
// last holder of its lease. It locks both against changes.
func lockCurrent(ctx context.Context, t *transaction, sessionID string, hash sso.TokenHash) (pk int64, leasedBy string, err error) {
	var locked, found bool
	var spentAt time.Time
	t.queue(lockSession, sessionID).QueryRow(scanIfAny(&locked, &pk, &leasedBy))
	t.queue(selectToken, hash[:], sessionID).QueryRow(scanIfAny(&found, moment{&spentAt}))
	if err := t.send(ctx); err != nil {
		return 0, "", err
	}
	switch {
	case !locked || !found:
		return 0, "", sso.ErrNotFound
	case !spentAt.IsZero():
		return 0, "", sso.ErrSpent
	}
	return pk, leasedBy, nil
}

// orNull stores empty bytes as NULL.
func orNull(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// Both use the index of tokens that have a successor, which are mostly those replaced
// within the last grace period. A locked token is about to lose its successor, or its
// row.
const (
	anySuccessor  = `SELECT EXISTS (SELECT 1 FROM doorward.session_tokens WHERE successor IS NOT NULL AND spent_at < $1)`
	oldSuccessors = `
		WITH old AS (SELECT hash FROM doorward.session_tokens WHERE successor IS NOT NULL AND spent_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
		UPDATE doorward.session_tokens t SET successor = NULL FROM old o WHERE t.hash = o.hash`
)

// ForgetSuccessors implements sso.Sessions.
func (s *Store) ForgetSuccessors(ctx context.Context, spentBefore time.Time, limit int) (forgotten int, err error) {
	const doing = "removing old successors of session tokens"
	var found bool
	err = s.read(ctx, doing, func(ctx context.Context, conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, anySuccessor, millis(spentBefore)).Scan(&found)
	})
	if err != nil || !found {
		return 0, err
	}
	return s.count(ctx, doing, oldSuccessors, millis(spentBefore), limit)
}
