package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/doorward/doorward/host/internal/sso"
)

const insertAtProvider = `
	INSERT INTO provider_sessions (session_pk, provider, subject, logout_subject, session_id, sealed_grant)
	VALUES (?, ?, ?, ?, ?, ?)`

func (s *Store) insertAtProvider(ctx context.Context, tx *sql.Tx, sessionPK int64, session sso.Session) error {
	at := session.AtProvider
	_, err := s.run(ctx, tx, insertAtProvider,
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

// EndProviderSessions implements sso.ProviderSessions.
func (s *Store) EndProviderSessions(ctx context.Context, selection sso.Selection, event sso.Event, once ...sso.OnceID) ([]sso.Session, error) {
	var ended []sso.Session
	err := s.write(ctx, func(tx *sql.Tx) error {
		for _, id := range once {
			if err := s.spend(ctx, tx, id); err != nil {
				return err
			}
		}
		for _, part := range parts(selection) {
			found, err := s.end(ctx, tx, part, event)
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

// Statements that end sessions, selected by what a provider names. Each uses its own
// index.
const (
	endWhere = `DELETE FROM sessions WHERE pk IN (SELECT session_pk FROM provider_sessions WHERE provider = ?`

	endBySubject = endWhere + ` AND logout_subject = ?)` + returning
	endByID      = endWhere + ` AND session_id = ?)` + returning
	endByBoth    = endWhere + ` AND session_id = ? AND logout_subject = ?)` + returning
)

type statement struct {
	text      string
	arguments []any
}

// parts returns one statement for each session ID, or one for the subject.
func parts(s sso.Selection) []statement {
	subject := []byte(s.Subject)
	if len(s.SessionIDs) == 0 && s.Subject != "" {
		return []statement{{endBySubject, []any{s.Provider, subject}}}
	}
	var list []statement
	for _, id := range s.SessionIDs {
		switch {
		case id == "": // it would select every session that the provider did not name
		case s.Subject == "":
			list = append(list, statement{endByID, []any{s.Provider, []byte(id)}})
		default:
			list = append(list, statement{endByBoth, []any{s.Provider, []byte(id), subject}})
		}
	}
	return list
}

func endSessions(ctx context.Context, tx *sql.Tx, end statement) (ended []sso.Session, err error) {
	rows, err := tx.QueryContext(ctx, end.text, end.arguments...)
	if err != nil {
		return nil, explain("ending sessions", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var session sso.Session
		if err := rows.Scan(&session.ID, &session.UserID, &session.Provider, (*string)(&session.Kind)); err != nil {
			return nil, explain("ending sessions", err)
		}
		ended = append(ended, session)
	}
	return ended, explain("ending sessions", rows.Err())
}
