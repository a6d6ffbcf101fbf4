package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// search is the query of an operator's list, built from the filters that are set, so that
// each filter can use its index.
type search struct {
	conditions []string
	arguments  []any
}

// where adds a condition unless its value is empty, which matches all rows.
func (s *search) where(condition, value string, arguments ...any) {
	if value == "" {
		return
	}
	if arguments == nil {
		arguments = []any{value}
	}
	s.conditions = append(s.conditions, condition)
	s.arguments = append(s.arguments, arguments...)
}

// from adds the position where the list continues, in the column that sorts it.
func (s *search) from(column string, part people.Part) error {
	if part.After == "" {
		return nil
	}
	pk, err := strconv.ParseInt(part.After, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %q is not a position in this list", people.ErrInvalid, part.After)
	}
	s.where(column+" > ?", part.After, pk)
	return nil
}

// statement returns the whole query. It selects one row more than the limit, to see
// whether there are more.
func (s *search) statement(selected, column string, part people.Part) (string, []any) {
	if len(s.conditions) > 0 {
		selected += " WHERE " + strings.Join(s.conditions, " AND ")
	}
	return selected + " ORDER BY " + column + " LIMIT ?", append(s.arguments, part.Limit+1)
}

// found reads a list. scan reads a row and returns its position.
func found[T any](ctx context.Context, s *Store, text string, arguments []any, limit int, scan func(row *sql.Rows, to *T) (pk int64, err error)) (list []T, next string, err error) {
	rows, err := s.reader.QueryContext(ctx, text, arguments...)
	if err != nil {
		return nil, "", explain("listing", err)
	}
	defer rows.Close()
	last := int64(0)
	for rows.Next() {
		if len(list) == limit {
			return list, strconv.FormatInt(last, 10), nil
		}
		var one T
		if last, err = scan(rows, &one); err != nil {
			return nil, "", explain("listing", err)
		}
		list = append(list, one)
	}
	return list, "", explain("listing", rows.Err())
}

const selectUsers = `SELECT u.pk, ` + userColumns + ` FROM users u`

// FindUsers implements people.Accounts.
func (s *Store) FindUsers(ctx context.Context, filter people.UserFilter, part people.Part) ([]sso.User, string, error) {
	var by search
	if filter.Provider == "" && filter.Subject != "" {
		return nil, "", nil
	}
	const linked = "u.pk IN (SELECT user_pk FROM links WHERE provider = ?"
	if filter.Subject != "" {
		by.where(linked+" AND subject = ?)", filter.Provider, filter.Provider, []byte(filter.Subject))
	} else {
		by.where(linked+")", filter.Provider)
	}
	by.where("u.status = ?", string(filter.Status))
	by.where("lower(u.email) = lower(?)", filter.Email)
	by.where("u.role = ?", filter.Role)
	if err := by.from("u.pk", part); err != nil {
		return nil, "", err
	}
	text, arguments := by.statement(selectUsers, "u.pk", part)
	return found(ctx, s, text, arguments, part.Limit, func(row *sql.Rows, u *sso.User) (pk int64, err error) {
		return pk, row.Scan(append([]any{&pk}, userFields(u)...)...)
	})
}

const selectUserByID = `SELECT u.pk, ` + userColumns + ` FROM users u WHERE u.id = ?`

// UserByID implements people.Accounts.
func (s *Store) UserByID(ctx context.Context, id string) (sso.User, []people.Link, error) {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // a consistent view of user and links
	if err != nil {
		return sso.User{}, nil, explain("looking up a user", err)
	}
	defer func() { _ = tx.Rollback() }()
	user, pk, err := userIn(ctx, tx, id)
	if err != nil {
		return sso.User{}, nil, err
	}
	links, err := linksIn(ctx, tx, pk)
	return user, links, err
}

func userIn(ctx context.Context, tx *sql.Tx, id string) (user sso.User, pk int64, err error) {
	err = tx.QueryRowContext(ctx, selectUserByID, id).Scan(append([]any{&pk}, userFields(&user)...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return sso.User{}, 0, fmt.Errorf("user %q: %w", id, sso.ErrNotFound)
	}
	return user, pk, explain("looking up a user", err)
}

const selectLinks = `SELECT provider, subject FROM links WHERE user_pk = ? ORDER BY provider, subject`

func linksIn(ctx context.Context, tx *sql.Tx, userPK int64) (links []people.Link, err error) {
	rows, err := tx.QueryContext(ctx, selectLinks, userPK)
	if err != nil {
		return nil, explain("looking up the links of a user", err)
	}
	defer rows.Close()
	for rows.Next() {
		var link people.Link
		if err := rows.Scan(&link.Provider, &link.Subject); err != nil {
			return nil, explain("looking up the links of a user", err)
		}
		links = append(links, link)
	}
	return links, explain("looking up the links of a user", rows.Err())
}

// AddUser implements people.Accounts.
func (s *Store) AddUser(ctx context.Context, user sso.User, event sso.Event, claims ...sso.Claim) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if user.Linked() {
			if err := s.checkFree(ctx, tx, people.Link{Provider: user.Provider, Subject: user.Subject}); err != nil {
				return err
			}
		}
		if _, _, err := userIn(ctx, tx, user.ID); !errors.Is(err, sso.ErrNotFound) {
			if err == nil {
				err = fmt.Errorf("user %q: %w", user.ID, people.ErrTaken)
			}
			return err
		}
		return s.noteIf(ctx, tx, addWaiting(ctx, tx, user, claims), event)
	})
}

// checkFree returns an error that names the user, if the link belongs to one.
func (s *Store) checkFree(ctx context.Context, tx *sql.Tx, link people.Link) error {
	owner, err := s.linkedUser(ctx, tx, link.Provider, link.Subject)
	if errors.Is(err, sso.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return &people.LinkTakenError{Link: link, User: owner}
}

// ChangeUser implements people.Accounts.
func (s *Store) ChangeUser(ctx context.Context, id string, change func(user *sso.User) ([]sso.Event, error)) (user sso.User, ended int, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		var pk int64
		if user, pk, err = userIn(ctx, tx, id); err != nil {
			return err
		}
		before := user.Status
		events, err := change(&user)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE users SET status = ?, role = ?, username = ?, email = ?, email_verified_by = ?, first_name = ?, last_name = ?, language = ? WHERE pk = ?`,
			string(user.Status), user.Role, user.Username, user.Email, user.EmailVerifiedBy, user.FirstName, user.LastName, user.Language, pk)
		if err != nil {
			return explain("changing a user", err)
		}
		ended = 0
		if before != sso.UserActive || user.Status != sso.UserActive {
			if ended, err = execCounted(ctx, tx, endUserSessions, pk); err != nil {
				return err
			}
		}
		for i := range events {
			events[i].SessionsEnded = ended
		}
		return s.note(ctx, tx, events...)
	})
	if err != nil {
		return sso.User{}, 0, err
	}
	return user, ended, nil
}

const endUserSessions = `DELETE FROM sessions WHERE user_pk = ?`

// execCounted runs a statement and returns how many rows it changed.
func execCounted(ctx context.Context, tx *sql.Tx, text string, arguments ...any) (int, error) {
	result, err := tx.ExecContext(ctx, text, arguments...)
	if err != nil {
		return 0, explain("writing", err)
	}
	n, err := result.RowsAffected()
	return int(n), explain("counting rows", err)
}

// DeleteUser implements people.Accounts.
func (s *Store) DeleteUser(ctx context.Context, id string, event sso.Event) (ended int, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		_, pk, err := userIn(ctx, tx, id)
		if err != nil {
			return err
		}
		if ended, err = execCounted(ctx, tx, endUserSessions, pk); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM users WHERE pk = ?`, pk) // its links go with it
		event.SessionsEnded = ended
		return s.noteIf(ctx, tx, explain("deleting a user", err), event)
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}

// AddLink implements people.Accounts.
func (s *Store) AddLink(ctx context.Context, id string, link people.Link, event sso.Event) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, pk, err := userIn(ctx, tx, id)
		if err != nil {
			return err
		}
		return s.addLink(ctx, tx, pk, id, link, event)
	})
}

// addLink adds a link to the user with that ID.
func (s *Store) addLink(ctx context.Context, tx *sql.Tx, pk int64, id string, link people.Link, event sso.Event) error {
	taken, isTaken := errors.AsType[*people.LinkTakenError](s.checkFree(ctx, tx, link))
	switch {
	case isTaken && taken.User.ID == id:
		return nil
	case isTaken:
		return taken
	}
	var links int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM links WHERE user_pk = ?`, pk).Scan(&links); err != nil {
		return explain("counting the links of a user", err)
	}
	if links >= people.MaxLinks {
		return fmt.Errorf("links of user %q: %w: %d", id, people.ErrFull, links)
	}
	return s.noteIf(ctx, tx, tieLink(ctx, tx, link, pk), event)
}

const (
	// Without the link, sessions that no other link of the user could have created end,
	// too.
	endLinkSessions = `DELETE FROM sessions WHERE user_pk = ? AND provider = ? AND NOT EXISTS (
		SELECT 1 FROM provider_sessions p JOIN links l ON l.provider = p.provider AND l.subject = p.subject
		WHERE p.session_pk = sessions.pk AND l.user_pk = sessions.user_pk)`

	// Otherwise the next login by that identity could add the link again, by the address.
	forgetVerified = `UPDATE users SET email_verified_by = '' WHERE pk = ? AND email_verified_by = ?`

	// The link that created the user is gone: another takes its place, or none.
	moveOrigin = `UPDATE users SET
			provider = coalesce((SELECT provider FROM links WHERE user_pk = users.pk ORDER BY provider, subject LIMIT 1), ''),
			subject = coalesce((SELECT subject FROM links WHERE user_pk = users.pk ORDER BY provider, subject LIMIT 1), x'')
		WHERE pk = ? AND provider = ? AND subject = ?`
)

// RemoveLink implements people.Accounts.
func (s *Store) RemoveLink(ctx context.Context, id string, link people.Link, event sso.Event) (ended int, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		_, pk, err := userIn(ctx, tx, id)
		if err != nil {
			return err
		}
		ended, err = s.removeLink(ctx, tx, pk, id, link, event)
		return err
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}

// removeLink removes a link from the user with that ID.
func (s *Store) removeLink(ctx context.Context, tx *sql.Tx, pk int64, id string, link people.Link, event sso.Event) (ended int, err error) {
	subject := []byte(link.Subject)
	removed, err := execCounted(ctx, tx, `DELETE FROM links WHERE provider = ? AND subject = ? AND user_pk = ?`, link.Provider, subject, pk)
	if err != nil {
		return 0, err
	}
	if removed == 0 {
		return 0, fmt.Errorf("subject %q at provider %s, of user %s: %w", link.Subject, link.Provider, id, sso.ErrNotFound)
	}
	if ended, err = execCounted(ctx, tx, endLinkSessions, pk, link.Provider); err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, forgetVerified, pk, link.Provider); err != nil {
		return 0, explain("unlinking a user", err)
	}
	_, err = tx.ExecContext(ctx, moveOrigin, pk, link.Provider, subject)
	event.SessionsEnded = ended
	return ended, s.noteIf(ctx, tx, explain("unlinking a user", err), event)
}

const selectSessions = `
	SELECT s.pk, s.id, u.id, u.email, s.provider, s.kind, s.created_at, s.expires_at, s.not_after, s.ip, s.user_agent
	FROM sessions s JOIN users u ON u.pk = s.user_pk`

// FindSessions implements people.Accounts.
func (s *Store) FindSessions(ctx context.Context, filter people.SessionFilter, part people.Part) ([]people.StoredSession, string, error) {
	var by search
	by.where("u.id = ?", filter.User)
	by.where("s.provider = ?", filter.Provider)
	by.conditions, by.arguments = append(by.conditions, "s.expires_at > ?"), append(by.arguments, timestamp(filter.Now))
	if err := by.from("s.pk", part); err != nil {
		return nil, "", err
	}
	text, arguments := by.statement(selectSessions, "s.pk", part)
	return found(ctx, s, text, arguments, part.Limit, func(row *sql.Rows, to *people.StoredSession) (pk int64, err error) {
		session := &to.Session
		return pk, row.Scan(&pk, &session.ID, &session.UserID, &to.Email, &session.Provider, (*string)(&session.Kind),
			(*timestamp)(&session.CreatedAt), (*timestamp)(&session.ExpiresAt), (*timestamp)(&session.NotAfter), &session.IP, &session.UserAgent)
	})
}
