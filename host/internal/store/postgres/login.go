package postgres

import (
	"context"
	"fmt"

	"github.com/doorward/doorward/host/internal/sso"
)

const (
	lockUserByID = `SELECT pk FROM doorward.users WHERE id = $1 FOR KEY SHARE`

	insertSession = `
		WITH session AS (
			INSERT INTO doorward.sessions (user_pk, id, provider, kind, created_at, expires_at, not_after, ip, user_agent)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING pk, provider, expires_at
		), at_provider AS (
			INSERT INTO doorward.provider_sessions (session_pk, provider, subject, logout_subject, session_id, sealed_grant)
			SELECT pk, provider, $10, $11, $12, $13 FROM session
		)
		INSERT INTO doorward.session_tokens (hash, session_pk, expires_at) SELECT $14, pk, expires_at FROM session`
)

// CreateSession implements sso.Sessions. It takes two round trips: what is decided
// between them depends on the answers to the first.
func (s *Store) CreateSession(ctx context.Context, login sso.NewSession) error {
	return s.write(ctx, "storing a login", func(ctx context.Context, t *transaction) error {
		expired := removal{before: login.RemoveBefore, batch: batchAtLogin}
		expired.ask(t)
		spent := queueOnce(t, login.Once)
		user := queueUserOf(t, login)
		if err := t.send(ctx); err != nil {
			return err
		}
		if err := spent(); err != nil {
			return err
		}
		if err := user.decide(login); err != nil {
			return err
		}
		if login.Known != nil {
			t.queue(updateUser, changedFields(user.User)...)
		}
		queueInsertSession(t, user.pk, login)
		expired.queue(t)
		return nil
	})
}

// userOf is the user of a login, as stored.
type userOf struct {
	sso.User
	pk    int64
	found bool
}

func queueUserOf(t *transaction, login sso.NewSession) *userOf {
	u := new(userOf)
	if login.Known == nil {
		t.queue(lockUserByID, login.Session.UserID).QueryRow(scanIfAny(&u.found, &u.pk))
		return u
	}
	t.queue(lockUserByLink, login.Session.Provider, []byte(login.Session.AtProvider.Subject)).
		QueryRow(scanIfAny(&u.found, append([]any{&u.pk}, userFields(&u.User)...)...))
	return u
}

// decide lets the login make of its user what is stored, or refuse.
func (u *userOf) decide(login sso.NewSession) error {
	switch {
	case !u.found && login.Known == nil:
		return fmt.Errorf("user %q: %w", login.Session.UserID, sso.ErrNotFound)
	case !u.found:
		return sso.ErrNotFound
	case login.Known == nil:
		return nil
	}
	u.User = withLink(u.User, login.Session.Provider, login.Session.AtProvider.Subject)
	return login.Known(&u.User)
}

func queueInsertSession(t *transaction, userPK int64, login sso.NewSession) {
	s, at := login.Session, login.Session.AtProvider
	t.queue(insertSession,
		userPK, s.ID, s.Provider, string(s.Kind), millis(s.CreatedAt), millis(s.ExpiresAt), millis(s.NotAfter), text(s.IP), text(s.UserAgent),
		[]byte(at.Subject), []byte(at.LogoutSubject), []byte(at.SessionID), bytes(at.SealedGrant), login.Token[:])
}
