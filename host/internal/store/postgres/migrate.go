package postgres

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// migrations holds 0001_….sql, 0002_….sql and so on. A released file is never changed; a
// schema change is a new file.
//
// Its first line says "-- readable by: N": hosts whose newest migration is N or later can
// work with the database after this one. During an upgrade of several hosts, those of the
// previous version keep running if N is their newest migration.
//
//go:embed migrations/*.sql
var migrations embed.FS

// ErrTooNew: a newer version of this program wrote the database, and this one is not
// compatible with it.
var ErrTooNew = errors.New("database is newer than this program")

// migration is one step of the schema.
type migration struct {
	number, readableBy int
	script             string
}

// allMigrations returns the steps in order.
func allMigrations(from fs.FS) ([]migration, error) {
	names, err := fs.Glob(from, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("listing migrations: %w", err)
	}
	var all []migration
	for _, name := range names {
		script, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, fmt.Errorf("reading migration %s: %w", name, err)
		}
		m, err := parseMigration(path.Base(name), string(script))
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b migration) int { return cmp.Compare(a.number, b.number) })
	return all, nil
}

func parseMigration(name, script string) (migration, error) {
	number, _, _ := strings.Cut(name, "_")
	first, _, _ := strings.Cut(script, "\n")
	readable, found := strings.CutPrefix(first, "-- readable by: ")
	m := migration{script: script}
	var errNumber, errReadable error
	m.number, errNumber = strconv.Atoi(number)
	m.readableBy, errReadable = strconv.Atoi(readable)
	if !found || errNumber != nil || errReadable != nil || m.readableBy > m.number {
		return m, fmt.Errorf("migration %s has no number, or its first line is not \"-- readable by: N\"", name)
	}
	return m, nil
}

// migrate brings the schema up to date. The transaction makes other hosts wait here until
// it or its connection ends.
func migrate(ctx context.Context, tx pgx.Tx, known []migration) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lockOfMigrations); err != nil {
		return explain("waiting for another host that brings the schema up to date", err)
	}
	if err := createSchema(ctx, tx); err != nil {
		return err
	}
	applied, err := appliedMigrations(ctx, tx)
	if err != nil {
		return err
	}
	if err := readable(applied, known); err != nil {
		return err
	}
	for _, m := range known {
		if !slices.ContainsFunc(applied, func(a migration) bool { return a.number == m.number }) {
			if err := apply(ctx, tx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// createSchema creates the schema doorward if it does not exist. A role without the
// privilege gets an error only if the schema has to be created.
func createSchema(ctx context.Context, tx pgx.Tx) error {
	exists, err := schemaExists(ctx, tx)
	if err != nil || exists {
		return err
	}
	// Somebody may have created the schema for a role that must not create any.
	if exists, err = isTrue(ctx, tx, `SELECT to_regnamespace('doorward') IS NOT NULL`); err != nil {
		return err
	}
	if !exists {
		if _, err := tx.Exec(ctx, `CREATE SCHEMA doorward`); err != nil {
			return explain("creating the schema doorward", err)
		}
	}
	_, err = tx.Exec(ctx, `CREATE TABLE doorward.schema_version (version integer PRIMARY KEY, readable_by integer NOT NULL)`)
	return explain("creating the schema", err)
}

func schemaExists(ctx context.Context, from querier) (bool, error) {
	return isTrue(ctx, from, `SELECT to_regclass('doorward.schema_version') IS NOT NULL`)
}

func isTrue(ctx context.Context, from querier, question string) (bool, error) {
	answers, err := collect(ctx, from, pgx.RowTo[bool], question)
	return len(answers) == 1 && answers[0], explain("reading the schema", err)
}

func appliedMigrations(ctx context.Context, from querier) ([]migration, error) {
	applied, err := collect(ctx, from, func(row pgx.CollectableRow) (m migration, err error) {
		return m, row.Scan(&m.number, &m.readableBy)
	}, `SELECT version, readable_by FROM doorward.schema_version ORDER BY version`)
	return applied, explain("reading the schema version", err)
}

// readable returns ErrTooNew if a migration of the database requires a newer program than
// this one.
func readable(applied, known []migration) error {
	newest := known[len(known)-1].number
	for _, m := range applied {
		if m.readableBy > newest {
			return fmt.Errorf("%w: its migration %d needs a program that supports migration %d, and this one supports migrations up to %d; run the newer version, or restore the backup made before the upgrade",
				ErrTooNew, m.number, m.readableBy, newest)
		}
	}
	return nil
}

func apply(ctx context.Context, tx pgx.Tx, m migration) error {
	doing := fmt.Sprintf("applying migration %d", m.number)
	if _, err := tx.Exec(ctx, m.script); err != nil {
		return explain(doing, err)
	}
	_, err := tx.Exec(ctx, `INSERT INTO doorward.schema_version (version, readable_by) VALUES ($1, $2)`, m.number, m.readableBy)
	return explain(doing, err)
}
