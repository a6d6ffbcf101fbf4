package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/doorward/doorward/host/internal/sso"
)

// Spend implements sso.Once.
func (s *Store) Spend(ctx context.Context, ids ...sso.OnceID) error {
	return s.write(ctx, "storing once-IDs", func(ctx context.Context, t *transaction) error {
		spent := queueOnce(t, ids)
		if err := t.send(ctx); err != nil {
			return err
		}
		return spent()
	})
}

// If two transactions store the same ID, the second waits here until the first has ended,
// and then stores it or not.
const insertOnce = `INSERT INTO doorward.once (scope, id, until) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

// queueOnce stores IDs in sorted order, so that two transactions that share some cannot
// deadlock. The result reports afterwards whether one was already stored.
func queueOnce(t *transaction, ids []sso.OnceID) (spent func() error) {
	stored := 0
	for _, id := range slices.SortedFunc(slices.Values(ids), compareOnce) {
		t.queue(insertOnce, id.Scope, []byte(id.ID), millis(id.Until)).Exec(func(tag pgconn.CommandTag) error {
			stored += int(tag.RowsAffected())
			return nil
		})
	}
	return func() error {
		if stored < len(ids) {
			return sso.ErrSpent
		}
		return nil
	}
}

func compareOnce(a, b sso.OnceID) int {
	return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.ID, b.ID))
}
