package sqlite

import (
	"context"
	"database/sql"

	"github.com/doorward/doorward/host/internal/sso"
)

// The last session has the groups of the user, and the provider that reported them at the
// login.
const selectWho = `
	SELECT ` + userColumns + `, coalesce(last.group_names, ''), coalesce(last.provider, '')
	FROM users u LEFT JOIN sessions last ON last.pk = (SELECT s.pk FROM sessions s WHERE s.user_pk = u.pk ORDER BY s.created_at DESC LIMIT 1)
	WHERE u.id = ?1 OR u.email = ?1 COLLATE NOCASE OR u.username = ?1
	ORDER BY u.id LIMIT 10`

// WhoIn returns at most 10 users whose ID, e-mail address or username is who. Their
// sessions contain only the provider and the groups of the last one. It reads the
// database file, even while a host runs, and changes nothing; a file that does not exist
// has no users.
func WhoIn(ctx context.Context, path, who string) (list []sso.Principal, err error) {
	err = readIn(path, func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, selectWho, who)
		if err != nil {
			return explain("looking up a user", err)
		}
		defer rows.Close()
		for rows.Next() {
			var p sso.Principal
			if err := rows.Scan(append(userFields(&p.User), (*string)(&p.Session.Groups), &p.Session.Provider)...); err != nil {
				return explain("looking up a user", err)
			}
			list = append(list, p)
		}
		return explain("looking up a user", rows.Err())
	})
	return list, err
}
