package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/people"
)

// search is the query of an operator's list, built from the filters that are set, so that
// each filter can use its index.
type search struct {
	conditions []string
	arguments  []any
}

// argument adds a value, and returns its placeholder in the statement.
func (s *search) argument(value any) string {
	s.arguments = append(s.arguments, value)
	return "$" + strconv.Itoa(len(s.arguments))
}

// where adds a condition, in which each ? stands for one of the values.
func (s *search) where(condition string, values ...any) {
	for _, value := range values {
		condition = strings.Replace(condition, "?", s.argument(value), 1)
	}
	s.conditions = append(s.conditions, condition)
}

// whereGiven adds a condition unless its value is empty, which matches all rows.
func (s *search) whereGiven(condition, value string) {
	if value != "" {
		s.where(condition, text(value))
	}
}

// from adds the position where the list continues, in the column that sorts it.
func (s *search) from(column string, part people.Part) error {
	if part.After == "" {
		return nil
	}
	pk, err := strconv.ParseInt(part.After, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %q is not a position in this list", people.ErrInvalid, part.After)
	}
	s.where(column+" > ?", pk)
	return nil
}

// statement returns the whole query. It selects one row more than the limit, to see
// whether there are more.
func (s *search) statement(selected, column string, part people.Part) string {
	if len(s.conditions) > 0 {
		selected += " WHERE " + strings.Join(s.conditions, " AND ")
	}
	return selected + " ORDER BY " + column + " LIMIT " + s.argument(part.Limit+1)
}

// placed is a row with its position in the list.
type placed[T any] struct {
	pk  int64
	row T
}

// find reads a part of a list.
func find[T any](ctx context.Context, s *Store, doing, statement string, by search, limit int, scan pgx.RowToFunc[placed[T]]) (list []T, next string, err error) {
	var found []placed[T]
	err = s.read(ctx, doing, func(ctx context.Context, conn *pgxpool.Conn) (err error) {
		found, err = collect(ctx, conn, scan, statement, by.arguments...)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if len(found) > limit {
		found = found[:limit]
		next = strconv.FormatInt(found[limit-1].pk, 10)
	}
	for _, one := range found {
		list = append(list, one.row)
	}
	return list, next, nil
}
