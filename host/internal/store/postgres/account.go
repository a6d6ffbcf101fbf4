package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// selectOwnSessions uses the index by user, so it reads only that user's sessions.
const selectOwnSessions = `
	SELECT s.id, s.provider, s.kind, s.created_at, s.expires_at, s.not_after, s.ip, s.user_agent,
		(SELECT max(t.spent_at) FROM doorward.session_tokens t WHERE t.session_pk = s.pk)
	FROM doorward.sessions s JOIN doorward.users u ON u.pk = s.user_pk
	WHERE u.id = $1 AND s.expires_at > $2 ORDER BY s.pk DESC LIMIT $3`

// OwnAccount implements sso.OwnAccounts.
func (s *Store) OwnAccount(ctx context.Context, userID string, now time.Time, limit int) (account sso.Account, err error) {
	_, links, err := s.UserByID(ctx, userID)
	if err != nil {
		return sso.Account{}, err
	}
	for _, link := range links {
		account.Links = append(account.Links, sso.LinkedIdentity(link))
	}
	err = s.read(ctx, "looking up the sessions of a user", func(ctx context.Context, conn *pgxpool.Conn) (err error) {
		account.Sessions, err = collect(ctx, conn, ownSession, selectOwnSessions, text(userID), now.UnixMilli(), limit+1)
		return err
	})
	if err != nil {
		return sso.Account{}, err
	}
	if len(account.Sessions) > limit {
		account.Sessions, account.More = account.Sessions[:limit], true
	}
	return account, nil
}

func ownSession(row pgx.CollectableRow) (one sso.OwnSession, err error) {
	return one, row.Scan(&one.ID, &one.Provider, (*string)(&one.Kind), moment{&one.CreatedAt}, moment{&one.ExpiresAt},
		moment{&one.NotAfter}, &one.IP, &one.UserAgent, moment{&one.RefreshedAt})
}

// LinkOwn implements sso.OwnAccounts.
func (s *Store) LinkOwn(ctx context.Context, link sso.OwnLink) error {
	var refused error
	err := s.write(ctx, "linking an identity", func(ctx context.Context, t *transaction) (err error) {
		spent := queueOnce(t, link.Once)
		if err := t.send(ctx); err != nil {
			return err
		}
		if err := spent(); err != nil {
			return err
		}
		refused, err = linkOwn(ctx, t, link)
		return err
	})
	if err != nil {
		return err
	}
	return refused
}

// Locks the session until the transaction ends.
const holdOwnSession = `SELECT pk FROM doorward.sessions WHERE id = $1 AND user_pk = $2 AND expires_at > $3 FOR KEY SHARE`

func linkOwn(ctx context.Context, t *transaction, link sso.OwnLink) (refused, err error) {
	held, err := hold(ctx, t, link.UserID)
	if errors.Is(err, sso.ErrNotFound) {
		return sso.ErrSessionInvalid, nil
	}
	if err != nil {
		return nil, err
	}
	there, pk := false, int64(0)
	t.queue(holdOwnSession, text(link.SessionID), held.pk, link.Now.UnixMilli()).QueryRow(scanIfAny(&there, &pk))
	known := queueOwner(t, people.Link{Provider: link.Provider, Subject: link.Alias})
	if err := t.send(ctx); err != nil {
		return nil, err
	}
	switch {
	case !there:
		return sso.ErrSessionInvalid, nil
	case held.Status.MaySignIn() != nil:
		return held.Status.MaySignIn(), nil
	case known.found && known.pk != held.pk:
		return sso.ErrLinkTaken, nil
	}
	err = addLink(ctx, t, held, link.UserID, people.Link(link.LinkedIdentity), link.Event)
	if errors.Is(err, people.ErrTaken) {
		return sso.ErrLinkTaken, nil
	}
	if errors.Is(err, people.ErrFull) {
		return sso.ErrTooManyLinks, nil
	}
	return nil, err
}

const selectLinks = `SELECT provider, subject FROM doorward.links WHERE user_pk = $1`

// UnlinkOwn implements sso.OwnAccounts. The links of a locked user do not change.
func (s *Store) UnlinkOwn(ctx context.Context, userID string, link sso.LinkedIdentity, providers []string, event sso.Event) (ended int, err error) {
	err = s.write(ctx, "unlinking an identity", func(ctx context.Context, t *transaction) error {
		held, err := hold(ctx, t, userID)
		if err != nil {
			return err
		}
		other := false
		t.queue(selectLinks, held.pk).Query(func(rows pgx.Rows) error {
			links, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l sso.LinkedIdentity, err error) {
				return l, row.Scan(&l.Provider, asString{&l.Subject})
			})
			other = slices.ContainsFunc(links, func(l sso.LinkedIdentity) bool {
				return l != link && slices.Contains(providers, l.Provider)
			})
			return err
		})
		if err := t.send(ctx); err != nil {
			return err
		}
		if !other {
			return fmt.Errorf("user %s: %w", userID, sso.ErrLastLink)
		}
		ended, err = removeLink(ctx, t, held, userID, people.Link(link), event)
		return err
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}
