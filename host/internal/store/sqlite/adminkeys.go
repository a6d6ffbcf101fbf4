package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// AddAdminKey implements people.AdminKeys.
func (s *Store) AddAdminKey(ctx context.Context, key people.Key, hash people.KeyHash, event sso.Event) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		names := make([]string, len(key.Scopes))
		for i, scope := range key.Scopes {
			names[i] = string(scope)
		}
		added, err := execCounted(ctx, tx, `
			INSERT INTO admin_keys (id, name, hash, scopes, created_at, expires_at, last_used) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`,
			key.ID, key.Name, hash[:], strings.Join(names, " "), timestamp(key.CreatedAt), timestamp(key.ExpiresAt), timestamp(key.LastUsed))
		if err == nil && added == 0 {
			err = fmt.Errorf("key %q: %w", key.Name, people.ErrTaken)
		}
		return s.noteIf(ctx, tx, err, event)
	})
}

const (
	selectAdminKeys = `SELECT pk, id, name, scopes, created_at, expires_at, last_used FROM admin_keys`
	selectAdminKey  = selectAdminKeys + ` WHERE hash = ?`
)

// AdminKey implements people.AdminKeys.
func (s *Store) AdminKey(ctx context.Context, hash people.KeyHash) (key people.Key, err error) {
	_, err = scanAdminKey(s.reader.QueryRowContext(ctx, selectAdminKey, hash[:]), &key)
	if errors.Is(err, sql.ErrNoRows) {
		return people.Key{}, sso.ErrNotFound
	}
	return key, explain("looking up a key", err)
}

func scanAdminKey(row interface{ Scan(to ...any) error }, key *people.Key) (pk int64, err error) {
	var scopes string
	err = row.Scan(&pk, &key.ID, &key.Name, &scopes, (*timestamp)(&key.CreatedAt), (*timestamp)(&key.ExpiresAt), (*timestamp)(&key.LastUsed))
	for name := range strings.FieldsSeq(scopes) {
		key.Scopes = append(key.Scopes, people.Scope(name))
	}
	return pk, err
}

// AdminKeyUsed implements people.AdminKeys.
func (s *Store) AdminKeyUsed(ctx context.Context, id string, at time.Time) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE admin_keys SET last_used = ? WHERE id = ?`, timestamp(at), id)
		return explain("noting the use of a key", err)
	})
}

// FindAdminKeys implements people.AdminKeys.
func (s *Store) FindAdminKeys(ctx context.Context, part people.Part) ([]people.Key, string, error) {
	var by search
	if err := by.from("pk", part); err != nil {
		return nil, "", err
	}
	text, arguments := by.statement(selectAdminKeys, "pk", part)
	return found(ctx, s, text, arguments, part.Limit, func(row *sql.Rows, key *people.Key) (int64, error) { return scanAdminKey(row, key) })
}

// RemoveAdminKey implements people.AdminKeys.
func (s *Store) RemoveAdminKey(ctx context.Context, id string, event sso.Event) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM admin_keys WHERE id = ?1 OR name = ?1`, id)
		if err != nil {
			return explain("removing a key", err)
		}
		return s.noteIf(ctx, tx, someRow(result, "key", id), event)
	})
}
