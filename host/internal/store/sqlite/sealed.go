package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/doorward/doorward/host/internal/sso"
)

// queryer is the common interface of a transaction and the reading connections.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// confirmSecret has confirm check what is sealed, and stores the checks that it returns.
func confirmSecret(ctx context.Context, tx *sql.Tx, confirm sso.ConfirmSecret) error {
	sample, err := sampleSealed(ctx, tx)
	if err != nil {
		return err
	}
	add, err := confirm(sample)
	if err != nil {
		return err
	}
	for _, check := range add {
		_, err := tx.ExecContext(ctx, `INSERT INTO secret_checks (id, sealed) VALUES (?, ?)`, check.ID, check.Sealed)
		if err != nil {
			return explain("storing a check of SECRET", err)
		}
	}
	return nil
}

func sampleSealed(ctx context.Context, from queryer) (sample sso.SealedSample, err error) {
	if sample.Checks, err = secretChecks(ctx, from); err != nil {
		return sample, err
	}
	if sample.Keys, err = signingKeys(ctx, from); err != nil {
		return sample, err
	}
	sample.Grants, err = sealedGrants(ctx, from, "", sso.MaxSampledGrants)
	return sample, err
}

// ConfirmSecretIn calls confirm with what is sealed in a database file, as [Open] would,
// and changes nothing. A file that does not exist is confirmed, and so is one without
// checks, which only Open upgrades.
func ConfirmSecretIn(ctx context.Context, path string, confirm sso.ConfirmSecret) error {
	err := readIn(path, func(db *sql.DB) error {
		var checked bool
		err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'secret_checks'`).Scan(&checked)
		if err != nil || !checked {
			return explain("reading the schema", err)
		}
		sample, err := sampleSealed(ctx, db)
		if err != nil {
			return err
		}
		_, err = confirm(sample)
		return err
	})
	if err != nil {
		return fmt.Errorf("checking SECRET against database %q: %w", path, err)
	}
	return nil
}

// SecretChecks implements sso.Sealed.
func (s *Store) SecretChecks(ctx context.Context) ([]sso.SecretCheck, error) {
	return secretChecks(ctx, s.reader)
}

func secretChecks(ctx context.Context, from queryer) ([]sso.SecretCheck, error) {
	rows, err := from.QueryContext(ctx, `SELECT id, sealed FROM secret_checks ORDER BY id`)
	if err != nil {
		return nil, explain("reading the checks of SECRET", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has what matters
	var checks []sso.SecretCheck
	for rows.Next() {
		var c sso.SecretCheck
		if err := rows.Scan(&c.ID, &c.Sealed); err != nil {
			return nil, explain("reading a check of SECRET", err)
		}
		checks = append(checks, c)
	}
	return checks, explain("reading the checks of SECRET", rows.Err())
}

// DeleteSecretCheck implements sso.Sealed.
func (s *Store) DeleteSecretCheck(ctx context.Context, id string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM secret_checks WHERE id = ?`, id)
		return explain("deleting a check of SECRET", err)
	})
}

// SealedGrants implements sso.Sealed.
func (s *Store) SealedGrants(ctx context.Context, after string, limit int) ([]sso.SealedGrant, error) {
	return sealedGrants(ctx, s.reader, after, limit)
}

func sealedGrants(ctx context.Context, from queryer, after string, limit int) ([]sso.SealedGrant, error) {
	rows, err := from.QueryContext(ctx, `
		SELECT s.id, p.sealed_grant FROM sessions s JOIN provider_sessions p ON p.session_pk = s.pk
		WHERE s.id > ? AND length(p.sealed_grant) > 0 ORDER BY s.id LIMIT ?`, after, limit)
	if err != nil {
		return nil, explain("reading grants", err)
	}
	defer func() { _ = rows.Close() }()
	var grants []sso.SealedGrant
	for rows.Next() {
		var g sso.SealedGrant
		if err := rows.Scan(&g.SessionID, &g.Sealed); err != nil {
			return nil, explain("reading a grant", err)
		}
		grants = append(grants, g)
	}
	return grants, explain("reading grants", rows.Err())
}

// SwapGrants implements sso.Sealed.
func (s *Store) SwapGrants(ctx context.Context, swaps []sso.GrantSwap) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, swap := range swaps {
			_, err := tx.ExecContext(ctx, `
				UPDATE provider_sessions SET sealed_grant = ?
				WHERE session_pk = (SELECT pk FROM sessions WHERE id = ?) AND sealed_grant = ?`,
				orEmpty(swap.New), swap.SessionID, orEmpty(swap.Old))
			if err != nil {
				return explain("resealing a grant", err)
			}
		}
		return nil
	})
}

// ForgetSecret implements sso.Sealed.
func (s *Store) ForgetSecret(ctx context.Context, event sso.Event) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			`DELETE FROM secret_checks`,
			`DELETE FROM signing_keys`,
			`UPDATE provider_sessions SET sealed_grant = x'' WHERE length(sealed_grant) > 0`,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return explain("removing what is sealed under SECRET", err)
			}
		}
		return s.note(ctx, tx, event)
	})
}
