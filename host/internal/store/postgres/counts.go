package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	upsertCounts = `INSERT INTO doorward.counts (host, counts, counted_at) VALUES ($1, $2, $3)
		ON CONFLICT (host) DO UPDATE SET counts = excluded.counts, counted_at = excluded.counted_at`

	// A locked row is being replaced by its host.
	removeCounts = `DELETE FROM doorward.counts WHERE host IN
		(SELECT host FROM doorward.counts WHERE counted_at < $1 FOR UPDATE SKIP LOCKED)`

	selectCounts = `SELECT host, counts FROM doorward.counts WHERE host <> $1 AND counted_at >= $2`
)

// ExchangeCounts implements store.Store.
func (s *Store) ExchangeCounts(ctx context.Context, host string, counts []byte, now, forget time.Time) (others map[string][]byte, err error) {
	const doing = "exchanging counts"
	read := func(rows pgx.Rows) (err error) {
		others, err = countsByHost(rows)
		return err
	}
	if counts == nil {
		err = s.read(ctx, doing, func(ctx context.Context, conn *pgxpool.Conn) error {
			rows, err := conn.Query(ctx, selectCounts, host, millis(forget))
			if err != nil {
				return err
			}
			return read(rows)
		})
		return others, err
	}
	err = s.write(ctx, doing, func(_ context.Context, t *transaction) error {
		t.queue(upsertCounts, host, counts, millis(now))
		t.queue(removeCounts, millis(forget))
		t.queue(selectCounts, host, millis(forget)).Query(read)
		return nil
	})
	return others, err
}

func countsByHost(rows pgx.Rows) (map[string][]byte, error) {
	others := map[string][]byte{}
	var host string
	var counts []byte
	_, err := pgx.ForEachRow(rows, []any{&host, &counts}, func() error {
		others[host] = counts
		counts = nil // do not read the next row into the same bytes
		return nil
	})
	return others, err
}
