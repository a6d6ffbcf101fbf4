package sqlite

import (
	"context"
	"database/sql"

	"github.com/doorward/doorward/host/internal/sso"
)

// SigningKeys implements sso.SigningKeys.
func (s *Store) SigningKeys(ctx context.Context) ([]sso.SigningKey, error) {
	return signingKeys(ctx, s.reader)
}

func signingKeys(ctx context.Context, from queryer) ([]sso.SigningKey, error) {
	rows, err := from.QueryContext(ctx, `SELECT id, algorithm, sealed, created_at FROM signing_keys ORDER BY created_at DESC, id`)
	if err != nil {
		return nil, explain("reading signing keys", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has what matters
	var keys []sso.SigningKey
	for rows.Next() {
		var k sso.SigningKey
		if err := rows.Scan(&k.ID, &k.Algorithm, &k.Sealed, (*timestamp)(&k.CreatedAt)); err != nil {
			return nil, explain("reading a signing key", err)
		}
		keys = append(keys, k)
	}
	return keys, explain("reading signing keys", rows.Err())
}

// AddSigningKey implements sso.SigningKeys.
func (s *Store) AddSigningKey(ctx context.Context, key sso.SigningKey, event sso.Event) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO signing_keys (id, algorithm, sealed, created_at) VALUES (?, ?, ?, ?)`,
			key.ID, key.Algorithm, key.Sealed, timestamp(key.CreatedAt))
		return s.noteIf(ctx, tx, explain("storing a signing key", err), event)
	})
}

// DeleteSigningKey implements sso.SigningKeys.
func (s *Store) DeleteSigningKey(ctx context.Context, id string, event sso.Event) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		deleted, err := execCounted(ctx, tx, `DELETE FROM signing_keys WHERE id = ?`, id)
		if err != nil || deleted == 0 { // another host has deleted it
			return explain("deleting a signing key", err)
		}
		return s.note(ctx, tx, event)
	})
}

// SwapSigningKey implements sso.SigningKeys.
func (s *Store) SwapSigningKey(ctx context.Context, id string, before, after []byte) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE signing_keys SET sealed = ? WHERE id = ? AND sealed = ?`, after, id, before)
		return explain("resealing a signing key", err)
	})
}
