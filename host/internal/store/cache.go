package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// cacheFor is how long a session may be answered from memory. A change by this process
// shows at once; cacheFor bounds the delay of all others, such as an operator who
// suspends a user with a database tool, or a write whose caller did not wait for the
// outcome.
const cacheFor = time.Second

const (
	maxCached       = 10_000
	maxCachedGroups = 64 << 20 // bytes of the groups of all sessions
)

// Cached answers SessionToken from memory where it can. Each request with a session
// cookie calls it, and reading the database takes longer than the rest of the check.
//
// A write forgets only the answers that it changed: those of its session or its user.
// Removing an old successor changes no answer, because by then nobody may get that
// successor any more.
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
	oldest    time.Time // no entry expires before this; zero if there are none
	groups    int       // bytes
	roles     cachedRoles

	// writes counts invalidations. An answer that was read from the database while a
	// write ran may be older than the write, and is not kept.
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

// forgetExpired follows a write that removed rows which had expired before that time.
// That is a day ago (keepExpired of package sso), so hardly any cached entry is affected.
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

// hashesOf maps an ID to the hashes of its tokens. None of the sets is empty.
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

// LeaseGrant implements sso.ProviderSessions. If another host holds the lease, the cached
// token may be out of date.
func (c *cached) LeaseGrant(ctx context.Context, lease sso.GrantLease) ([]byte, error) {
	sealed, err := c.Store.LeaseGrant(ctx, lease)
	if err != nil {
		c.forgetSession(lease.SessionID)
	}
	return sealed, err
}

// CreateSession implements sso.Sessions. It also updates the user and ends the sessions
// that the login replaces.
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

// EndLeased implements sso.ProviderSessions. If another host holds the lease, the cached
// session may be out of date.
func (c *cached) EndLeased(ctx context.Context, sessionID, holder string, event sso.Event) error {
	defer c.forgetSession(sessionID)
	return c.Store.EndLeased(ctx, sessionID, holder, event)
}

// EndProviderSessions implements sso.ProviderSessions.
func (c *cached) EndProviderSessions(ctx context.Context, selection sso.Selection, event sso.Event, once ...sso.OnceID) ([]sso.Session, error) {
	ended, err := c.Store.EndProviderSessions(ctx, selection, event, once...)
	if err != nil && !errors.Is(err, sso.ErrSpent) {
		c.forgetAll() // some may have ended anyway
	}
	for _, session := range ended {
		c.forgetSession(session.ID)
	}
	return ended, err
}

// EndSessions implements sso.Sessions. Operators call it. It does not report which
// sessions it ended, so the whole cache is cleared.
func (c *cached) EndSessions(ctx context.Context, match sso.SessionMatch, limit int, event sso.Event) (int, error) {
	defer c.forgetAll()
	return c.Store.EndSessions(ctx, match, limit, event)
}
