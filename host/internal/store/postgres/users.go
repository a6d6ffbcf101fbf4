package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/doorward/doorward/host/internal/sso"
)

// userColumns are the columns that userFields scans.
const userColumns = `u.id, u.provider, u.subject, u.status, u.role, u.username, u.email, u.email_verified_by, u.first_name, u.last_name, u.language, u.created_at, u.last_access`

func userFields(u *sso.User) []any {
	return []any{
		&u.ID, &u.Provider, asString{&u.Subject}, (*string)(&u.Status), &u.Role, &u.Username, &u.Email, &u.EmailVerifiedBy, &u.FirstName, &u.LastName, &u.Language,
		moment{&u.CreatedAt}, moment{&u.LastAccess},
	}
}

const (
	selectUserByLink = `
		SELECT u.pk, ` + userColumns + `
		FROM doorward.links l JOIN doorward.users u ON u.pk = l.user_pk
		WHERE l.provider = $1 AND l.subject = $2`

	// The user stays as it was read until the transaction ends. Other transactions can
	// still add sessions of the user, because they take a lock that this one allows.
	lockUserByLink = selectUserByLink + ` FOR NO KEY UPDATE OF u`
)

const countUsers = `SELECT count(*) FROM doorward.links WHERE provider = $1`

// CountUsers implements store.Store.
func (s *Store) CountUsers(ctx context.Context, provider string) (n int, err error) {
	_, err = s.lookUp(ctx, "counting users", countUsers, []any{&n}, provider)
	return n, err
}

// insertUser stores a link and its user, or nothing if the link exists. If another
// transaction is about to store it, this waits for that one to end. Nobody can see the
// link before its user, because one statement stores both.
const insertUser = `
	WITH link AS (
		INSERT INTO doorward.links (provider, subject, user_pk)
		VALUES ($2, $3, nextval(pg_get_serial_sequence('doorward.users', 'pk')))
		ON CONFLICT DO NOTHING RETURNING user_pk
	)
	INSERT INTO doorward.users (pk, id, provider, subject, status, role, username, email, email_verified_by, first_name, last_name, language, created_at, last_access)
	SELECT user_pk, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM link
	RETURNING pk`

func queueInsertUser(t *transaction, u sso.User) *pgx.QueuedQuery {
	return t.queue(insertUser, u.ID, u.Provider, []byte(u.Subject), string(u.Status), text(u.Role), text(u.Username), text(u.Email), u.EmailVerifiedBy,
		text(u.FirstName), text(u.LastName), text(u.Language), millis(u.CreatedAt), millis(u.LastAccess))
}

// CreateUser implements sso.Users. The second statement sees what the first waited for.
func (s *Store) CreateUser(ctx context.Context, user sso.User) (sso.User, error) {
	var stored sso.User
	err := s.write(ctx, "storing a user", func(_ context.Context, t *transaction) error {
		var pk int64
		stored = sso.User{}
		queueInsertUser(t, user)
		t.queue(selectUserByLink, user.Provider, []byte(user.Subject)).QueryRow(scanInto(append([]any{&pk}, userFields(&stored)...)...))
		return nil
	})
	if err != nil {
		return sso.User{}, err
	}
	return withLink(stored, user.Provider, user.Subject), nil
}

// withLink is the user as found by that link.
func withLink(u sso.User, provider, subject string) sso.User {
	u.Provider, u.Subject = provider, subject
	return u
}

const updateUser = `
	UPDATE doorward.users SET role = $2, username = $3, email = $4, email_verified_by = $5, first_name = $6, last_name = $7, last_access = $8 WHERE id = $1`

func changedFields(u sso.User) []any {
	return []any{u.ID, text(u.Role), text(u.Username), text(u.Email), u.EmailVerifiedBy, text(u.FirstName), text(u.LastName), millis(u.LastAccess)}
}

// someRow returns ErrNotFound if a statement affected no row.
func someRow(n int, err error, what, id string) error {
	if err == nil && n == 0 {
		return fmt.Errorf("%s %q: %w", what, id, sso.ErrNotFound)
	}
	return err
}
