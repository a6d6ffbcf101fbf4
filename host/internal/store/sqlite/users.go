package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/doorward/doorward/host/internal/sso"
)

// userColumns are the columns that userFields scans.
const userColumns = `u.id, u.provider, u.subject, u.status, u.role, u.username, u.email, u.email_verified_by, u.first_name, u.last_name, u.language, u.created_at, u.last_access`

const selectUserByLink = `
	SELECT ` + userColumns + `
	FROM links l JOIN users u ON u.pk = l.user_pk
	WHERE l.provider = ? AND l.subject = ?`

func userFields(u *sso.User) []any {
	return []any{
		&u.ID, &u.Provider, &u.Subject, (*string)(&u.Status), &u.Role, &u.Username, &u.Email, &u.EmailVerifiedBy, &u.FirstName, &u.LastName, &u.Language,
		(*timestamp)(&u.CreatedAt), (*timestamp)(&u.LastAccess),
	}
}

const countUsers = `SELECT count(*) FROM links WHERE provider = ?`

// CountUsers implements store.Store.
func (s *Store) CountUsers(ctx context.Context, provider string) (int, error) {
	return countUsersIn(ctx, s.reader, provider)
}

func countUsersIn(ctx context.Context, db *sql.DB, provider string) (n int, err error) {
	err = db.QueryRowContext(ctx, countUsers, provider).Scan(&n)
	return n, explain("counting users", err)
}

// CountUsersIn is CountUsers for a database file, without opening a Store. It changes
// nothing, and a file that does not exist has no users.
func CountUsersIn(ctx context.Context, path, provider string) (n int, err error) {
	err = readIn(path, func(db *sql.DB) (err error) {
		n, err = countUsersIn(ctx, db, provider)
		return err
	})
	return n, err
}

// CreateUser implements sso.Users.
func (s *Store) CreateUser(ctx context.Context, user sso.User) (sso.User, error) {
	var stored sso.User
	err := s.write(ctx, func(tx *sql.Tx) (err error) {
		stored, err = s.linkedUser(ctx, tx, user.Provider, user.Subject)
		if !errors.Is(err, sso.ErrNotFound) {
			return err
		}
		// Nobody can have created the link since, as the transaction has the write lock.
		if err := insertUser(ctx, tx, user); err != nil {
			return err
		}
		stored, err = s.linkedUser(ctx, tx, user.Provider, user.Subject)
		return err
	})
	if err != nil {
		return sso.User{}, err
	}
	return stored, nil
}

func (s *Store) linkedUser(ctx context.Context, tx *sql.Tx, provider, subject string) (sso.User, error) {
	var u sso.User
	err := s.find(ctx, tx, selectUserByLink, provider, []byte(subject)).Scan(userFields(&u)...)
	if errors.Is(err, sql.ErrNoRows) {
		return sso.User{}, sso.ErrNotFound
	}
	u.Provider, u.Subject = provider, subject
	return u, explain("looking up a user", err)
}

func insertUser(ctx context.Context, tx *sql.Tx, u sso.User) error {
	result, err := tx.ExecContext(ctx, `
		INSERT INTO users (id, provider, subject, status, role, username, email, email_verified_by, first_name, last_name, language, created_at, last_access)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.ID, u.Provider, []byte(u.Subject), string(u.Status), u.Role, u.Username, u.Email, u.EmailVerifiedBy, u.FirstName, u.LastName, u.Language,
		timestamp(u.CreatedAt), timestamp(u.LastAccess))
	if err != nil {
		return explain("storing a user", err)
	}
	if !u.Linked() {
		return nil // no link yet
	}
	pk, err := result.LastInsertId()
	if err != nil {
		return explain("storing a user", err)
	}
	return insertLink(ctx, tx, u.Provider, u.Subject, pk)
}

const updateUser = `
	UPDATE users SET role = ?, username = ?, email = ?, email_verified_by = ?, first_name = ?, last_name = ?, last_access = ? WHERE id = ?`

func (s *Store) updateUser(ctx context.Context, tx *sql.Tx, u sso.User) error {
	result, err := s.run(ctx, tx, updateUser,
		u.Role, u.Username, u.Email, u.EmailVerifiedBy, u.FirstName, u.LastName, timestamp(u.LastAccess), u.ID)
	if err != nil {
		return explain("updating a user", err)
	}
	return someRow(result, "user", u.ID)
}

// someRow returns ErrNotFound if a statement affected no row.
func someRow(result sql.Result, what, id string) error {
	n, err := result.RowsAffected()
	if err != nil {
		return explain("counting rows", err)
	}
	if n == 0 {
		return fmt.Errorf("%s %q: %w", what, id, sso.ErrNotFound)
	}
	return nil
}
