package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// sessionColumns are the columns that sessionFields scans.
const sessionColumns = `s.id, u.id, s.provider, s.kind, s.created_at, s.expires_at, s.not_after, s.ip, s.user_agent, coalesce(s.group_names, ''), coalesce(s.asked_at, s.created_at)`

const selectSessionToken = `
	SELECT t.expires_at, t.spent_at, t.successor, ` + sessionColumns + `, ` + userColumns + `
	FROM doorward.session_tokens t JOIN doorward.sessions s ON s.pk = t.session_pk JOIN doorward.users u ON u.pk = s.user_pk
	WHERE t.hash = $1`

const selectSessionUser = `
	SELECT ` + sessionColumns + `, ` + userColumns + `
	FROM doorward.sessions s JOIN doorward.users u ON u.pk = s.user_pk
	WHERE s.id = $1 AND s.expires_at > $2`

func sessionFields(s *sso.Session) []any {
	return []any{
		&s.ID, &s.UserID, &s.Provider, (*string)(&s.Kind), moment{&s.CreatedAt}, moment{&s.ExpiresAt},
		moment{&s.NotAfter}, &s.IP, &s.UserAgent, (*string)(&s.Groups), moment{&s.AskedAt},
	}
}

// SessionToken implements sso.Sessions.
func (s *Store) SessionToken(ctx context.Context, token sso.TokenHash) (sso.SessionToken, error) {
	var t sso.SessionToken
	fields := slices.Concat([]any{moment{&t.ExpiresAt}, moment{&t.SpentAt}, &t.Successor}, sessionFields(&t.Session), userFields(&t.User))
	ok, err := s.lookUp(ctx, "looking up a session token", selectSessionToken, fields, token[:])
	if err != nil {
		return sso.SessionToken{}, err
	}
	if !ok {
		return sso.SessionToken{}, sso.ErrNotFound
	}
	return t, nil
}

// SessionUser implements sso.Sessions.
func (s *Store) SessionUser(ctx context.Context, sessionID string, now time.Time) (session sso.Session, user sso.User, err error) {
	fields := slices.Concat(sessionFields(&session), userFields(&user))
	ok, err := s.lookUp(ctx, "looking up the user of a session", selectSessionUser, fields, text(sessionID), millis(now))
	if err != nil {
		return sso.Session{}, sso.User{}, err
	}
	if !ok {
		return sso.Session{}, sso.User{}, sso.ErrNotFound
	}
	return session, user, nil
}

var endByOurID = ending(`DELETE FROM doorward.sessions s WHERE s.id = $1`, 1)

// EndSession implements sso.Sessions.
func (s *Store) EndSession(ctx context.Context, sessionID string, event sso.Event) error {
	return s.write(ctx, "ending a session", func(_ context.Context, t *transaction) error {
		t.queueEnding(new([]sso.Session), event, endByOurID, text(sessionID))
		return nil
	})
}

// Locked in the order of pk, like all statements that end several sessions.
var endSessions = ending(`
	WITH matching AS (
		SELECT s.pk FROM doorward.sessions s JOIN doorward.users u ON u.pk = s.user_pk
		WHERE ($1::text = '' OR s.provider = $1::text) AND ($2::text = '' OR u.id = $2::text OR lower(u.email) = lower($2::text COLLATE "C")) AND s.id <> $4::text
		ORDER BY s.pk LIMIT $3 FOR UPDATE OF s
	)
	DELETE FROM doorward.sessions s USING matching m WHERE s.pk = m.pk`, 4)

// EndSessions implements sso.Sessions.
func (s *Store) EndSessions(ctx context.Context, match sso.SessionMatch, limit int, event sso.Event) (int, error) {
	var ended []sso.Session
	err := s.write(ctx, "ending sessions", func(_ context.Context, t *transaction) error {
		ended = nil
		t.queueEnding(&ended, event, endSessions, text(match.Provider), text(match.User), limit, text(match.Except))
		return nil
	})
	if err != nil {
		return 0, err
	}
	return len(ended), nil
}
