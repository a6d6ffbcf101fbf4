package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// migrations holds 0001_….sql, 0002_….sql and so on. A released file is never changed; a
// schema change is a new file.
//
//go:embed migrations/*.sql
var migrations embed.FS

// ErrTooNew: a newer version of this program wrote the database.
var ErrTooNew = errors.New("database is newer than this program")

// migrate brings the schema up to date in one transaction, so that a failed upgrade
// leaves the database as it was and two processes cannot upgrade at once.
func migrate(ctx context.Context, tx *sql.Tx) error {
	files, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return fmt.Errorf("listing migrations: %w", err)
	}
	version, err := schemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	if version > len(files) {
		return fmt.Errorf("%w: its schema version is %d, and this program supports versions up to %d; run the newer version, or restore the backup made before the upgrade",
			ErrTooNew, version, len(files))
	}
	for _, name := range files[version:] {
		if err := apply(ctx, tx, name); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, "UPDATE schema_version SET version = ?", len(files))
	return explain("storing the schema version", err)
}

// schemaVersion returns 0 for a new database.
func schemaVersion(ctx context.Context, tx *sql.Tx) (int, error) {
	var tables, ours int
	err := tx.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(name = 'schema_version'), 0) FROM sqlite_schema").Scan(&tables, &ours)
	if err != nil {
		return 0, explain("reading the schema", err)
	}
	if ours == 0 {
		return 0, createVersion(ctx, tx, tables)
	}
	var version int
	err = tx.QueryRowContext(ctx, "SELECT version FROM schema_version").Scan(&version)
	return version, explain("reading the schema version", err)
}

// createVersion refuses another program's database, rather than adding tables to it.
func createVersion(ctx context.Context, tx *sql.Tx, tables int) error {
	if tables > 0 {
		return errors.New("the database belongs to another program, choose another path")
	}
	_, err := tx.ExecContext(ctx, `
		CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;
		INSERT INTO schema_version (version) VALUES (0)`)
	return explain("creating the schema", err)
}

func apply(ctx context.Context, tx *sql.Tx, name string) error {
	script, err := migrations.ReadFile(name)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	_, err = tx.ExecContext(ctx, string(script))
	return explain("applying "+name, err)
}
