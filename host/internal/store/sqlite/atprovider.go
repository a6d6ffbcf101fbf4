package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/doorward/doorward/host/internal/sso"
)

func insertAtProvider(ctx context.Context, tx *sql.Tx, sessionPK int64, session sso.Session) error {
	at := session.AtProvider
	_, err := tx.ExecContext(ctx, `
		INSERT INTO provider_sessions (session_pk, provider, subject, logout_subject, session_id, sealed_grant)
		VALUES (?, ?, ?, ?, ?, ?)`,
		sessionPK, session.Provider, []byte(at.Subject), []byte(at.LogoutSubject), []byte(at.SessionID), orEmpty(at.SealedGrant))
	return explain("storing what a session is called at its provider", err)
}

// orEmpty keeps a nil slice from becoming NULL.
func orEmpty(b []byte) []byte { return append([]byte{}, b...) }

// AtProvider implements sso.ProviderSessions.
func (s *Store) AtProvider(ctx context.Context, sessionID string) (sso.AtProvider, error) {
	var subject, logoutSubject, id, grant []byte
	err := s.reader.QueryRowContext(ctx, `
		SELECT p.subject, p.logout_subject, p.session_id, p.sealed_grant
		FROM provider_sessions p JOIN sessions s ON s.pk = p.session_pk WHERE s.id = ?`, sessionID).
		Scan(&subject, &logoutSubject, &id, &grant)
	if errors.Is(err, sql.ErrNoRows) {
		return sso.AtProvider{}, sso.ErrNotFound
	}
	if err != nil {
		return sso.AtProvider{}, explain("looking up a session at its provider", err)
	}
	at := sso.AtProvider{Subject: string(subject), LogoutSubject: string(logoutSubject), SessionID: string(id)}
	if len(grant) > 0 {
		at.SealedGrant = grant
	}
	return at, nil
}

// ReplaceGrant implements sso.ProviderSessions.
func (s *Store) ReplaceGrant(ctx context.Context, sessionID string, sealed []byte) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `
			UPDATE provider_sessions SET sealed_grant = ? WHERE session_pk = (SELECT pk FROM sessions WHERE id = ?)`,
			orEmpty(sealed), sessionID)
		if err != nil {
			return explain("replacing a grant", err)
		}
		return someRow(result, "session", sessionID)
	})
}

// EndProviderSessions implements sso.ProviderSessions.
func (s *Store) EndProviderSessions(ctx context.Context, selection sso.Selection, once ...sso.OnceID) ([]sso.Session, error) {
	var ended []sso.Session
	err := s.write(ctx, func(tx *sql.Tx) error {
		for _, id := range once {
			if err := spend(ctx, tx, id); err != nil {
				return err
			}
		}
		for _, part := range parts(selection) {
			found, err := deleteSessions(ctx, tx, part)
			if err != nil {
				return err
			}
			ended = append(ended, found...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

type condition struct {
	text      string
	arguments []any
}

// parts makes a condition for each session ID, or one for the subject.
func parts(selection sso.Selection) []condition {
	var list []condition
	for _, id := range selection.SessionIDs {
		if id == "" {
			continue // it would select the sessions that the provider has no name for
		}
		c := condition{"provider = ? AND session_id = ?", []any{selection.Provider, []byte(id)}}
		if selection.Subject != "" {
			c.text += " AND logout_subject = ?"
			c.arguments = append(c.arguments, []byte(selection.Subject))
		}
		list = append(list, c)
	}
	if len(selection.SessionIDs) == 0 && selection.Subject != "" {
		list = append(list, condition{"provider = ? AND logout_subject = ?", []any{selection.Provider, []byte(selection.Subject)}})
	}
	return list
}

func deleteSessions(ctx context.Context, tx *sql.Tx, where condition) (ended []sso.Session, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT s.id, u.id, s.provider, s.kind FROM sessions s JOIN users u ON u.pk = s.user_pk
		WHERE s.pk IN (SELECT session_pk FROM provider_sessions WHERE `+where.text+`)`, where.arguments...)
	if err != nil {
		return nil, explain("finding the sessions of a logout", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var session sso.Session
		if err := rows.Scan(&session.ID, &session.UserID, &session.Provider, (*string)(&session.Kind)); err != nil {
			return nil, explain("finding the sessions of a logout", err)
		}
		ended = append(ended, session)
	}
	if err := rows.Err(); err != nil {
		return nil, explain("finding the sessions of a logout", err)
	}
	_, err = tx.ExecContext(ctx, `
		DELETE FROM sessions WHERE pk IN (SELECT session_pk FROM provider_sessions WHERE `+where.text+`)`, where.arguments...)
	return ended, explain("ending the sessions of a logout", err)
}
