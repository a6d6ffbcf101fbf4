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
		sessionPK, spentAt, err := tokenForRotation(ctx, tx, r.Old)
		if err != nil {
			return err
		}
		if !mayRotate(spentAt, r.GraceFrom) {
			return sso.ErrSpent
		}
		if err := s.insertToken(ctx, tx, r.New, sessionPK, r.ExpiresAt); err != nil {
			return err
		}
		if err := spendToken(ctx, tx, r, sessionPK); err != nil {
			return err
		}
		return s.removeExpired(ctx, tx, r.RemoveBefore, batchAtRotation)
	})
}

func tokenForRotation(ctx context.Context, tx *sql.Tx, hash sso.TokenHash) (sessionPK int64, spentAt time.Time, err error) {
	err = tx.QueryRowContext(ctx, `SELECT session_pk, spent_at FROM session_tokens WHERE hash = ?`, hash[:]).
		Scan(&sessionPK, (*timestamp)(&spentAt))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, sso.ErrNotFound
	}
	return sessionPK, spentAt, explain("looking up a session token", err)
}

// mayRotate compares whole milliseconds, which is what is stored.
func mayRotate(spentAt, graceFrom time.Time) bool {
	if spentAt.IsZero() {
		return true
	}
	return !graceFrom.IsZero() && spentAt.UnixMilli() >= graceFrom.UnixMilli()
}

// spendToken keeps the time of an earlier rotation: were it moved forward, a
// spent token would stay good for as long as somebody keeps using it.
func spendToken(ctx context.Context, tx *sql.Tx, r sso.Rotation, sessionPK int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE session_tokens SET spent_at = ? WHERE hash = ? AND spent_at IS NULL`,
		timestamp(r.Now), r.Old[:])
	if err != nil {
		return explain("spending a session token", err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE sessions SET expires_at = ? WHERE pk = ?`, timestamp(r.ExpiresAt), sessionPK)
	return explain("moving the expiry of a session", err)
}
