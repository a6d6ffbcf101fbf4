package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// selectOwnSessions uses the index by user, so it reads only that user's sessions.
const selectOwnSessions = `
	SELECT s.id, s.provider, s.kind, s.created_at, s.expires_at, s.not_after, s.ip, s.user_agent,
		(SELECT max(t.spent_at) FROM session_tokens t WHERE t.session_pk = s.pk)
	FROM sessions s WHERE s.user_pk = ? AND s.expires_at > ? ORDER BY s.pk DESC LIMIT ?`

// OwnAccount implements sso.OwnAccounts.
func (s *Store) OwnAccount(ctx context.Context, userID string, now time.Time, limit int) (account sso.Account, err error) {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // a consistent view of links and sessions
	if err != nil {
		return sso.Account{}, explain("looking up an account", err)
	}
	defer func() { _ = tx.Rollback() }()
	_, pk, err := userIn(ctx, tx, userID)
	if err != nil {
		return sso.Account{}, err
	}
	links, err := linksIn(ctx, tx, pk)
	if err != nil {
		return sso.Account{}, err
	}
	for _, link := range links {
		account.Links = append(account.Links, sso.LinkedIdentity(link))
	}
	account.Sessions, err = ownSessions(ctx, tx, pk, now, limit+1)
	if len(account.Sessions) > limit {
		account.Sessions, account.More = account.Sessions[:limit], true
	}
	return account, err
}

func ownSessions(ctx context.Context, tx *sql.Tx, userPK int64, now time.Time, limit int) (list []sso.OwnSession, err error) {
	rows, err := tx.QueryContext(ctx, selectOwnSessions, userPK, timestamp(now), limit)
	if err != nil {
		return nil, explain("looking up the sessions of a user", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has what matters
	for rows.Next() {
		var one sso.OwnSession
		if err := rows.Scan(&one.ID, &one.Provider, (*string)(&one.Kind), (*timestamp)(&one.CreatedAt), (*timestamp)(&one.ExpiresAt),
			(*timestamp)(&one.NotAfter), &one.IP, &one.UserAgent, (*timestamp)(&one.RefreshedAt)); err != nil {
			return nil, explain("looking up the sessions of a user", err)
		}
		list = append(list, one)
	}
	return list, explain("looking up the sessions of a user", rows.Err())
}

// LinkOwn implements sso.OwnAccounts.
func (s *Store) LinkOwn(ctx context.Context, link sso.OwnLink) error {
	var refused error
	err := s.write(ctx, func(tx *sql.Tx) (err error) {
		for _, id := range link.Once {
			if err := s.spend(ctx, tx, id); err != nil {
				return err
			}
		}
		refused, err = s.linkOwn(ctx, tx, link)
		return err
	})
	if err != nil {
		return err
	}
	return refused
}

const selectOwner = `
	SELECT u.pk, u.status FROM sessions s JOIN users u ON u.pk = s.user_pk
	WHERE s.id = ? AND s.expires_at > ? AND u.id = ?`

func (s *Store) linkOwn(ctx context.Context, tx *sql.Tx, link sso.OwnLink) (refused, err error) {
	var pk int64
	var status sso.UserStatus
	err = tx.QueryRowContext(ctx, selectOwner, link.SessionID, timestamp(link.Now), link.UserID).Scan(&pk, (*string)(&status))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return sso.ErrSessionInvalid, nil
	case err != nil:
		return nil, explain("looking up who links", err)
	case status.MaySignIn() != nil:
		return status.MaySignIn(), nil
	}
	owner, err := s.linkedUser(ctx, tx, link.Provider, link.Alias)
	switch {
	case err == nil && owner.ID != link.UserID:
		return sso.ErrLinkTaken, nil
	case err != nil && !errors.Is(err, sso.ErrNotFound):
		return nil, err
	}
	err = s.addLink(ctx, tx, pk, link.UserID, people.Link(link.LinkedIdentity), link.Event)
	if errors.Is(err, people.ErrTaken) {
		return sso.ErrLinkTaken, nil
	}
	if errors.Is(err, people.ErrFull) {
		return sso.ErrTooManyLinks, nil
	}
	return nil, err
}

// UnlinkOwn implements sso.OwnAccounts.
func (s *Store) UnlinkOwn(ctx context.Context, userID string, link sso.LinkedIdentity, providers []string, event sso.Event) (ended int, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		_, pk, err := userIn(ctx, tx, userID)
		if err != nil {
			return err
		}
		links, err := linksIn(ctx, tx, pk)
		if err != nil {
			return err
		}
		other := func(l people.Link) bool {
			return l != people.Link(link) && slices.Contains(providers, l.Provider)
		}
		if !slices.ContainsFunc(links, other) {
			return fmt.Errorf("user %s: %w", userID, sso.ErrLastLink)
		}
		ended, err = s.removeLink(ctx, tx, pk, userID, people.Link(link), event)
		return err
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}
