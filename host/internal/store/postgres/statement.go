package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// querier is the common interface of a connection and a transaction of pgx.
type querier interface {
	Query(ctx context.Context, text string, arguments ...any) (pgx.Rows, error)
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, from querier, scan pgx.RowToFunc[T], text string, arguments ...any) ([]T, error) {
	rows, err := from.Query(ctx, text, arguments...)
	if err != nil {
		return nil, err
	}
	var all []T
	return pgx.AppendRows(all, rows, scan)
}

// lookUp finds one row by its key, and scans it into fields. ok is false if there is no
// row.
func (s *Store) lookUp(ctx context.Context, doing, text string, fields []any, key ...any) (ok bool, err error) {
	err = s.read(ctx, doing, func(ctx context.Context, conn *pgxpool.Conn) error {
		return noRow(&ok, conn.QueryRow(ctx, text, key...).Scan(fields...))
	})
	return ok && err == nil, err
}

// run writes with one statement.
func (s *Store) run(ctx context.Context, doing, text string, arguments ...any) error {
	_, err := s.count(ctx, doing, text, arguments...)
	return err
}

// count writes with one statement, and returns how many rows it affected.
func (s *Store) count(ctx context.Context, doing, text string, arguments ...any) (n int, err error) {
	err = s.write(ctx, doing, func(_ context.Context, t *transaction) error {
		t.queue(text, arguments...).Exec(func(tag pgconn.CommandTag) error {
			n = int(tag.RowsAffected())
			return nil
		})
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// scanInto scans the one row of a queued query.
func scanInto(fields ...any) func(pgx.Row) error {
	return func(row pgx.Row) error { return row.Scan(fields...) }
}

// scanIfAny is scanInto for a query that may find no row; found reports whether it did.
func scanIfAny(found *bool, fields ...any) func(pgx.Row) error {
	return func(row pgx.Row) error { return noRow(found, row.Scan(fields...)) }
}
