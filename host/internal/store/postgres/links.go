package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

const (
	verifiedEmail = `lower(u.email) = lower($1::text COLLATE "C") AND u.email_verified_by <> ''`

	// A transaction that links one of these users waits here for any other that does so
	// already.
	lockByEmail = `SELECT u.pk FROM doorward.users u WHERE ` + verifiedEmail + ` ORDER BY u.pk FOR NO KEY UPDATE`

	// A separate statement, because the one that waited for a lock read all links before
	// it waited.
	selectByEmail = `
		SELECT u.pk, ` + userColumns + `
		FROM doorward.users u
		WHERE ` + verifiedEmail + `
			AND NOT EXISTS (SELECT 1 FROM doorward.links l WHERE l.user_pk = u.pk AND l.provider = $2)`

	insertLink = `INSERT INTO doorward.links (provider, subject, user_pk) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
)

// LinkByEmail implements sso.Links.
func (s *Store) LinkByEmail(ctx context.Context, link sso.EmailLink) (linked bool, err error) {
	added := 0
	err = s.write(ctx, "linking a user", func(ctx context.Context, t *transaction) error {
		added = 0
		email, subject := text(link.Email), []byte(link.Subject)
		var there bool
		var users []linkable
		t.queue(lockByEmail, email).Exec(countInto(new(int)))
		t.queue(`SELECT EXISTS (SELECT 1 FROM doorward.links WHERE provider = $1 AND subject = $2)`, link.Provider, subject).QueryRow(scanInto(&there))
		t.queue(selectByEmail, email, link.Provider).Query(func(rows pgx.Rows) (err error) {
			users, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (u linkable, err error) {
				return u, row.Scan(append([]any{&u.pk}, userFields(&u.User)...)...)
			})
			return err
		})
		if err := t.send(ctx); err != nil || there {
			return err
		}
		users = slices.DeleteFunc(users, func(u linkable) bool { return !slices.Contains(link.Trusted, u.EmailVerifiedBy) })
		switch {
		case len(users) == 0:
			return nil
		case len(users) > 1:
			return sso.ErrSeveralUsers
		case users[0].MaySignIn() != nil:
			return users[0].MaySignIn()
		}
		queueTieLink(t, people.Link{Provider: link.Provider, Subject: link.Subject}, users[0].pk, &added)
		if err := t.send(ctx); err != nil || added == 0 {
			return err
		}
		event := link.Event
		event.UserID = users[0].ID
		t.note(event)
		return nil
	})
	return added > 0 && err == nil, err
}

// linkable is a user with an e-mail address.
type linkable struct {
	sso.User
	pk int64
}
