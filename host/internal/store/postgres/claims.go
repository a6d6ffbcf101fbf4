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

const (
	// The claims are passed as parallel arrays: kinds, providers and keys in the same
	// order.
	claimants = `
		FROM doorward.claims c JOIN doorward.users u ON u.pk = c.user_pk
		WHERE (c.key, c.kind, c.provider) IN (SELECT * FROM unnest($1::bytea[], $2::text[] COLLATE "C", $3::text[] COLLATE "C"))
			AND (c.expires_at IS NULL OR c.expires_at > $4)
			AND NOT EXISTS (SELECT 1 FROM doorward.links l WHERE l.user_pk = u.pk)
		ORDER BY c.user_pk, c.kind LIMIT 10`

	selectClaimants = `SELECT c.kind, u.pk, ` + userColumns + claimants

	// A transaction that takes or links one of these users waits here for any other that
	// does so already, and then does not find users whose claims are gone.
	lockClaimants = selectClaimants + ` FOR NO KEY UPDATE OF u, c`
)

// errLinkCame: another login has created the link since it was looked up.
var errLinkCame = errors.New("another login has made the link")

// claimArguments returns the arguments of selectClaimants.
func claimArguments(claims []sso.Claim, now time.Time) []any {
	var keys [][]byte
	var kinds, providers []string
	for _, c := range claims {
		keys, kinds, providers = append(keys, []byte(c.Key)), append(kinds, string(c.Kind)), append(providers, text(c.Provider))
	}
	return []any{keys, kinds, providers, now.UnixMilli()}
}

// claimant is a user who waits to be claimed.
type claimant struct {
	sso.Claimant
	pk int64
}

// scanClaimant reads a row of selectClaimants.
func scanClaimant(row pgx.CollectableRow) (c claimant, err error) {
	return c, row.Scan(append([]any{(*string)(&c.By), &c.pk}, userFields(&c.User)...)...)
}

// distinct returns each user once; a user may match several claims of one login.
func distinct(list []claimant) []claimant {
	return slices.CompactFunc(list, func(a, b claimant) bool { return a.pk == b.pk })
}

// Claimants implements sso.Claims.
func (s *Store) Claimants(ctx context.Context, claim sso.Claim, now time.Time) (users []sso.User, err error) {
	err = s.read(ctx, "looking up claimants", func(ctx context.Context, conn *pgxpool.Conn) error {
		found, err := collect(ctx, conn, scanClaimant, selectClaimants, claimArguments([]sso.Claim{claim}, now)...)
		users = nil
		for _, c := range distinct(found) {
			users = append(users, c.User)
		}
		return err
	})
	return users, err
}

// claim takes an account that waits for the login. If there is none, it looks up the link
// again: another login may have created it while this one waited.
func (u *userOf) claim(ctx context.Context, t *transaction, login sso.NewSession) (taken bool, refused, err error) {
	if len(login.Claims) == 0 {
		return false, nil, nil
	}
	var waiting []claimant
	t.queue(lockClaimants, claimArguments(login.Claims, login.Session.CreatedAt)...).Query(func(rows pgx.Rows) (err error) {
		waiting, err = pgx.CollectRows(rows, scanClaimant)
		return err
	})
	u.queue(t, login)
	if err := t.send(ctx); err != nil {
		return false, nil, err
	}
	waiting = distinct(waiting)
	if u.found || len(waiting) == 0 {
		return false, nil, nil
	}
	var list []sso.Claimant
	for _, w := range waiting {
		list = append(list, w.Claimant)
	}
	user, refused := login.Claim(list)
	if refused != nil {
		return true, refused, nil
	}
	i := slices.IndexFunc(waiting, func(w claimant) bool { return w.ID == user.ID })
	if i < 0 {
		return true, nil, fmt.Errorf("user %q did not wait: %w", user.ID, sso.ErrNotFound)
	}
	return u.take(ctx, t, waiting[i].pk, user, login.Session)
}

func (u *userOf) take(ctx context.Context, t *transaction, pk int64, user sso.User, session sso.Session) (taken bool, refused, err error) {
	added := 0
	queueTieLink(t, people.Link{Provider: session.Provider, Subject: session.AtProvider.Subject}, pk, &added)
	if err := t.send(ctx); err != nil {
		return true, nil, err
	}
	if added == 0 { // another user has the link by now
		return true, nil, errLinkCame
	}
	t.queue(updateUser, changedFields(user)...)
	t.queue(`UPDATE doorward.users SET status = $2 WHERE pk = $1`, pk, string(user.Status))
	u.User, u.pk, u.found = user, pk, true
	return true, nil, nil
}

const (
	endClaims = `DELETE FROM doorward.claims WHERE user_pk = $1 AND EXISTS (SELECT 1 FROM doorward.links WHERE user_pk = $1)`

	setOrigin = `
		UPDATE doorward.users SET provider = $2, subject = $3 WHERE pk = $1 AND provider = '' AND subject = ''
			AND EXISTS (SELECT 1 FROM doorward.links WHERE provider = $2 AND subject = $3 AND user_pk = $1)`
)

// queueTieLink links an identity to a user and deletes the user's claims, which are void
// from then on. It changes nothing if another user has the link by now.
func queueTieLink(t *transaction, link people.Link, userPK int64, added *int) {
	t.queue(insertLink, link.Provider, []byte(link.Subject), userPK).Exec(countInto(added))
	t.queue(endClaims, userPK)
	t.queue(setOrigin, userPK, link.Provider, []byte(link.Subject))
}

// AddClaim implements people.Accounts.
func (s *Store) AddClaim(ctx context.Context, id string, claim sso.Claim, event sso.Event) error {
	return s.write(ctx, "storing a claim", func(ctx context.Context, t *transaction) error {
		held, err := hold(ctx, t, id)
		if err != nil {
			return err
		}
		links := 0
		t.queue(`SELECT count(*) FROM doorward.links WHERE user_pk = $1`, held.pk).QueryRow(scanInto(&links))
		if err := t.send(ctx); err != nil {
			return err
		}
		if links > 0 || held.Linked() {
			return people.ErrClaimed
		}
		changed := 0
		queueInsertClaim(t, id, claim, &changed)
		if err := t.send(ctx); err != nil || changed == 0 {
			return err
		}
		t.note(event)
		return nil
	})
}

// upsertClaim changes nothing if the same claim is stored already.
const upsertClaim = `
	INSERT INTO doorward.claims AS c (user_pk, kind, provider, key, expires_at) SELECT pk, $2, $3, $4, $5 FROM doorward.users WHERE id = $1
	ON CONFLICT (user_pk, kind) DO UPDATE SET provider = excluded.provider, key = excluded.key, expires_at = excluded.expires_at
	WHERE (c.provider, c.key, c.expires_at) IS DISTINCT FROM (excluded.provider, excluded.key, excluded.expires_at)`

func queueInsertClaim(t *transaction, userID string, c sso.Claim, changed *int) {
	t.queue(upsertClaim, userID, string(c.Kind), text(c.Provider), []byte(c.Key), millis(c.ExpiresAt)).Exec(countInto(changed))
}

const selectClaims = `
	SELECT kind, provider, key, expires_at FROM doorward.claims WHERE user_pk = (SELECT pk FROM doorward.users WHERE id = $1) ORDER BY kind`

// ClaimsOf implements people.Accounts.
func (s *Store) ClaimsOf(ctx context.Context, id string) (claims []sso.Claim, err error) {
	err = s.read(ctx, "looking up claims", func(ctx context.Context, conn *pgxpool.Conn) (err error) {
		claims, err = collect(ctx, conn, func(row pgx.CollectableRow) (c sso.Claim, err error) {
			return c, row.Scan((*string)(&c.Kind), &c.Provider, asString{&c.Key}, moment{&c.ExpiresAt})
		}, selectClaims, text(id))
		return err
	})
	return claims, err
}
