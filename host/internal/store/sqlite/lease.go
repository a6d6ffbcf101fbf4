package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

const (
	leaseGrant = `
		UPDATE sessions SET leased_by = ?1, leased_until = ?2
		WHERE pk = ?3 AND (leased_by IS NULL OR leased_by = ?1 OR leased_until <= ?4)`
	askedAt      = `SELECT coalesce(asked_at, created_at) FROM sessions WHERE pk = ?`
	grantLeased  = `SELECT count(*) FROM sessions WHERE id = ? AND leased_by <> ? AND leased_until > ?`
	releaseGrant = `UPDATE sessions SET leased_by = NULL, leased_until = NULL WHERE id = ? AND leased_by = ?`
	endLeased    = `DELETE FROM sessions WHERE id = ? AND leased_by = ?` + returning // its tokens go with it
	leasedBy     = `SELECT pk, coalesce(leased_by, '') FROM sessions WHERE id = ?`
)

// LeaseGrant implements sso.ProviderSessions.
func (s *Store) LeaseGrant(ctx context.Context, l sso.GrantLease) (sealed []byte, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		pk, _, err := currentToken(ctx, tx, l.SessionID, l.Token)
		if err != nil {
			return err
		}
		if err := unasked(ctx, tx, pk, l.AskedAt); err != nil {
			return err
		}
		now := time.Now() // SQLite uses the clock of this host
		result, err := tx.ExecContext(ctx, leaseGrant, l.Holder, timestamp(now.Add(l.For)), pk, timestamp(now))
		if err != nil {
			return explain("leasing a grant", err)
		}
		n, err := result.RowsAffected()
		if err != nil {
			return explain("leasing a grant", err)
		}
		if n == 0 {
			return sso.ErrLeased
		}
		err = tx.QueryRowContext(ctx, `SELECT sealed_grant FROM provider_sessions WHERE session_pk = ?`, pk).Scan(&sealed)
		return explain("reading a leased grant", err)
	})
	if err != nil {
		return nil, err
	}
	return sealed, nil
}

// unasked returns ErrSpent if the provider of a session has been asked since that time.
func unasked(ctx context.Context, tx *sql.Tx, sessionPK int64, since time.Time) error {
	if since.IsZero() {
		return nil
	}
	var last time.Time
	if err := tx.QueryRowContext(ctx, askedAt, sessionPK).Scan((*timestamp)(&last)); err != nil {
		return explain("reading when the provider of a session was last asked", err)
	}
	if last.UnixMilli() != since.UnixMilli() {
		return sso.ErrSpent
	}
	return nil
}

// GrantLeased implements sso.ProviderSessions.
func (s *Store) GrantLeased(ctx context.Context, sessionID, but string) (leased bool, err error) {
	err = s.reader.QueryRowContext(ctx, grantLeased, sessionID, but, timestamp(time.Now())).Scan(&leased)
	return leased, explain("checking whether a grant is leased", err)
}

// ReleaseGrant implements sso.ProviderSessions.
func (s *Store) ReleaseGrant(ctx context.Context, sessionID, holder string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, releaseGrant, sessionID, holder)
		return explain("ending the lease of a grant", err)
	})
}

// EndLeased implements sso.ProviderSessions.
func (s *Store) EndLeased(ctx context.Context, sessionID, holder string, event sso.Event) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		ended, err := s.end(ctx, tx, statement{endLeased, []any{sessionID, holder}}, event)
		if err == nil && len(ended) == 0 {
			return sso.ErrLeased
		}
		return err
	})
}

// ReplaceGrant implements sso.ProviderSessions.
func (s *Store) ReplaceGrant(ctx context.Context, sessionID, holder string, sealed []byte) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		var pk int64
		var leased string
		err := tx.QueryRowContext(ctx, leasedBy, sessionID).Scan(&pk, &leased)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return sso.ErrNotFound
		case err != nil:
			return explain("reading who leased a grant", err)
		case leased != holder:
			return sso.ErrLeased
		}
		_, err = tx.ExecContext(ctx, `UPDATE provider_sessions SET sealed_grant = ? WHERE session_pk = ?`, orEmpty(sealed), pk)
		return explain("replacing a grant", err)
	})
}
