package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// sessionColumns are the columns that sessionFields scans.
const sessionColumns = `s.id, u.id, s.provider, s.kind, s.created_at, s.expires_at, s.not_after, s.ip, s.user_agent, coalesce(s.group_names, ''), coalesce(s.asked_at, s.created_at)`

const selectSessionToken = `
	SELECT t.expires_at, t.spent_at, t.successor, ` + sessionColumns + `, ` + userColumns + `
	FROM session_tokens t JOIN sessions s ON s.pk = t.session_pk JOIN users u ON u.pk = s.user_pk
	WHERE t.hash = ?`

const selectSessionUser = `
	SELECT ` + sessionColumns + `, ` + userColumns + `
	FROM sessions s JOIN users u ON u.pk = s.user_pk
	WHERE s.id = ? AND s.expires_at > ?`

func sessionFields(s *sso.Session) []any {
	return []any{
		&s.ID, &s.UserID, &s.Provider, (*string)(&s.Kind), (*timestamp)(&s.CreatedAt), (*timestamp)(&s.ExpiresAt),
		(*timestamp)(&s.NotAfter), &s.IP, &s.UserAgent, (*string)(&s.Groups), (*timestamp)(&s.AskedAt),
	}
}

const (
	insertSession = `
		INSERT INTO sessions (user_pk, id, provider, kind, created_at, expires_at, not_after, ip, user_agent, group_names)
		SELECT pk, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, '') FROM users WHERE id = ?`
	insertToken = `INSERT INTO session_tokens (hash, session_pk, expires_at) VALUES (?, ?, ?)`
)

// SessionToken implements sso.Sessions.
func (s *Store) SessionToken(ctx context.Context, token sso.TokenHash) (sso.SessionToken, error) {
	var t sso.SessionToken
	fields := slices.Concat(
		[]any{(*timestamp)(&t.ExpiresAt), (*timestamp)(&t.SpentAt), &t.Successor}, sessionFields(&t.Session), userFields(&t.User))
	ok, err := s.lookUp(ctx, s.sessionToken, fields, token[:])
	if err != nil {
		return sso.SessionToken{}, explain("looking up a session token", err)
	}
	if !ok {
		return sso.SessionToken{}, sso.ErrNotFound
	}
	return t, nil
}

// SessionUser implements sso.Sessions.
func (s *Store) SessionUser(ctx context.Context, sessionID string, now time.Time) (session sso.Session, user sso.User, err error) {
	fields := slices.Concat(sessionFields(&session), userFields(&user))
	ok, err := s.lookUp(ctx, s.sessionUser, fields, sessionID, timestamp(now))
	if err != nil {
		return sso.Session{}, sso.User{}, explain("looking up the user of a session", err)
	}
	if !ok {
		return sso.Session{}, sso.User{}, sso.ErrNotFound
	}
	return session, user, nil
}

// CreateSession implements sso.Sessions.
func (s *Store) CreateSession(ctx context.Context, login sso.NewSession) error {
	var refused error
	err := s.write(ctx, func(tx *sql.Tx) error {
		for _, id := range login.Once {
			if err := s.spend(ctx, tx, id); err != nil {
				return err
			}
		}
		if login.Decide == nil {
			return s.addSession(ctx, tx, login)
		}
		var user sso.User
		var err error
		if user, refused, err = s.whoSignsIn(ctx, tx, login); refused != nil || err != nil {
			return err
		}
		login.Session.UserID = user.ID
		return s.addSession(ctx, tx, login)
	})
	if err != nil {
		return err
	}
	return refused
}

// whoSignsIn stores the user that the login decides on.
func (s *Store) whoSignsIn(ctx context.Context, tx *sql.Tx, login sso.NewSession) (user sso.User, refused, err error) {
	provider, subject := login.Session.Provider, login.Session.AtProvider.Subject
	known, err := s.linkedUser(ctx, tx, provider, subject)
	if errors.Is(err, sso.ErrNotFound) {
		if user, taken, refused, err := s.claim(ctx, tx, login); taken || err != nil {
			return user, refused, err
		}
		if user, refused = login.Decide(nil); refused != nil {
			return sso.User{}, refused, nil
		}
		user.Provider, user.Subject = provider, subject
		return user, nil, insertUser(ctx, tx, user)
	}
	if err != nil {
		return sso.User{}, nil, err
	}
	if user, refused = login.Decide(&known); refused != nil {
		return sso.User{}, refused, nil
	}
	user.ID = known.ID
	return user, nil, s.updateUser(ctx, tx, user)
}

// addSession stores the session of a login, and ends those that it replaces.
func (s *Store) addSession(ctx context.Context, tx *sql.Tx, login sso.NewSession) error {
	pk, err := s.insertSession(ctx, tx, login.Session)
	if err != nil {
		return err
	}
	if err := s.insertAtProvider(ctx, tx, pk, login.Session); err != nil {
		return err
	}
	if err := s.insertToken(ctx, tx, login.Token, pk, login.Session.ExpiresAt); err != nil {
		return err
	}
	for _, replaced := range login.Replaces {
		if _, err := s.end(ctx, tx, statement{endByOurID, []any{replaced}}, login.Replaced); err != nil {
			return err
		}
	}
	if login.Events != nil {
		if err := s.note(ctx, tx, login.Events()...); err != nil {
			return err
		}
	}
	return s.removeExpired(ctx, tx, login.RemoveBefore, batchAtLogin)
}

func (s *Store) insertSession(ctx context.Context, tx *sql.Tx, session sso.Session) (pk int64, err error) {
	result, err := s.run(ctx, tx, insertSession,
		session.ID, session.Provider, string(session.Kind), timestamp(session.CreatedAt), timestamp(session.ExpiresAt),
		timestamp(session.NotAfter), session.IP, session.UserAgent, string(session.Groups), session.UserID)
	if err != nil {
		return 0, explain("storing a session", err)
	}
	if err := someRow(result, "user", session.UserID); err != nil {
		return 0, err
	}
	pk, err = result.LastInsertId()
	return pk, explain("storing a session", err)
}

func (s *Store) insertToken(ctx context.Context, tx *sql.Tx, token sso.TokenHash, sessionPK int64, expiresAt time.Time) error {
	_, err := s.run(ctx, tx, insertToken, token[:], sessionPK, timestamp(expiresAt))
	return explain("storing a session token", err)
}

// EndSession implements sso.Sessions.
func (s *Store) EndSession(ctx context.Context, sessionID string, event sso.Event) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := s.end(ctx, tx, statement{endByOurID, []any{sessionID}}, event)
		return err
	})
}

const endByOurID = `DELETE FROM sessions WHERE id = ?` + returning

// Sessions of a user are found by the indexes on users: reading a million sessions
// instead would block logins for half a second.
const (
	endMatching = `
		DELETE FROM sessions WHERE pk IN (SELECT pk FROM sessions WHERE (?1 = '' OR provider = ?1) AND id <> ?3 LIMIT ?2)` + returning
	endMatchingOfUser = `
		DELETE FROM sessions WHERE pk IN (
			SELECT s.pk FROM sessions s
			WHERE s.user_pk IN (SELECT pk FROM users WHERE id = ?4 UNION ALL SELECT pk FROM users WHERE lower(email) = lower(?4))
				AND (?1 = '' OR s.provider = ?1) AND s.id <> ?3 LIMIT ?2)` + returning
)

// EndSessions implements sso.Sessions.
func (s *Store) EndSessions(ctx context.Context, match sso.SessionMatch, limit int, event sso.Event) (ended int, err error) {
	text, arguments := endMatching, []any{match.Provider, limit, match.Except}
	if match.User != "" {
		text, arguments = endMatchingOfUser, append(arguments, match.User)
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		sessions, err := s.end(ctx, tx, statement{text, arguments}, event)
		ended = len(sessions)
		return err
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}

// returning selects the columns of a session that a statement has ended. Its tokens are
// deleted with it.
const returning = ` RETURNING id, (SELECT id FROM users WHERE pk = user_pk), provider, kind`

// end runs a statement that ends sessions, and stores an event for each.
func (s *Store) end(ctx context.Context, tx *sql.Tx, by statement, event sso.Event) ([]sso.Session, error) {
	ended, err := endSessions(ctx, tx, by)
	if err != nil {
		return nil, err
	}
	for _, session := range ended {
		if event.Kind == "" {
			break
		}
		if err := s.note(ctx, tx, event.For(session)); err != nil {
			return nil, err
		}
	}
	return ended, nil
}
