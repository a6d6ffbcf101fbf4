package postgres

import (
	"context"

	"github.com/doorward/doorward/host/internal/sso"
)

const (
	prolong = `
		UPDATE doorward.sessions SET asked_at = $2, expires_at = $3, not_after = $4, group_names = nullif($5::text, ''),
			leased_until = CASE leased_by WHEN $6::text THEN NULL ELSE leased_until END, leased_by = nullif(leased_by, $6::text)
		WHERE pk = $1`
	moveToken = `UPDATE doorward.session_tokens SET expires_at = $2 WHERE hash = $1`
)

// ProlongSession implements sso.Sessions.
func (s *Store) ProlongSession(ctx context.Context, p sso.Prolongation) error {
	return s.write(ctx, "prolonging a session", func(ctx context.Context, t *transaction) error {
		session, leasedBy, err := lockCurrent(ctx, t, p.SessionID, p.Token)
		if err != nil {
			return err
		}
		if p.Holder != "" && p.Holder != leasedBy {
			return sso.ErrLeased
		}
		t.queue(prolong, session, millis(p.AskedAt), millis(p.ExpiresAt), millis(p.NotAfter), string(p.Groups), p.Holder)
		t.queue(moveToken, p.Token[:], millis(p.ExpiresAt))
		return nil
	})
}
