package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// selectClaimants finds the users without a link who wait for a claim.
const selectClaimants = `
	SELECT u.pk, ` + userColumns + `
	FROM claims c JOIN users u ON u.pk = c.user_pk
	WHERE c.key = ? AND c.kind = ? AND c.provider = ? AND (c.expires_at IS NULL OR c.expires_at > ?)
		AND NOT EXISTS (SELECT 1 FROM links l WHERE l.user_pk = u.pk)
	ORDER BY c.user_pk LIMIT 10`

// claimant is a user who waits to be claimed.
type claimant struct {
	sso.Claimant
	pk int64
}

func claimantsIn(ctx context.Context, in queryer, claim sso.Claim, now time.Time) (list []claimant, err error) {
	rows, err := in.QueryContext(ctx, selectClaimants, []byte(claim.Key), string(claim.Kind), claim.Provider, timestamp(now))
	if err != nil {
		return nil, explain("looking up claimants", err)
	}
	defer rows.Close()
	for rows.Next() {
		c := claimant{Claimant: sso.Claimant{By: claim.Kind}}
		if err := rows.Scan(append([]any{&c.pk}, userFields(&c.User)...)...); err != nil {
			return nil, explain("looking up claimants", err)
		}
		list = append(list, c)
	}
	return list, explain("looking up claimants", rows.Err())
}

// Claimants implements sso.Claims.
func (s *Store) Claimants(ctx context.Context, claim sso.Claim, now time.Time) ([]sso.User, error) {
	found, err := claimantsIn(ctx, s.reader, claim, now)
	var users []sso.User
	for _, c := range found {
		users = append(users, c.User)
	}
	return users, err
}

// claim stores which waiting user the login takes, if any.
func (s *Store) claim(ctx context.Context, tx *sql.Tx, login sso.NewSession) (user sso.User, taken bool, refused, err error) {
	waiting, err := claimantsOf(ctx, tx, login)
	if err != nil || len(waiting) == 0 {
		return sso.User{}, false, nil, err
	}
	var list []sso.Claimant
	for _, w := range waiting {
		list = append(list, w.Claimant)
	}
	if user, refused = login.Claim(list); refused != nil {
		return sso.User{}, true, refused, nil
	}
	i := slices.IndexFunc(waiting, func(w claimant) bool { return w.ID == user.ID })
	if i < 0 {
		return sso.User{}, true, nil, fmt.Errorf("user %q did not wait: %w", user.ID, sso.ErrNotFound)
	}
	return user, true, nil, s.take(ctx, tx, waiting[i].pk, user, login.Session)
}

// claimantsOf returns each user that the login may take, once.
func claimantsOf(ctx context.Context, tx *sql.Tx, login sso.NewSession) (waiting []claimant, err error) {
	for _, claim := range login.Claims {
		found, err := claimantsIn(ctx, tx, claim, login.Session.CreatedAt)
		if err != nil {
			return nil, err
		}
		for _, c := range found {
			i := slices.IndexFunc(waiting, func(w claimant) bool { return w.pk == c.pk })
			if i < 0 {
				waiting = append(waiting, c)
			} else {
				waiting[i].By = min(waiting[i].By, c.By)
			}
		}
	}
	return waiting, nil
}

func (s *Store) take(ctx context.Context, tx *sql.Tx, pk int64, user sso.User, session sso.Session) error {
	if err := s.updateUser(ctx, tx, user); err != nil {
		return err
	}
	link := people.Link{Provider: session.Provider, Subject: session.AtProvider.Subject}
	if _, err := tx.ExecContext(ctx, `UPDATE users SET status = ? WHERE pk = ?`, string(user.Status), pk); err != nil {
		return explain("claiming an account", err)
	}
	return tieLink(ctx, tx, link, pk)
}

// tieLink links an identity to a user and deletes the user's claims, which are void from
// then on.
func tieLink(ctx context.Context, tx *sql.Tx, link people.Link, userPK int64) error {
	if err := insertLink(ctx, tx, link.Provider, link.Subject, userPK); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM claims WHERE user_pk = ?`, userPK); err != nil {
		return explain("ending claims", err)
	}
	_, err := tx.ExecContext(ctx, `UPDATE users SET provider = ?, subject = ? WHERE pk = ? AND provider = '' AND subject = x''`,
		link.Provider, []byte(link.Subject), userPK)
	return explain("storing a link", err)
}

// AddClaim implements people.Accounts.
func (s *Store) AddClaim(ctx context.Context, id string, claim sso.Claim, event sso.Event) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		user, pk, err := userIn(ctx, tx, id)
		if err != nil {
			return err
		}
		links, err := linksIn(ctx, tx, pk)
		if err != nil {
			return err
		}
		if len(links) > 0 || user.Linked() {
			return people.ErrClaimed
		}
		changed, err := insertClaim(ctx, tx, pk, claim)
		if changed == 0 {
			return err
		}
		return s.noteIf(ctx, tx, err, event)
	})
}

// addWaiting stores a user with claims.
func addWaiting(ctx context.Context, tx *sql.Tx, user sso.User, claims []sso.Claim) error {
	if err := insertUser(ctx, tx, user); err != nil || len(claims) == 0 {
		return err
	}
	_, pk, err := userIn(ctx, tx, user.ID)
	for _, claim := range claims {
		if err == nil {
			_, err = insertClaim(ctx, tx, pk, claim)
		}
	}
	return err
}

// upsertClaim changes nothing if the same claim is stored already.
const upsertClaim = `
	INSERT INTO claims (user_pk, kind, provider, key, expires_at) VALUES (?, ?, ?, ?, ?)
	ON CONFLICT (user_pk, kind) DO UPDATE SET provider = excluded.provider, key = excluded.key, expires_at = excluded.expires_at
	WHERE (claims.provider, claims.key, claims.expires_at) IS NOT (excluded.provider, excluded.key, excluded.expires_at)`

func insertClaim(ctx context.Context, tx *sql.Tx, userPK int64, claim sso.Claim) (changed int, err error) {
	return execCounted(ctx, tx, upsertClaim, userPK, string(claim.Kind), claim.Provider, []byte(claim.Key), timestamp(claim.ExpiresAt))
}

const selectClaims = `SELECT kind, provider, key, expires_at FROM claims WHERE user_pk = (SELECT pk FROM users WHERE id = ?) ORDER BY kind`

// ClaimsOf implements people.Accounts.
func (s *Store) ClaimsOf(ctx context.Context, id string) (claims []sso.Claim, err error) {
	rows, err := s.reader.QueryContext(ctx, selectClaims, id)
	if err != nil {
		return nil, explain("looking up claims", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c sso.Claim
		if err := rows.Scan((*string)(&c.Kind), &c.Provider, &c.Key, (*timestamp)(&c.ExpiresAt)); err != nil {
			return nil, explain("looking up claims", err)
		}
		claims = append(claims, c)
	}
	return claims, explain("looking up claims", rows.Err())
}
