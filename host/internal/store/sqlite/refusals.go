package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

const (
	addRefusals = `
		INSERT INTO refusals (minute, provider, reason, n) VALUES (?, ?, ?, ?)
		ON CONFLICT (minute, provider, reason) DO UPDATE SET n = n + excluded.n`

	removeRefusals = `DELETE FROM refusals WHERE (minute, provider, reason) IN
		(SELECT minute, provider, reason FROM refusals WHERE minute < ? ORDER BY minute LIMIT 1000)`

	selectRefusals = `
		SELECT minute, provider, reason, n FROM refusals
		WHERE minute >= ? AND (minute, provider, reason) > (?, ?, ?) ORDER BY minute, provider, reason LIMIT ?`
)

// AddRefusals implements store.Store.
func (s *Store) AddRefusals(ctx context.Context, minute time.Time, sums []sso.RefusalSum, forget time.Time) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, sum := range sums {
			if _, err := tx.ExecContext(ctx, addRefusals, minute.UnixMilli(), sum.Provider, sum.Reason, sum.N); err != nil {
				return explain("adding up refusals", err)
			}
		}
		if forget.IsZero() {
			return nil
		}
		_, err := tx.ExecContext(ctx, removeRefusals, forget.UnixMilli())
		return explain("removing old sums of refusals", err)
	})
}

// FindRefusals implements people.Audit.
func (s *Store) FindRefusals(ctx context.Context, since time.Time, part people.Part) (list []sso.RefusalSum, next string, err error) {
	after, err := people.RefusalAt(part.After)
	if err != nil {
		return nil, "", err
	}
	rows, err := s.reader.QueryContext(ctx, selectRefusals, since.UnixMilli(), after.Minute.UnixMilli(), after.Provider, after.Reason, part.Limit+1)
	if err != nil {
		return nil, "", explain("listing refusals", err)
	}
	defer rows.Close()
	for rows.Next() {
		if len(list) == part.Limit {
			return list, people.RefusalPosition(list[part.Limit-1]), nil
		}
		var sum sso.RefusalSum
		if err := rows.Scan((*timestamp)(&sum.Minute), &sum.Provider, &sum.Reason, &sum.N); err != nil {
			return nil, "", explain("listing refusals", err)
		}
		list = append(list, sum)
	}
	return list, "", explain("listing refusals", rows.Err())
}

const countSessions = `SELECT count(*) FROM sessions WHERE expires_at > ?`

// CountSessions implements store.Store.
func (s *Store) CountSessions(ctx context.Context, now time.Time) (n int, err error) {
	err = s.reader.QueryRowContext(ctx, countSessions, timestamp(now)).Scan(&n)
	return n, explain("counting sessions", err)
}
