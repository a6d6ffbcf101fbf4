package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/sso"
)

const selectRoles = `SELECT id, name FROM doorward.roles ORDER BY name`

// Roles implements sso.Roles.
func (s *Store) Roles(ctx context.Context) (roles []sso.Role, err error) {
	err = s.read(ctx, "reading the roles", func(ctx context.Context, conn *pgxpool.Conn) (err error) {
		roles, err = rolesIn(ctx, conn)
		return err
	})
	return roles, err
}

func rolesIn(ctx context.Context, from querier) ([]sso.Role, error) {
	return collect(ctx, from, func(row pgx.CollectableRow) (r sso.Role, err error) {
		return r, row.Scan(&r.ID, &r.Name)
	}, selectRoles)
}

// RolesIn returns the roles without opening a Store. It changes nothing. A database
// without Doorward's schema has no roles, nor does one that predates them.
func RolesIn(ctx context.Context, o Options) (roles []sso.Role, err error) {
	err = o.readIn(ctx, "reading the roles of database", func(tx pgx.Tx) error {
		there, err := isTrue(ctx, tx, `SELECT to_regclass('doorward.roles') IS NOT NULL`)
		if err != nil || !there {
			return explain("looking for roles", err)
		}
		roles, err = rolesIn(ctx, tx)
		return explain("reading the roles", err)
	})
	return roles, err
}

// AddRole implements sso.Roles.
func (s *Store) AddRole(ctx context.Context, role sso.Role, event sso.Event) error {
	n, err := s.countNoted(ctx, "storing a role", event, `INSERT INTO doorward.roles (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING`, role.ID, role.Name)
	if err == nil && n == 0 {
		return sso.ErrRoleExists
	}
	return err
}

// RenameRole implements sso.Roles.
func (s *Store) RenameRole(ctx context.Context, id, name string, event sso.Event) error {
	return s.write(ctx, "renaming a role", func(ctx context.Context, t *transaction) error {
		var taken bool
		t.queue(`SELECT EXISTS (SELECT 1 FROM doorward.roles WHERE name = $1 AND id <> $2)`, name, id).QueryRow(scanInto(&taken))
		if err := t.send(ctx); err != nil {
			return err
		}
		if taken {
			return sso.ErrRoleExists
		}
		renamed := 0
		t.queue(`UPDATE doorward.roles SET name = $2 WHERE id = $1`, id, name).Exec(countInto(&renamed))
		err := t.send(ctx)
		if err := someRow(renamed, err, "role", id); err != nil {
			return err
		}
		t.note(event)
		return nil
	})
}

// RemoveRole implements sso.Roles. It reads all users, which is acceptable because roles
// are rarely removed.
func (s *Store) RemoveRole(ctx context.Context, id string, moveTo *string, event sso.Event) (users int, err error) {
	err = s.write(ctx, "removing a role", func(ctx context.Context, t *transaction) error {
		var removed int
		var there bool
		to := ""
		if moveTo != nil {
			to = *moveTo
		}
		t.queue(`DELETE FROM doorward.roles WHERE id = $1`, id).Exec(countInto(&removed))
		t.queue(`SELECT count(*) FROM doorward.users WHERE role = $1`, id).QueryRow(scanInto(&users))
		t.queue(`SELECT EXISTS (SELECT 1 FROM doorward.roles WHERE id = $1)`, to).QueryRow(scanInto(&there))
		if err := t.send(ctx); err != nil {
			return err
		}
		switch {
		case removed == 0:
			return fmt.Errorf("role %q: %w", id, sso.ErrNotFound)
		case users > 0 && moveTo == nil:
			return fmt.Errorf("%w: %d", sso.ErrRoleInUse, users)
		case users > 0 && to != "" && !there:
			return fmt.Errorf("role %q: %w", to, sso.ErrNotFound)
		case users > 0:
			t.queue(`UPDATE doorward.users SET role = $2 WHERE role = $1`, id, to)
		}
		t.note(event)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return users, nil
}

func countInto(n *int) func(pgconn.CommandTag) error {
	return func(tag pgconn.CommandTag) error {
		*n = int(tag.RowsAffected())
		return nil
	}
}
