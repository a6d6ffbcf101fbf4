package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// AddAdminKey implements people.AdminKeys.
func (s *Store) AddAdminKey(ctx context.Context, key people.Key, hash people.KeyHash, event sso.Event) error {
	names := make([]string, len(key.Scopes))
	for i, scope := range key.Scopes {
		names[i] = string(scope)
	}
	added, err := s.countNoted(ctx, "storing a key", event, `
		INSERT INTO doorward.admin_keys (id, name, hash, scopes, created_at, expires_at, last_used) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT DO NOTHING`,
		key.ID, text(key.Name), hash[:], strings.Join(names, " "), millis(key.CreatedAt), millis(key.ExpiresAt), millis(key.LastUsed))
	if err == nil && added == 0 {
		err = fmt.Errorf("key %q: %w", key.Name, people.ErrTaken)
	}
	return err
}

const (
	selectAdminKeys = `SELECT pk, id, name, string_to_array(scopes, ' '), created_at, expires_at, last_used FROM doorward.admin_keys`
	selectAdminKey  = selectAdminKeys + ` WHERE hash = $1`
)

func adminKeyFields(k *placed[people.Key]) []any {
	return []any{&k.pk, &k.row.ID, &k.row.Name, &k.row.Scopes, moment{&k.row.CreatedAt}, moment{&k.row.ExpiresAt}, moment{&k.row.LastUsed}}
}

// AdminKey implements people.AdminKeys.
func (s *Store) AdminKey(ctx context.Context, hash people.KeyHash) (people.Key, error) {
	var key placed[people.Key]
	found, err := s.lookUp(ctx, "looking up a key", selectAdminKey, adminKeyFields(&key), hash[:])
	if err == nil && !found {
		err = sso.ErrNotFound
	}
	return key.row, err
}

// AdminKeyUsed implements people.AdminKeys.
func (s *Store) AdminKeyUsed(ctx context.Context, id string, at time.Time) error {
	return s.run(ctx, "noting the use of a key", `UPDATE doorward.admin_keys SET last_used = $2 WHERE id = $1`, id, millis(at))
}

// FindAdminKeys implements people.AdminKeys.
func (s *Store) FindAdminKeys(ctx context.Context, part people.Part) ([]people.Key, string, error) {
	var by search
	if err := by.from("pk", part); err != nil {
		return nil, "", err
	}
	statement := by.statement(selectAdminKeys, "pk", part)
	return find(ctx, s, "listing keys", statement, by, part.Limit, func(row pgx.CollectableRow) (key placed[people.Key], err error) {
		return key, row.Scan(adminKeyFields(&key)...)
	})
}

// RemoveAdminKey implements people.AdminKeys.
func (s *Store) RemoveAdminKey(ctx context.Context, idOrName string, event sso.Event) error {
	n, err := s.countNoted(ctx, "removing a key", event, `DELETE FROM doorward.admin_keys WHERE id = $1 OR name = $1`, text(idOrName))
	return someRow(n, err, "key", idOrName)
}
