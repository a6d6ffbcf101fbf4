package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// millis is a time in Unix milliseconds; the zero time is NULL.
func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// moment reads what millis made.
type moment struct{ to *time.Time }

// ScanInt64 implements pgtype.Int64Scanner.
func (m moment) ScanInt64(v pgtype.Int8) error {
	*m.to = time.Time{}
	if v.Valid {
		*m.to = time.UnixMilli(v.Int64).UTC()
	}
	return nil
}
