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
			INSERT INTO doorward.sessions (user_pk, id, provider, kind, created_at, expires_at, not_after, ip, user_agent, group_names)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, nullif($15::text, '')) RETURNING pk, provider, expires_at
		), at_provider AS (
			INSERT INTO doorward.provider_sessions (session_pk, provider, subject, logout_subject, session_id, sealed_grant)
			SELECT pk, provider, $10, $11, $12, $13 FROM session
		)
		INSERT INTO doorward.session_tokens (hash, session_pk, expires_at) SELECT $14, pk, expires_at FROM session`
)

// Locked in the order of pk, like all statements that end several sessions.
var endReplaced = ending(`
	WITH replaced AS (SELECT pk FROM doorward.sessions WHERE id = ANY ($1::text[]) ORDER BY pk FOR UPDATE)
	DELETE FROM doorward.sessions s USING replaced r WHERE s.pk = r.pk`, 1)

// CreateSession implements sso.Sessions. It takes two round trips, and three at a user's
// first login, because decisions between them depend on the answers.
func (s *Store) CreateSession(ctx context.Context, login sso.NewSession) error {
	var refused error
	err := s.write(ctx, "storing a login", func(ctx context.Context, t *transaction) error {
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
		var err error
		if refused, err = user.decide(ctx, t, login); refused != nil || err != nil {
			return err
		}
		queueInsertSession(t, user.pk, login)
		if len(login.Replaces) > 0 {
			t.queueEnding(new([]sso.Session), login.Replaced, endReplaced, login.Replaces)
		}
		if login.Events != nil {
			t.note(login.Events()...)
		}
		expired.queue(t)
		return nil
	})
	if err != nil {
		return err
	}
	return refused
}

// userOf is the stored user of a login. Until the transaction ends, nobody else can
// change it.
type userOf struct {
	sso.User
	pk    int64
	found bool
}

func queueUserOf(t *transaction, login sso.NewSession) *userOf {
	u := new(userOf)
	if login.Decide == nil {
		t.queue(lockUserByID, login.Session.UserID).QueryRow(scanIfAny(&u.found, &u.pk))
		return u
	}
	u.queue(t, login)
	return u
}

func (u *userOf) queue(t *transaction, login sso.NewSession) {
	*u = userOf{}
	t.queue(lockUserByLink, login.Session.Provider, []byte(login.Session.AtProvider.Subject)).
		QueryRow(scanIfAny(&u.found, append([]any{&u.pk}, userFields(&u.User)...)...))
}

// decide lets the login decide what is stored of its user, or which user is created.
func (u *userOf) decide(ctx context.Context, t *transaction, login sso.NewSession) (refused, err error) {
	switch {
	case login.Decide == nil && !u.found:
		return nil, fmt.Errorf("user %q: %w", login.Session.UserID, sso.ErrNotFound)
	case login.Decide == nil:
		return nil, nil
	}
	if !u.found {
		if taken, refused, err := u.claim(ctx, t, login); taken || err != nil {
			return refused, err
		}
	}
	for !u.found {
		if refused, err = u.make(ctx, t, login); refused != nil || err != nil || u.found {
			return refused, err
		}
		// Another login created the user while this one waited for it to end.
		u.queue(t, login)
		if err := t.send(ctx); err != nil {
			return nil, err
		}
	}
	known := withLink(u.User, login.Session.Provider, login.Session.AtProvider.Subject)
	user, refused := login.Decide(&known)
	if refused != nil {
		return refused, nil
	}
	user.ID = u.ID
	t.queue(updateUser, changedFields(user)...)
	return nil, nil
}

// make stores the user of a first login. It finds none if another login does so.
func (u *userOf) make(ctx context.Context, t *transaction, login sso.NewSession) (refused, err error) {
	user, refused := login.Decide(nil)
	if refused != nil {
		return refused, nil
	}
	queueInsertUser(t, withLink(user, login.Session.Provider, login.Session.AtProvider.Subject)).QueryRow(scanIfAny(&u.found, &u.pk))
	return nil, t.send(ctx)
}

func queueInsertSession(t *transaction, userPK int64, login sso.NewSession) {
	s, at := login.Session, login.Session.AtProvider
	t.queue(insertSession,
		userPK, s.ID, s.Provider, string(s.Kind), millis(s.CreatedAt), millis(s.ExpiresAt), millis(s.NotAfter), text(s.IP), text(s.UserAgent),
		[]byte(at.Subject), []byte(at.LogoutSubject), []byte(at.SessionID), bytes(at.SealedGrant), login.Token[:],
		string(s.Groups))
}
