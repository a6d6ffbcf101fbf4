package sqlite

import (
	"context"
	"database/sql"
	"time"
)

// ExchangeCounts implements store.Store.
func (s *Store) ExchangeCounts(ctx context.Context, host string, counts []byte, now, forget time.Time) (others map[string][]byte, err error) {
	if counts == nil {
		return otherCounts(ctx, s.reader, host, forget)
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO counts (host, counts, counted_at) VALUES (?, ?, ?)
			ON CONFLICT (host) DO UPDATE SET counts = excluded.counts, counted_at = excluded.counted_at`, host, counts, timestamp(now))
		if err != nil {
			return explain("storing counts", err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM counts WHERE counted_at < ?`, timestamp(forget)); err != nil {
			return explain("removing counts", err)
		}
		others, err = otherCounts(ctx, tx, host, forget)
		return err
	})
	return others, err
}

func otherCounts(ctx context.Context, from queryer, host string, forget time.Time) (map[string][]byte, error) {
	rows, err := from.QueryContext(ctx, `SELECT host, counts FROM counts WHERE host <> ? AND counted_at >= ?`, host, timestamp(forget))
	if err != nil {
		return nil, explain("reading counts", err)
	}
	defer func() { _ = rows.Close() }()
	others := map[string][]byte{}
	for rows.Next() {
		var name string
		var counts []byte
		if err := rows.Scan(&name, &counts); err != nil {
			return nil, explain("reading counts", err)
		}
		others[name] = counts
	}
	return others, explain("reading counts", rows.Err())
}
