package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

const selectUsers = `SELECT u.pk, ` + userColumns + ` FROM doorward.users u`

// FindUsers implements people.Accounts.
func (s *Store) FindUsers(ctx context.Context, filter people.UserFilter, part people.Part) ([]sso.User, string, error) {
	var by search
	switch {
	case filter.Provider == "" && filter.Subject != "":
		return nil, "", nil
	case filter.Subject != "":
		by.where("u.pk IN (SELECT user_pk FROM doorward.links WHERE provider = ? AND subject = ?)", text(filter.Provider), []byte(filter.Subject))
	default:
		by.whereGiven("u.pk IN (SELECT user_pk FROM doorward.links WHERE provider = ?)", filter.Provider)
	}
	by.whereGiven("u.status = ?", string(filter.Status))
	by.whereGiven(`lower(u.email) = lower(?::text COLLATE "C")`, filter.Email)
	by.whereGiven("u.role = ?", filter.Role)
	if err := by.from("u.pk", part); err != nil {
		return nil, "", err
	}
	statement := by.statement(selectUsers, "u.pk", part)
	return find(ctx, s, "listing users", statement, by, part.Limit, func(row pgx.CollectableRow) (u placed[sso.User], err error) {
		return u, row.Scan(append([]any{&u.pk}, userFields(&u.row)...)...)
	})
}

// A consistent view of a user and the links.
const selectUserWithLinks = `
	SELECT l.user_pk IS NOT NULL, coalesce(l.provider, ''), coalesce(l.subject, ''::bytea), ` + userColumns + `
	FROM doorward.users u LEFT JOIN doorward.links l ON l.user_pk = u.pk
	WHERE u.id = $1 ORDER BY l.provider, l.subject`

// UserByID implements people.Accounts.
func (s *Store) UserByID(ctx context.Context, id string) (user sso.User, links []people.Link, err error) {
	there := false
	err = s.read(ctx, "looking up a user", func(ctx context.Context, conn *pgxpool.Conn) error {
		there, links = false, nil
		_, err := collect(ctx, conn, func(row pgx.CollectableRow) (none struct{}, err error) {
			var link people.Link
			var linked bool
			err = row.Scan(append([]any{&linked, &link.Provider, asString{&link.Subject}}, userFields(&user)...)...)
			if there = true; linked {
				links = append(links, link)
			}
			return none, err
		}, selectUserWithLinks, text(id))
		return err
	})
	if err != nil {
		return sso.User{}, nil, err
	}
	if !there {
		return sso.User{}, nil, noUser(id)
	}
	return user, links, nil
}

func noUser(id string) error { return fmt.Errorf("user %q: %w", id, sso.ErrNotFound) }

// heldUser is a user that nobody else can change until the transaction ends.
type heldUser struct {
	sso.User
	pk    int64
	found bool
}

// A login that decides about the user waits for this lock, and this lock for the login.
const lockUser = selectUsers + ` WHERE u.id = $1 FOR NO KEY UPDATE`

// hold locks a user, or returns sso.ErrNotFound. Later queries of the transaction see the
// state after the wait.
func hold(ctx context.Context, t *transaction, id string) (*heldUser, error) {
	u := new(heldUser)
	t.queue(lockUser, text(id)).QueryRow(scanIfAny(&u.found, append([]any{&u.pk}, userFields(&u.User)...)...))
	if err := t.send(ctx); err != nil {
		return nil, err
	}
	if !u.found {
		return nil, noUser(id)
	}
	return u, nil
}

// owner is the user of a link, if there is one.
type owner struct {
	sso.User
	pk    int64
	found bool
}

func queueOwner(t *transaction, link people.Link) *owner {
	o := new(owner)
	t.queue(selectUserByLink, text(link.Provider), []byte(link.Subject)).
		QueryRow(scanIfAny(&o.found, append([]any{&o.pk}, userFields(&o.User)...)...))
	return o
}

func (o *owner) taken(link people.Link) error {
	return &people.LinkTakenError{Link: link, User: withLink(o.User, link.Provider, link.Subject)}
}

// insertUnlinked stores a user without a link.
const insertUnlinked = `
	INSERT INTO doorward.users (id, provider, subject, status, role, username, email, email_verified_by, first_name, last_name, language, created_at, last_access)
	VALUES ($1, '', '', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// AddUser implements people.Accounts.
func (s *Store) AddUser(ctx context.Context, user sso.User, event sso.Event, claims ...sso.Claim) error {
	err := s.write(ctx, "storing a user", func(ctx context.Context, t *transaction) error {
		if !user.Linked() {
			t.queue(insertUnlinked, user.ID, string(user.Status), text(user.Role), text(user.Username), text(user.Email), text(user.EmailVerifiedBy),
				text(user.FirstName), text(user.LastName), text(user.Language), millis(user.CreatedAt), millis(user.LastAccess))
			for _, claim := range claims {
				queueInsertClaim(t, user.ID, claim, new(int))
			}
			t.note(event)
			return t.send(ctx)
		}
		var pk int64
		var added bool
		queueInsertUser(t, user).QueryRow(scanIfAny(&added, &pk))
		if err := t.send(ctx); err != nil {
			return err
		}
		if added {
			t.note(event)
			return nil
		}
		link := people.Link{Provider: user.Provider, Subject: user.Subject}
		owner := queueOwner(t, link) // it may have been stored while the previous statement waited
		if err := t.send(ctx); err != nil {
			return err
		}
		return owner.taken(link)
	})
	if codeOf(err) == codeUniqueViolation {
		return fmt.Errorf("user %q: %w", user.ID, people.ErrTaken)
	}
	return err
}

const (
	changeUser = `UPDATE doorward.users SET status = $2, role = $3, email = $4, email_verified_by = $5, first_name = $6, last_name = $7, username = $8, language = $9
		WHERE pk = $1`

	// Locked in the order of pk, like all statements that end several sessions.
	endUserSessions = `
		WITH theirs AS (SELECT pk FROM doorward.sessions WHERE user_pk = $1 ORDER BY pk FOR UPDATE)
		DELETE FROM doorward.sessions s USING theirs t WHERE s.pk = t.pk`
)

// ChangeUser implements people.Accounts.
func (s *Store) ChangeUser(ctx context.Context, id string, change func(user *sso.User) ([]sso.Event, error)) (user sso.User, ended int, err error) {
	err = s.write(ctx, "changing a user", func(ctx context.Context, t *transaction) error {
		held, err := hold(ctx, t, id)
		if err != nil {
			return err
		}
		ended = 0
		before := held.Status
		events, err := change(&held.User)
		if err != nil {
			return err
		}
		user = held.User
		t.queue(changeUser, held.pk, string(user.Status), text(user.Role), text(user.Email), text(user.EmailVerifiedBy), text(user.FirstName), text(user.LastName),
			text(user.Username), text(user.Language))
		if before != sso.UserActive || user.Status != sso.UserActive {
			t.queue(endUserSessions, held.pk).Exec(countInto(&ended))
			if err := t.send(ctx); err != nil {
				return err
			}
		}
		for i := range events {
			events[i].SessionsEnded = ended
		}
		t.note(events...)
		return nil
	})
	if err != nil {
		return sso.User{}, 0, err
	}
	return user, ended, nil
}

// DeleteUser implements people.Accounts.
func (s *Store) DeleteUser(ctx context.Context, id string, event sso.Event) (ended int, err error) {
	err = s.write(ctx, "deleting a user", func(ctx context.Context, t *transaction) error {
		held, err := hold(ctx, t, id)
		if err != nil {
			return err
		}
		t.queue(endUserSessions, held.pk).Exec(countInto(&ended))
		t.queue(`DELETE FROM doorward.users WHERE pk = $1`, held.pk) // its links are deleted with it
		if err := t.send(ctx); err != nil {
			return err
		}
		event.SessionsEnded = ended
		t.note(event)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}

// AddLink implements people.Accounts.
func (s *Store) AddLink(ctx context.Context, id string, link people.Link, event sso.Event) error {
	return s.write(ctx, "linking a user", func(ctx context.Context, t *transaction) error {
		held, err := hold(ctx, t, id)
		if err != nil {
			return err
		}
		return addLink(ctx, t, held, id, link, event)
	})
}

// addLink adds a link to the locked user with that ID.
func addLink(ctx context.Context, t *transaction, held *heldUser, id string, link people.Link, event sso.Event) error {
	links, added := 0, 0
	owner := queueOwner(t, link)
	t.queue(`SELECT count(*) FROM doorward.links WHERE user_pk = $1`, held.pk).QueryRow(scanInto(&links))
	if err := t.send(ctx); err != nil {
		return err
	}
	switch {
	case owner.found && owner.pk == held.pk:
		return nil
	case owner.found:
		return owner.taken(link)
	case links >= people.MaxLinks:
		return fmt.Errorf("links of user %q: %w: %d", id, people.ErrFull, links)
	}
	queueTieLink(t, link, held.pk, &added)
	if err := t.send(ctx); err != nil {
		return err
	}
	if added > 0 {
		t.note(event)
		return nil
	}
	owner = queueOwner(t, link)
	if err := t.send(ctx); err != nil {
		return err
	}
	return owner.taken(link)
}

const (
	// Without the link, sessions that no other link of the user could have created end,
	// too.
	endLinkSessions = `
		WITH theirs AS (
			SELECT s.pk FROM doorward.sessions s WHERE s.user_pk = $1 AND s.provider = $2 AND NOT EXISTS (
				SELECT 1 FROM doorward.provider_sessions p JOIN doorward.links l ON l.provider = p.provider AND l.subject = p.subject
				WHERE p.session_pk = s.pk AND l.user_pk = s.user_pk)
			ORDER BY s.pk FOR UPDATE OF s
		)
		DELETE FROM doorward.sessions s USING theirs t WHERE s.pk = t.pk`

	// Otherwise the next login by that identity could add the link again, by the address.
	forgetVerified = `UPDATE doorward.users SET email_verified_by = '' WHERE pk = $1 AND email_verified_by = $2`

	// The link that created the user is gone: another takes its place, or none.
	moveOrigin = `
		UPDATE doorward.users u SET
			provider = coalesce((SELECT provider FROM doorward.links WHERE user_pk = u.pk ORDER BY provider, subject LIMIT 1), ''),
			subject = coalesce((SELECT subject FROM doorward.links WHERE user_pk = u.pk ORDER BY provider, subject LIMIT 1), '')
		WHERE u.pk = $1 AND u.provider = $2 AND u.subject = $3`
)

// RemoveLink implements people.Accounts.
func (s *Store) RemoveLink(ctx context.Context, id string, link people.Link, event sso.Event) (ended int, err error) {
	err = s.write(ctx, "unlinking a user", func(ctx context.Context, t *transaction) error {
		held, err := hold(ctx, t, id)
		if err != nil {
			return err
		}
		ended, err = removeLink(ctx, t, held, id, link, event)
		return err
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}

// removeLink removes a link from the locked user with that ID.
func removeLink(ctx context.Context, t *transaction, held *heldUser, id string, link people.Link, event sso.Event) (ended int, err error) {
	removed := 0
	provider, subject := text(link.Provider), []byte(link.Subject)
	t.queue(`DELETE FROM doorward.links WHERE provider = $1 AND subject = $2 AND user_pk = $3`, provider, subject, held.pk).Exec(countInto(&removed))
	t.queue(endLinkSessions, held.pk, provider).Exec(countInto(&ended))
	t.queue(forgetVerified, held.pk, provider)
	t.queue(moveOrigin, held.pk, provider, subject)
	if err := t.send(ctx); err != nil {
		return 0, err
	}
	if removed == 0 {
		return 0, fmt.Errorf("subject %q at provider %s, of user %s: %w", link.Subject, link.Provider, id, sso.ErrNotFound)
	}
	event.SessionsEnded = ended
	t.note(event)
	return ended, nil
}

const selectSessions = `
	SELECT s.pk, s.id, u.id, u.email, s.provider, s.kind, s.created_at, s.expires_at, s.not_after, s.ip, s.user_agent
	FROM doorward.sessions s JOIN doorward.users u ON u.pk = s.user_pk`

// FindSessions implements people.Accounts.
func (s *Store) FindSessions(ctx context.Context, filter people.SessionFilter, part people.Part) ([]people.StoredSession, string, error) {
	var by search
	by.whereGiven("u.id = ?", filter.User)
	by.whereGiven("s.provider = ?", filter.Provider)
	by.where("s.expires_at > ?", filter.Now.UnixMilli())
	if err := by.from("s.pk", part); err != nil {
		return nil, "", err
	}
	statement := by.statement(selectSessions, "s.pk", part)
	return find(ctx, s, "listing sessions", statement, by, part.Limit, func(row pgx.CollectableRow) (found placed[people.StoredSession], err error) {
		session := &found.row.Session
		return found, row.Scan(&found.pk, &session.ID, &session.UserID, &found.row.Email, &session.Provider, (*string)(&session.Kind),
			moment{&session.CreatedAt}, moment{&session.ExpiresAt}, moment{&session.NotAfter}, &session.IP, &session.UserAgent)
	})
}
