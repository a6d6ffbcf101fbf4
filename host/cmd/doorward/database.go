package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/postgres"
	"github.com/doorward/doorward/host/internal/store/sqlite"
)

// databaseWait is how long a starting host waits for PostgreSQL, which may be starting at
// the same time.
const databaseWait = time.Minute

// openDatabase opens the database for a starting host, and creates it if it does not exist.
func (h host) openDatabase(ctx context.Context) (store.Store, error) {
	confirm := sso.Confirming(h.secrets())
	at := h.config.Database
	if at.Postgres == nil {
		return sqlite.OpenAlone(ctx, at.Filename, confirm)
	}
	options := postgresOptions(*at.Postgres)
	for _, warning := range options.Warnings() {
		h.logger.Warn(warning)
	}
	options.Wait = databaseWait
	options.Waiting = func(err error) { h.logger.Warn("waiting for the database", "error", err) }
	return postgres.Open(ctx, options, confirm)
}

// openExisting opens a database that a host has created. It confirms SECRET, unless
// confirm is nil. The error is errHostRuns if a host uses the file, whatever its socket
// is.
func openExisting(ctx context.Context, at config.Database, confirm sso.ConfirmSecret) (store.Store, error) {
	if at.Postgres != nil {
		return postgres.Open(ctx, postgresOptions(*at.Postgres), confirm)
	}
	if _, err := os.Stat(at.Filename); err != nil { // it would be created
		return nil, fmt.Errorf("looking for the database: %w; set DB_FILENAME or --config as for the host, which creates it at its first start (doorward serve)", err)
	}
	database, err := sqlite.OpenAlone(ctx, at.Filename, confirm)
	if errors.Is(err, sqlite.ErrInUse) {
		return nil, fmt.Errorf("%w (%w)", errHostRuns, err)
	}
	if err != nil {
		return nil, err
	}
	return database, nil
}

// confirmSecretIn checks SECRET against the database, as a start would, and changes
// nothing.
func confirmSecretIn(ctx context.Context, at config.Database, confirm sso.ConfirmSecret) error {
	if at.Postgres != nil {
		return postgres.ConfirmSecretIn(ctx, postgresOptions(*at.Postgres), confirm)
	}
	return sqlite.ConfirmSecretIn(ctx, at.Filename, confirm)
}

// countUsersIn counts the users of a provider in a database that no host on this machine
// has open, and changes nothing.
func countUsersIn(ctx context.Context, at config.Database, provider string) (int, error) {
	if at.Postgres != nil {
		return postgres.CountUsersIn(ctx, postgresOptions(*at.Postgres), provider)
	}
	return sqlite.CountUsersIn(ctx, at.Filename, provider)
}

// rolesIn reads the roles in a database that no host on this machine has open, and changes
// nothing.
func rolesIn(ctx context.Context, at config.Database) ([]sso.Role, error) {
	if at.Postgres != nil {
		return postgres.RolesIn(ctx, postgresOptions(*at.Postgres))
	}
	return sqlite.RolesIn(ctx, at.Filename)
}

// whoIn finds users in a database, which a host may be using, and changes nothing.
func whoIn(ctx context.Context, at config.Database, who string) ([]sso.Principal, error) {
	if at.Postgres != nil {
		return postgres.WhoIn(ctx, postgresOptions(*at.Postgres), who)
	}
	return sqlite.WhoIn(ctx, at.Filename, who)
}

// databaseWarnings returns warnings about how the database is reached.
func databaseWarnings(at config.Database) []string {
	if at.Postgres == nil {
		return nil
	}
	return postgresOptions(*at.Postgres).Warnings()
}

func postgresOptions(p config.Postgres) postgres.Options {
	return postgres.Options{
		ConnectionString: p.ConnectionString.Reveal(), Host: p.Host, Port: p.Port, User: p.User, Password: p.Password.Reveal(), Database: p.Database,
		TLS: p.TLS, MinConnections: p.MinConnections, MaxConnections: p.MaxConnections,
	}
}
