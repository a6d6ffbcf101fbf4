package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// ClockAhead returns by how much now, the clock of this host, is at least ahead of the
// database's clock, or behind it if negative. It is 0 if the answer took so long that the
// clocks may agree.
func (s *Store) ClockAhead(ctx context.Context, now func() time.Time) (ahead time.Duration, err error) {
	err = s.read(ctx, "reading the clock of the database", func(ctx context.Context, conn *pgxpool.Conn) error {
		var there time.Time
		began, here := time.Now(), now()
		if err := conn.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&there); err != nil {
			return err
		}
		// The database read its clock between here and here + took.
		took := time.Since(began)
		ahead = max(0, here.Sub(there)) + min(0, here.Add(took).Sub(there))
		return nil
	})
	return ahead, err
}
