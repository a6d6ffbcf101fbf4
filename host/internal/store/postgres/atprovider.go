package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/doorward/doorward/host/internal/sso"
)

const selectAtProvider = `
	SELECT p.subject, p.logout_subject, p.session_id, p.sealed_grant
	FROM doorward.provider_sessions p JOIN doorward.sessions s ON s.pk = p.session_pk WHERE s.id = $1`

// AtProvider implements sso.ProviderSessions.
func (s *Store) AtProvider(ctx context.Context, sessionID string) (sso.AtProvider, error) {
	var at sso.AtProvider
	var grant []byte
	fields := []any{asString{&at.Subject}, asString{&at.LogoutSubject}, asString{&at.SessionID}, &grant}
	ok, err := s.lookUp(ctx, "looking up a session at its provider", selectAtProvider, fields, sessionID)
	if err != nil {
		return sso.AtProvider{}, err
	}
	if !ok {
		return sso.AtProvider{}, sso.ErrNotFound
	}
	if len(grant) > 0 {
		at.SealedGrant = grant
	}
	return at, nil
}

// EndProviderSessions implements sso.ProviderSessions.
func (s *Store) EndProviderSessions(ctx context.Context, selection sso.Selection, event sso.Event, once ...sso.OnceID) ([]sso.Session, error) {
	var ended []sso.Session
	err := s.write(ctx, "ending the sessions of a logout", func(ctx context.Context, t *transaction) error {
		ended = nil
		spent := queueOnce(t, once)
		if text, arguments := endingOf(selection); text != "" {
			t.queueEnding(&ended, event, text, arguments...)
		}
		if len(once) == 0 {
			return nil
		}
		if err := t.send(ctx); err != nil {
			return err
		}
		return spent()
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// Statements that end sessions, selected by what a provider names. Each uses its own
// index, and locks the sessions in the order of pk.
const (
	endWhere = `
		WITH named AS (
			SELECT pk FROM doorward.sessions
			WHERE pk IN (SELECT session_pk FROM doorward.provider_sessions WHERE provider = $1`
	endNamed = `) ORDER BY pk FOR UPDATE
		)
		DELETE FROM doorward.sessions s USING named n WHERE s.pk = n.pk`
)

var (
	endBySubject = ending(endWhere+` AND logout_subject = $2`+endNamed, 2)
	endByID      = ending(endWhere+` AND session_id = ANY ($2::bytea[])`+endNamed, 2)
	endByBoth    = ending(endWhere+` AND session_id = ANY ($2::bytea[]) AND logout_subject = $3`+endNamed, 3)
)

// endingOf returns a statement for the session IDs, or for the subject if there are none,
// or nothing if there is neither.
func endingOf(s sso.Selection) (text string, arguments []any) {
	var ids [][]byte
	for _, id := range s.SessionIDs {
		if id != "" { // it would select every session that the provider did not name
			ids = append(ids, []byte(id))
		}
	}
	switch {
	case len(s.SessionIDs) == 0 && s.Subject != "":
		return endBySubject, []any{s.Provider, []byte(s.Subject)}
	case len(ids) == 0:
		return "", nil
	case s.Subject == "":
		return endByID, []any{s.Provider, ids}
	}
	return endByBoth, []any{s.Provider, ids, []byte(s.Subject)}
}

func scanEnded(row pgx.CollectableRow) (s sso.Session, err error) {
	return s, row.Scan(&s.ID, &s.UserID, &s.Provider, (*string)(&s.Kind))
}
