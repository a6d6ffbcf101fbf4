package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/doorward/doorward/host/internal/sso"
)

// ConfirmSecretIn calls confirm with what is sealed in a database, as [Open] would, and
// changes nothing. A database without Doorward's schema is confirmed.
func ConfirmSecretIn(ctx context.Context, o Options, confirm sso.ConfirmSecret) error {
	return o.readIn(ctx, "checking SECRET against database", func(tx pgx.Tx) error {
		sample, err := sampleSealed(ctx, tx)
		if err != nil {
			return explain("reading what is sealed under SECRET", err)
		}
		_, err = confirm(sample)
		return err
	})
}

// CountUsersIn is CountUsers without opening a Store. It changes nothing, and a database
// without Doorward's schema has no users.
func CountUsersIn(ctx context.Context, o Options, provider string) (n int, err error) {
	err = o.readIn(ctx, "counting the users of database", func(tx pgx.Tx) error {
		return explain("counting users", tx.QueryRow(ctx, countUsers, provider).Scan(&n))
	})
	return n, err
}

// readIn reads a database if it has Doorward's schema.
func (o Options) readIn(ctx context.Context, doing string, read func(tx pgx.Tx) error) error {
	config, err := o.poolConfig()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := readWith(ctx, config.ConnConfig, read); err != nil {
		return fmt.Errorf("%s %s: %w", doing, where(config.ConnConfig), err)
	}
	return nil
}

func readWith(ctx context.Context, config *pgx.ConnConfig, read func(tx pgx.Tx) error) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return explain("connecting", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return explain("connecting", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing was written
	if err := checkEncoding(ctx, tx); err != nil {
		return err
	}
	if exists, err := schemaExists(ctx, tx); err != nil || !exists {
		return err
	}
	return read(tx)
}
