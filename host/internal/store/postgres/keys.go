package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/sso"
)

const selectSigningKeys = `SELECT id, algorithm, sealed, created_at FROM doorward.signing_keys ORDER BY created_at DESC, id`

// SigningKeys implements sso.SigningKeys.
func (s *Store) SigningKeys(ctx context.Context) (keys []sso.SigningKey, err error) {
	err = s.read(ctx, "reading signing keys", func(ctx context.Context, conn *pgxpool.Conn) (err error) {
		keys, err = signingKeys(ctx, conn)
		return err
	})
	return keys, err
}

func signingKeys(ctx context.Context, from querier) ([]sso.SigningKey, error) {
	return collect(ctx, from, func(row pgx.CollectableRow) (k sso.SigningKey, err error) {
		return k, row.Scan(&k.ID, &k.Algorithm, &k.Sealed, moment{&k.CreatedAt})
	}, selectSigningKeys)
}

// AddSigningKey implements sso.SigningKeys.
func (s *Store) AddSigningKey(ctx context.Context, key sso.SigningKey, event sso.Event) error {
	_, err := s.countNoted(ctx, "storing a signing key", event, `INSERT INTO doorward.signing_keys (id, algorithm, sealed, created_at) VALUES ($1, $2, $3, $4)`,
		key.ID, key.Algorithm, bytes(key.Sealed), millis(key.CreatedAt))
	return err
}

// DeleteSigningKey implements sso.SigningKeys.
func (s *Store) DeleteSigningKey(ctx context.Context, id string, event sso.Event) error {
	_, err := s.countNoted(ctx, "deleting a signing key", event, `DELETE FROM doorward.signing_keys WHERE id = $1`, id)
	return err
}

// SwapSigningKey implements sso.SigningKeys.
func (s *Store) SwapSigningKey(ctx context.Context, id string, before, after []byte) error {
	return s.run(ctx, "resealing a signing key", `UPDATE doorward.signing_keys SET sealed = $1 WHERE id = $2 AND sealed = $3`,
		bytes(after), id, bytes(before))
}
