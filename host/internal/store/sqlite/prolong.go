package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/doorward/doorward/host/internal/sso"
)

const (
	prolong = `
		UPDATE sessions SET asked_at = ?1, expires_at = ?2, not_after = ?3, group_names = nullif(?4, ''),
			leased_until = CASE leased_by WHEN ?6 THEN NULL ELSE leased_until END, leased_by = nullif(leased_by, ?6)
		WHERE pk = ?5`
	moveToken = `UPDATE session_tokens SET expires_at = ? WHERE hash = ?`
)

// ProlongSession implements sso.Sessions.
func (s *Store) ProlongSession(ctx context.Context, p sso.Prolongation) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		pk, leasedBy, err := currentToken(ctx, tx, p.SessionID, p.Token)
		if err != nil {
			return err
		}
		if p.Holder != "" && p.Holder != leasedBy {
			return sso.ErrLeased
		}
		_, err = tx.ExecContext(ctx, prolong,
			timestamp(p.AskedAt), timestamp(p.ExpiresAt), timestamp(p.NotAfter), string(p.Groups), pk, p.Holder)
		_, errOfToken := tx.ExecContext(ctx, moveToken, timestamp(p.ExpiresAt), p.Token[:])
		return explain("prolonging a session", errors.Join(err, errOfToken))
	})
}
