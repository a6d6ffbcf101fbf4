package sqlite

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// timestamp is a time in Unix milliseconds; the zero time is NULL.
type timestamp time.Time

// Value implements driver.Valuer.
func (t timestamp) Value() (driver.Value, error) {
	if time.Time(t).IsZero() {
		return nil, nil
	}
	return time.Time(t).UnixMilli(), nil
}

// Scan implements sql.Scanner.
func (t *timestamp) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*t = timestamp{}
	case int64:
		*t = timestamp(time.UnixMilli(v).UTC())
	default:
		return fmt.Errorf("reading a time: %T instead of an integer", value)
	}
	return nil
}
