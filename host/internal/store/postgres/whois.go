package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/doorward/doorward/host/internal/sso"
)

// The last session has the groups of the user, and the provider that reported them at the
// login.
const selectWho = `
	SELECT ` + userColumns + `, coalesce(last.group_names, ''), coalesce(last.provider, '')
	FROM doorward.users u LEFT JOIN doorward.sessions last ON last.pk = (
		SELECT s.pk FROM doorward.sessions s WHERE s.user_pk = u.pk ORDER BY s.created_at DESC NULLS LAST LIMIT 1
	)
	WHERE u.id = $1 OR lower(u.email) = lower($1) OR u.username = $1
	ORDER BY u.id LIMIT 10`

// WhoIn returns at most 10 users whose ID, e-mail address or username is who. Their
// sessions contain only the provider and the groups of the last one. It changes nothing;
// a database without Doorward's schema has no users.
func WhoIn(ctx context.Context, o Options, who string) (list []sso.Principal, err error) {
	err = o.readIn(ctx, "looking up a user in database", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectWho, text(who))
		if err != nil {
			return explain("looking up a user", err)
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p sso.Principal, err error) {
			return p, row.Scan(append(userFields(&p.User), (*string)(&p.Session.Groups), &p.Session.Provider)...)
		})
		return explain("looking up a user", err)
	})
	return list, err
}
