package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

const (
	addRefusals = `
		INSERT INTO doorward.refusals AS r (minute, provider, reason, n)
		SELECT $1::bigint, * FROM unnest($2::text[], $3::text[], $4::bigint[])
		ON CONFLICT (minute, provider, reason) DO UPDATE SET n = r.n + excluded.n`

	removeRefusals = `
		WITH old AS (SELECT minute, provider, reason FROM doorward.refusals WHERE minute < $1 ORDER BY minute LIMIT 1000 FOR UPDATE SKIP LOCKED)
		DELETE FROM doorward.refusals r USING old o WHERE r.minute = o.minute AND r.provider = o.provider AND r.reason = o.reason`

	selectRefusals = `
		SELECT minute, provider, reason, n FROM doorward.refusals
		WHERE minute >= $1 AND (minute, provider, reason) > ($2::bigint, $3::text, $4::text) ORDER BY minute, provider, reason LIMIT $5`
)

// AddRefusals implements store.Store. Rows are written in the order of their keys, so
// that hosts that add to the same rows cannot deadlock.
func (s *Store) AddRefusals(ctx context.Context, minute time.Time, sums []sso.RefusalSum, forget time.Time) error {
	sums = slices.SortedFunc(slices.Values(sums), func(a, b sso.RefusalSum) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Reason, b.Reason))
	})
	var providers, reasons []string
	var counts []int
	for _, sum := range sums {
		providers, reasons, counts = append(providers, text(sum.Provider)), append(reasons, text(sum.Reason)), append(counts, sum.N)
	}
	return s.write(ctx, "adding up refusals", func(_ context.Context, t *transaction) error {
		t.queue(addRefusals, minute.UnixMilli(), providers, reasons, counts)
		if !forget.IsZero() {
			t.queue(removeRefusals, forget.UnixMilli())
		}
		return nil
	})
}

// FindRefusals implements people.Audit.
func (s *Store) FindRefusals(ctx context.Context, since time.Time, part people.Part) (list []sso.RefusalSum, next string, err error) {
	after, err := people.RefusalAt(part.After)
	if err != nil {
		return nil, "", err
	}
	err = s.read(ctx, "listing refusals", func(ctx context.Context, conn *pgxpool.Conn) (err error) {
		list, err = collect(ctx, conn, func(row pgx.CollectableRow) (sum sso.RefusalSum, err error) {
			return sum, row.Scan(moment{&sum.Minute}, &sum.Provider, &sum.Reason, &sum.N)
		}, selectRefusals, since.UnixMilli(), after.Minute.UnixMilli(), text(after.Provider), text(after.Reason), part.Limit+1)
		return err
	})
	if err != nil || len(list) <= part.Limit {
		return list, "", err
	}
	list = list[:part.Limit]
	return list, people.RefusalPosition(list[part.Limit-1]), nil
}

const countSessions = `SELECT count(*) FROM doorward.sessions WHERE expires_at > $1`

// CountSessions implements store.Store.
func (s *Store) CountSessions(ctx context.Context, now time.Time) (n int, err error) {
	_, err = s.lookUp(ctx, "counting sessions", countSessions, []any{&n}, millis(now))
	return n, err
}
