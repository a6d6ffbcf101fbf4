package sqlite

import (
	"context"
	"database/sql"

	"github.com/doorward/doorward/host/internal/sso"
)

// Spend implements sso.Once.
func (s *Store) Spend(ctx context.Context, ids ...sso.OnceID) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if err := s.spend(ctx, tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

const insertOnce = `INSERT INTO once (scope, id, until) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`

func (s *Store) spend(ctx context.Context, tx *sql.Tx, id sso.OnceID) error {
	result, err := s.run(ctx, tx, insertOnce, id.Scope, []byte(id.ID), timestamp(id.Until))
	if err != nil {
		return explain("storing a once-ID", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return explain("storing a once-ID", err)
	}
	if n == 0 {
		return sso.ErrSpent
	}
	return nil
}
