package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// cacheFor is how long a session may be answered from memory. A change that
// this process makes is seen at once; this bounds the rest, such as an operator
// who suspends a user with a database tool, or a write whose caller did not wait
// for its outcome.
const cacheFor = time.Second

const (
	maxCached       = 10_000
	maxCachedGroups = 64 << 20 // bytes of the groups of all sessions
)

// Cached answers SessionToken from memory where it can. It is asked for each
// request that carries a session cookie, and reading the database takes longer
// than the whole rest of the check.
//
// A write forgets the answers that it changed, which are those of its session or its
// user, and no others. That a successor was forgotten changes none: that is for when
// nobody may have it any more.
func Cached(s Store, now func() time.Time) Store {
	c := &cached{Store: s, now: now}
	c.clear()
	return c
}

type cached struct {
	Store
	now func() time.Time

	mu        sync.RWMutex
	entries   map[sso.TokenHash]cachedToken
	ofUser    hashesOf  // the keys of entries, by the IDs of users
	ofSession hashesOf  // ... and of sessions
	oldest    time.Time // no entry expires before; zero: there are none
	groups    int       // bytes
	roles     cachedRoles

	// writes counts what was forgotten. An answer that was being read meanwhile may
	// be from before, and is not kept.
	writes uint64
}

type cachedToken struct {
	token sso.SessionToken
	until time.Time
}

// SessionToken implements sso.Sessions.
func (c *cached) SessionToken(ctx context.Context, hash sso.TokenHash) (sso.SessionToken, error) {
	now := c.now()
	c.mu.RLock()
	entry, ok := c.entries[hash]
	writes := c.writes
	c.mu.RUnlock()
	if ok && now.Before(entry.until) {
		return entry.token, nil
	}
	token, err := c.Store.SessionToken(ctx, hash)
	if err == nil {
		c.keep(hash, cachedToken{token, now.Add(cacheFor)}, writes)
	}
	return token, err
}

func (c *cached) keep(hash sso.TokenHash, entry cachedToken, writes uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writes != writes {
		return
	}
	if len(c.entries) >= maxCached || c.groups >= maxCachedGroups {
		c.clear()
	}
	c.groups += entry.groups() - c.entries[hash].groups()
	c.entries[hash] = entry
	c.ofUser.add(entry.token.User.ID, hash)
	c.ofSession.add(entry.token.Session.ID, hash)
	if c.oldest.IsZero() || entry.expiresAt().Before(c.oldest) {
		c.oldest = entry.expiresAt()
	}
}

// expiresAt is the moment after which a write may remove the token.
func (e cachedToken) expiresAt() time.Time {
	if session := e.token.Session.ExpiresAt; session.Before(e.token.ExpiresAt) {
		return session
	}
	return e.token.ExpiresAt
}

func (e cachedToken) groups() int { return len(e.token.Session.Groups) }

// clear is called with mu held.
func (c *cached) clear() {
	c.entries, c.ofUser, c.ofSession, c.oldest = map[sso.TokenHash]cachedToken{}, hashesOf{}, hashesOf{}, time.Time{}
	c.groups = 0
}

func (c *cached) forgetAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	c.clear()
}

// forgetExpired is for a write that removed what had expired before. That is a day ago
// (keepExpired of package sso), so hardly anybody still asks about it.
func (c *cached) forgetExpired(before time.Time) {
	if before.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	if !c.oldest.IsZero() && c.oldest.Before(before) {
		c.clear()
	}
}

func (c *cached) forgetSession(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	c.forget(c.ofSession[id])
}

func (c *cached) forgetUser(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	c.forget(c.ofUser[id])
}

// forget is called with mu held.
func (c *cached) forget(hashes map[sso.TokenHash]struct{}) {
	for hash := range hashes {
		entry := c.entries[hash]
		delete(c.entries, hash)
		c.groups -= entry.groups()
		c.ofUser.remove(entry.token.User.ID, hash)
		c.ofSession.remove(entry.token.Session.ID, hash)
	}
}

// hashesOf are the hashes of tokens by an ID. None of its sets is empty.
type hashesOf map[string]map[sso.TokenHash]struct{}

func (h hashesOf) add(id string, hash sso.TokenHash) {
	if h[id] == nil {
		h[id] = map[sso.TokenHash]struct{}{}
	}
	h[id][hash] = struct{}{}
}

func (h hashesOf) remove(id string, hash sso.TokenHash) {
	if delete(h[id], hash); len(h[id]) == 0 {
		delete(h, id)
	}
}

// RotateToken implements sso.Sessions.
func (c *cached) RotateToken(ctx context.Context, rotation sso.Rotation) error {
	defer c.forgetExpired(rotation.RemoveBefore)
	defer c.forgetSession(rotation.SessionID)
	return c.Store.RotateToken(ctx, rotation)
}

// ProlongSession implements sso.Sessions.
func (c *cached) ProlongSession(ctx context.Context, p sso.Prolongation) error {
	defer c.forgetSession(p.SessionID)
	return c.Store.ProlongSession(ctx, p)
}

// LeaseGrant implements sso.ProviderSessions. If another host is at it, what is known
// of the token may be of no use any more.
func (c *cached) LeaseGrant(ctx context.Context, lease sso.GrantLease) ([]byte, error) {
	sealed, err := c.Store.LeaseGrant(ctx, lease)
	if err != nil {
		c.forgetSession(lease.SessionID)
	}
	return sealed, err
}

// CreateSession implements sso.Sessions. It updates the user, and ends sessions.
func (c *cached) CreateSession(ctx context.Context, login sso.NewSession) error {
	defer c.forgetExpired(login.RemoveBefore)
	for _, replaced := range login.Replaces {
		defer c.forgetSession(replaced)
	}
	known := ""
	defer func() { c.forgetUser(known) }()
	if claim := login.Claim; claim != nil {
		login.Claim = func(waiting []sso.Claimant) (sso.User, error) {
			user, err := claim(waiting)
			known = user.ID
			return user, err
		}
	}
	if decide := login.Decide; decide != nil {
		login.Decide = func(user *sso.User) (sso.User, error) {
			if user != nil {
				known = user.ID
			}
			return decide(user)
		}
	}
	return c.Store.CreateSession(ctx, login)
}

// EndSession implements sso.Sessions.
func (c *cached) EndSession(ctx context.Context, sessionID string, event sso.Event) error {
	defer c.forgetSession(sessionID)
	return c.Store.EndSession(ctx, sessionID, event)
}

// EndLeased implements sso.ProviderSessions. If another host is at it, what is known of
// the session may be of no use any more.
func (c *cached) EndLeased(ctx context.Context, sessionID, holder string, event sso.Event) error {
	defer c.forgetSession(sessionID)
	return c.Store.EndLeased(ctx, sessionID, holder, event)
}

// EndProviderSessions implements sso.ProviderSessions.
func (c *cached) EndProviderSessions(ctx context.Context, selection sso.Selection, event sso.Event, once ...sso.OnceID) ([]sso.Session, error) {
	ended, err := c.Store.EndProviderSessions(ctx, selection, event, once...)
	if err != nil && !errors.Is(err, sso.ErrSpent) {
		c.forgetAll() // some may have ended all the same
	}
	for _, session := range ended {
		c.forgetSession(session.ID)
	}
	return ended, err
}

// EndSessions implements sso.Sessions. It is for operators, and does not tell which
// sessions it ended.
func (c *cached) EndSessions(ctx context.Context, match sso.SessionMatch, limit int, event sso.Event) (int, error) {
	defer c.forgetAll()
	return c.Store.EndSessions(ctx, match, limit, event)
}
