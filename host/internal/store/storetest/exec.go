package storetest

import (
	"context"
	"database/sql"
	"errors"
)

// ExecSQLite runs a statement in the database in that file, as an operator does with a
// tool for databases.
func ExecSQLite(ctx context.Context, path, statement string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}
