package postgres

import (
	"context"

	"github.com/doorward/doorward/host/internal/sso"
)

// Leases use the clock of the server, which is the same for all hosts, rather than the
// time of the transaction, which does not advance while it waits for a lock.
const (
	leaseGrant = `
		UPDATE doorward.sessions s SET leased_by = $2, leased_until = clock_timestamp() + $3 * interval '1 millisecond'
		FROM doorward.provider_sessions p
		WHERE s.pk = $1 AND p.session_pk = s.pk AND (s.leased_by IS NULL OR s.leased_by = $2 OR s.leased_until <= clock_timestamp())
		RETURNING p.sealed_grant`
	askedSince   = `SELECT true FROM doorward.sessions WHERE pk = $1 AND coalesce(asked_at, created_at) <> $2`
	grantLeased  = `SELECT coalesce(leased_by <> $2 AND leased_until > clock_timestamp(), false) FROM doorward.sessions WHERE id = $1`
	releaseGrant = `UPDATE doorward.sessions SET leased_by = NULL, leased_until = NULL WHERE id = $1 AND leased_by = $2`
	replaceGrant = `UPDATE doorward.provider_sessions SET sealed_grant = $2 WHERE session_pk = $1`
)

// LeaseGrant implements sso.ProviderSessions.
func (s *Store) LeaseGrant(ctx context.Context, l sso.GrantLease) (sealed []byte, err error) {
	err = s.write(ctx, "leasing a grant", func(ctx context.Context, t *transaction) error {
		session, _, err := lockCurrent(ctx, t, l.SessionID, l.Token)
		if err != nil {
			return err
		}
		var leased, asked bool
		t.queue(askedSince, session, millis(l.AskedAt)).QueryRow(scanIfAny(&asked, new(bool)))
		t.queue(leaseGrant, session, l.Holder, l.For.Milliseconds()).QueryRow(scanIfAny(&leased, &sealed))
		if err := t.send(ctx); err != nil {
			return err
		}
		switch {
		case asked:
			return sso.ErrSpent
		case !leased:
			return sso.ErrLeased
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sealed, nil
}

// GrantLeased implements sso.ProviderSessions.
func (s *Store) GrantLeased(ctx context.Context, sessionID, but string) (leased bool, err error) {
	found, err := s.lookUp(ctx, "checking whether a grant is leased", grantLeased, []any{&leased}, sessionID, but)
	return found && leased, err
}

// ReleaseGrant implements sso.ProviderSessions.
func (s *Store) ReleaseGrant(ctx context.Context, sessionID, holder string) error {
	return s.run(ctx, "ending the lease of a grant", releaseGrant, sessionID, holder)
}

var endLeased = ending(`DELETE FROM doorward.sessions s WHERE s.id = $1 AND s.leased_by = $2`, 2) // its tokens are deleted with it

// EndLeased implements sso.ProviderSessions.
func (s *Store) EndLeased(ctx context.Context, sessionID, holder string, event sso.Event) error {
	var ended []sso.Session
	err := s.write(ctx, "ending a leased session", func(_ context.Context, t *transaction) error {
		ended = nil // discard the result of an earlier attempt
		t.queueEnding(&ended, event, endLeased, sessionID, holder)
		return nil
	})
	if err == nil && len(ended) == 0 {
		return sso.ErrLeased
	}
	return err
}

// ReplaceGrant implements sso.ProviderSessions.
func (s *Store) ReplaceGrant(ctx context.Context, sessionID, holder string, sealed []byte) error {
	return s.write(ctx, "replacing a grant", func(ctx context.Context, t *transaction) error {
		var found bool
		var session int64
		var leasedBy string
		t.queue(lockSession, sessionID).QueryRow(scanIfAny(&found, &session, &leasedBy))
		if err := t.send(ctx); err != nil {
			return err
		}
		switch {
		case !found:
			return sso.ErrNotFound
		case leasedBy != holder:
			return sso.ErrLeased
		}
		t.queue(replaceGrant, session, bytes(sealed))
		return nil
	})
}
