package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// selectByEmail uses the index of verified addresses. lower folds ASCII only.
const selectByEmail = `
	SELECT u.pk, ` + userColumns + `
	FROM users u
	WHERE lower(u.email) = lower(?) AND u.email_verified_by <> ''
		AND NOT EXISTS (SELECT 1 FROM links l WHERE l.user_pk = u.pk AND l.provider = ?)`

// LinkByEmail implements sso.Links.
func (s *Store) LinkByEmail(ctx context.Context, link sso.EmailLink) (linked bool, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		linked = false
		_, err := s.linkedUser(ctx, tx, link.Provider, link.Subject)
		if !errors.Is(err, sso.ErrNotFound) {
			return err
		}
		pk, user, err := userByEmail(ctx, tx, link)
		if errors.Is(err, sso.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := user.MaySignIn(); err != nil {
			return err
		}
		linked = true
		link.Event.UserID = user.ID
		return s.noteIf(ctx, tx, tieLink(ctx, tx, people.Link{Provider: link.Provider, Subject: link.Subject}, pk), link.Event)
	})
	return linked && err == nil, err
}

func userByEmail(ctx context.Context, tx *sql.Tx, link sso.EmailLink) (pk int64, user sso.User, err error) {
	rows, err := tx.QueryContext(ctx, selectByEmail, link.Email, link.Provider)
	if err != nil {
		return 0, sso.User{}, explain("looking up an e-mail address", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has what matters
	found := 0
	for rows.Next() {
		var next sso.User
		var nextPK int64
		if err := rows.Scan(append([]any{&nextPK}, userFields(&next)...)...); err != nil {
			return 0, sso.User{}, explain("looking up an e-mail address", err)
		}
		if slices.Contains(link.Trusted, next.EmailVerifiedBy) {
			pk, user = nextPK, next
			found++
		}
	}
	switch err := rows.Err(); {
	case err != nil:
		return 0, sso.User{}, explain("looking up an e-mail address", err)
	case found == 0:
		return 0, sso.User{}, sso.ErrNotFound
	case found > 1:
		return 0, sso.User{}, sso.ErrSeveralUsers
	}
	return pk, user, nil
}

func insertLink(ctx context.Context, tx *sql.Tx, provider, subject string, userPK int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO links (provider, subject, user_pk) VALUES (?, ?, ?)`, provider, []byte(subject), userPK)
	return explain("storing a link", err)
}
