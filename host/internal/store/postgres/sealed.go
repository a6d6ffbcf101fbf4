package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/sso"
)

// confirmSecret has confirm check what is sealed, and stores the checks that it returns.
func confirmSecret(ctx context.Context, tx pgx.Tx, confirm sso.ConfirmSecret) error {
	sample, err := sampleSealed(ctx, tx)
	if err != nil {
		return explain("reading what is sealed under SECRET", err)
	}
	add, err := confirm(sample)
	if err != nil {
		return err
	}
	for _, check := range add {
		_, err := tx.Exec(ctx, `INSERT INTO doorward.secret_checks (id, sealed) VALUES ($1, $2)`, check.ID, bytes(check.Sealed))
		if err != nil {
			return explain("storing a check of SECRET", err)
		}
	}
	return nil
}

func sampleSealed(ctx context.Context, from querier) (sample sso.SealedSample, err error) {
	if sample.Checks, err = secretChecks(ctx, from); err != nil {
		return sample, err
	}
	if sample.Keys, err = signingKeys(ctx, from); err != nil {
		return sample, err
	}
	sample.Grants, err = sealedGrants(ctx, from, "", sso.MaxSampledGrants)
	return sample, err
}

// SecretChecks implements sso.Sealed.
func (s *Store) SecretChecks(ctx context.Context) (checks []sso.SecretCheck, err error) {
	err = s.read(ctx, "reading the checks of SECRET", func(ctx context.Context, conn *pgxpool.Conn) (err error) {
		checks, err = secretChecks(ctx, conn)
		return err
	})
	return checks, err
}

func secretChecks(ctx context.Context, from querier) ([]sso.SecretCheck, error) {
	return collect(ctx, from, func(row pgx.CollectableRow) (c sso.SecretCheck, err error) {
		return c, row.Scan(&c.ID, &c.Sealed)
	}, `SELECT id, sealed FROM doorward.secret_checks ORDER BY id`)
}

// DeleteSecretCheck implements sso.Sealed.
func (s *Store) DeleteSecretCheck(ctx context.Context, id string) error {
	return s.run(ctx, "deleting a check of SECRET", `DELETE FROM doorward.secret_checks WHERE id = $1`, id)
}

// SealedGrants implements sso.Sealed.
func (s *Store) SealedGrants(ctx context.Context, after string, limit int) (grants []sso.SealedGrant, err error) {
	err = s.read(ctx, "reading grants", func(ctx context.Context, conn *pgxpool.Conn) (err error) {
		grants, err = sealedGrants(ctx, conn, after, limit)
		return err
	})
	return grants, err
}

const selectSealedGrants = `
	SELECT s.id, p.sealed_grant FROM doorward.sessions s JOIN doorward.provider_sessions p ON p.session_pk = s.pk
	WHERE s.id > $1 AND length(p.sealed_grant) > 0 ORDER BY s.id LIMIT $2`

func sealedGrants(ctx context.Context, from querier, after string, limit int) ([]sso.SealedGrant, error) {
	return collect(ctx, from, func(row pgx.CollectableRow) (g sso.SealedGrant, err error) {
		return g, row.Scan(&g.SessionID, &g.Sealed)
	}, selectSealedGrants, after, limit)
}

// lockSessions makes transactions that end some of the sessions wait, and waits for those
// that do so already.
const lockSessions = `SELECT pk FROM doorward.sessions WHERE id = ANY ($1::text[]) ORDER BY pk FOR NO KEY UPDATE`

// SwapGrants implements sso.Sealed.
func (s *Store) SwapGrants(ctx context.Context, swaps []sso.GrantSwap) error {
	var sessions []string
	for _, swap := range swaps {
		sessions = append(sessions, swap.SessionID)
	}
	return s.write(ctx, "resealing grants", func(_ context.Context, t *transaction) error {
		t.queue(lockSessions, sessions)
		for _, swap := range swaps {
			t.queue(`
				UPDATE doorward.provider_sessions SET sealed_grant = $1
				WHERE session_pk = (SELECT pk FROM doorward.sessions WHERE id = $2) AND sealed_grant = $3`,
				bytes(swap.New), swap.SessionID, bytes(swap.Old))
		}
		return nil
	})
}

// ForgetSecret implements sso.Sealed.
func (s *Store) ForgetSecret(ctx context.Context, event sso.Event) error {
	return s.write(ctx, "removing what is sealed under SECRET", func(_ context.Context, t *transaction) error {
		t.queue(`DELETE FROM doorward.secret_checks`)
		t.queue(`DELETE FROM doorward.signing_keys`)
		t.queue(`UPDATE doorward.provider_sessions SET sealed_grant = '' WHERE length(sealed_grant) > 0`)
		t.note(event)
		return nil
	})
}
