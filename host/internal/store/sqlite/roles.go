package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/doorward/doorward/host/internal/sso"
)

// Roles implements sso.Roles.
func (s *Store) Roles(ctx context.Context) ([]sso.Role, error) { return rolesIn(ctx, s.reader) }

// RolesIn returns the roles in a database file without opening a Store. It changes
// nothing. A file that does not exist, or that predates roles, has none.
func RolesIn(ctx context.Context, path string) (roles []sso.Role, err error) {
	err = readIn(path, func(db *sql.DB) (err error) {
		var there bool
		err = db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'roles')`).Scan(&there)
		if err != nil || !there {
			return explain("looking for roles", err)
		}
		roles, err = rolesIn(ctx, db)
		return err
	})
	return roles, err
}

func rolesIn(ctx context.Context, db *sql.DB) ([]sso.Role, error) {
	rows, err := db.QueryContext(ctx, `SELECT id, name FROM roles ORDER BY name`)
	if err != nil {
		return nil, explain("reading the roles", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has what matters
	var roles []sso.Role
	for rows.Next() {
		var r sso.Role
		if err := rows.Scan(&r.ID, &r.Name); err != nil {
			return nil, explain("reading a role", err)
		}
		roles = append(roles, r)
	}
	return roles, explain("reading the roles", rows.Err())
}

// AddRole implements sso.Roles.
func (s *Store) AddRole(ctx context.Context, role sso.Role, event sso.Event) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO roles (id, name) VALUES (?, ?) ON CONFLICT DO NOTHING`, role.ID, role.Name)
		if err != nil {
			return explain("storing a role", err)
		}
		if err := someRow(result, "role", role.ID); errors.Is(err, sso.ErrNotFound) {
			return sso.ErrRoleExists
		} else if err != nil {
			return err
		}
		return s.note(ctx, tx, event)
	})
}

// RenameRole implements sso.Roles.
func (s *Store) RenameRole(ctx context.Context, id, name string, event sso.Event) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		var taken bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM roles WHERE name = ? AND id <> ?)`, name, id).Scan(&taken)
		if err != nil {
			return explain("looking up the name of a role", err)
		}
		if taken {
			return sso.ErrRoleExists
		}
		result, err := tx.ExecContext(ctx, `UPDATE roles SET name = ? WHERE id = ?`, name, id)
		if err != nil {
			return explain("renaming a role", err)
		}
		return s.noteIf(ctx, tx, someRow(result, "role", id), event)
	})
}

// RemoveRole implements sso.Roles.
func (s *Store) RemoveRole(ctx context.Context, id string, moveTo *string, event sso.Event) (users int, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM roles WHERE id = ?`, id)
		if err != nil {
			return explain("removing a role", err)
		}
		if err := someRow(result, "role", id); err != nil {
			return err
		}
		users, err = moveUsers(ctx, tx, id, moveTo)
		return s.noteIf(ctx, tx, err, event)
	})
	if err != nil {
		return 0, err
	}
	return users, nil
}

// moveUsers reads all users, which is acceptable because roles are rarely removed.
func moveUsers(ctx context.Context, tx *sql.Tx, from string, to *string) (users int, err error) {
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM users WHERE role = ?`, from).Scan(&users); err != nil {
		return 0, explain("counting the users of a role", err)
	}
	switch {
	case users == 0:
		return 0, nil
	case to == nil:
		return 0, fmt.Errorf("%w: %d", sso.ErrRoleInUse, users)
	case *to != "":
		var there bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM roles WHERE id = ?)`, *to).Scan(&there); err != nil {
			return 0, explain("looking up a role", err)
		}
		if !there {
			return 0, fmt.Errorf("role %q: %w", *to, sso.ErrNotFound)
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE users SET role = ? WHERE role = ?`, *to, from)
	return users, explain("moving users to another role", err)
}
