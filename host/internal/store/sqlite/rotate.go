package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// RotateToken implements sso.Sessions.
func (s *Store) RotateToken(ctx context.Context, r sso.Rotation) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		sessionPK, leasedBy, err := currentToken(ctx, tx, r.SessionID, r.Old)
		if err != nil {
			return err
		}
		if r.Holder != "" && leasedBy != r.Holder {
			return sso.ErrLeased
		}
		if err := spendTokens(ctx, tx, r, sessionPK); err != nil {
			return err
		}
		if err := s.insertToken(ctx, tx, r.New, sessionPK, r.ExpiresAt); err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, moveSession, timestamp(r.Now), timestamp(r.ExpiresAt), timestamp(r.NotAfter), string(r.Groups), sessionPK); err != nil {
			return explain("updating a session", err)
		}
		return s.removeExpired(ctx, tx, r.RemoveBefore, batchAtRotation)
	})
}

// currentToken returns the session of a token that has not been spent, and the last
// holder of its lease.
func currentToken(ctx context.Context, tx *sql.Tx, sessionID string, hash sso.TokenHash) (sessionPK int64, leasedBy string, err error) {
	var spentAt time.Time
	err = tx.QueryRowContext(ctx, `
		SELECT t.session_pk, t.spent_at, coalesce(s.leased_by, '') FROM session_tokens t JOIN sessions s ON s.pk = t.session_pk
		WHERE t.hash = ? AND s.id = ?`, hash[:], sessionID).
		Scan(&sessionPK, (*timestamp)(&spentAt), &leasedBy)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, "", sso.ErrNotFound
	case err != nil:
		return 0, "", explain("looking up a session token", err)
	case !spentAt.IsZero():
		return 0, "", sso.ErrSpent
	}
	return sessionPK, leasedBy, nil
}

const (
	moveSession = `
		UPDATE sessions SET asked_at = ?, expires_at = ?, not_after = ?, group_names = nullif(?, ''), leased_by = NULL, leased_until = NULL
		WHERE pk = ?`

	forgetSuccessors = `UPDATE session_tokens SET successor = NULL WHERE session_pk = ? AND successor IS NOT NULL`

	// Sessions created before each had one current token may have several. All are spent:
	// one of them could be a thief's.
	spendCurrent = `UPDATE session_tokens SET spent_at = ?, successor = CASE hash WHEN ? THEN ? END
		WHERE session_pk = ? AND spent_at IS NULL`
)

func spendTokens(ctx context.Context, tx *sql.Tx, r sso.Rotation, sessionPK int64) error {
	if _, err := tx.ExecContext(ctx, forgetSuccessors, sessionPK); err != nil {
		return explain("removing the successor of a session token", err)
	}
	_, err := tx.ExecContext(ctx, spendCurrent, timestamp(r.Now), r.Old[:], orNull(r.Successor), sessionPK)
	return explain("spending a session token", err)
}

// orNull stores empty bytes as NULL.
func orNull(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// Both use the index of tokens that have a successor, which are mostly those replaced
// within the last grace period.
const (
	anySuccessor  = `SELECT count(*) FROM (SELECT 1 FROM session_tokens WHERE successor IS NOT NULL AND spent_at < ? LIMIT 1)`
	oldSuccessors = `UPDATE session_tokens SET successor = NULL WHERE hash IN
		(SELECT hash FROM session_tokens WHERE successor IS NOT NULL AND spent_at < ? LIMIT ?)`
)

// ForgetSuccessors implements sso.Sessions.
func (s *Store) ForgetSuccessors(ctx context.Context, spentBefore time.Time, limit int) (forgotten int, err error) {
	var found bool
	if err := s.reader.QueryRowContext(ctx, anySuccessor, timestamp(spentBefore)).Scan(&found); err != nil {
		return 0, explain("looking up old successors of session tokens", err)
	}
	if !found {
		return 0, nil
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, oldSuccessors, timestamp(spentBefore), limit)
		if err != nil {
			return explain("removing old successors of session tokens", err)
		}
		n, err := result.RowsAffected()
		forgotten = int(n)
		return explain("removing old successors of session tokens", err)
	})
	if err != nil {
		return 0, err
	}
	return forgotten, nil
}
