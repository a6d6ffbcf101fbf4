package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// cacheFor is how long a session may be answered from memory. A change that
// this process makes is seen at once; this bounds the rest, such as an operator
// who suspends a user with a database tool.
const cacheFor = time.Second

const maxCached = 10_000

// Cached answers SessionToken from memory where it can. It is asked for each
// request that carries a session cookie, and reading the database takes longer
// than the whole rest of the check.
func Cached(s Store, now func() time.Time) Store {
	return &cached{Store: s, now: now, entries: map[sso.TokenHash]cachedToken{}}
}

// cached forgets everything at every write that could change an answer. Writes
// are rare beside reads, so there is no need to know which answers change.
type cached struct {
	Store
	now func() time.Time

	// generation counts writes. An answer is kept with the generation before it
	// was read, so that one that was overtaken by a write is never used.
	generation atomic.Uint64

	mu      sync.RWMutex
	entries map[sso.TokenHash]cachedToken
}

type cachedToken struct {
	token      sso.SessionToken
	generation uint64
	until      time.Time
}

// SessionToken implements sso.Sessions.
func (c *cached) SessionToken(ctx context.Context, hash sso.TokenHash) (sso.SessionToken, error) {
	generation, now := c.generation.Load(), c.now()
	c.mu.RLock()
	entry, ok := c.entries[hash]
	c.mu.RUnlock()
	if ok && entry.generation == generation && now.Before(entry.until) {
		return entry.token, nil
	}
	token, err := c.Store.SessionToken(ctx, hash)
	if err != nil {
		return token, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= maxCached {
		clear(c.entries)
	}
	c.entries[hash] = cachedToken{token: token, generation: generation, until: now.Add(cacheFor)}
	return token, nil
}

// RotateToken implements sso.Sessions.
func (c *cached) RotateToken(ctx context.Context, rotation sso.Rotation) error {
	defer c.generation.Add(1)
	return c.Store.RotateToken(ctx, rotation)
}

// EndSession implements sso.Sessions.
func (c *cached) EndSession(ctx context.Context, sessionID string) error {
	defer c.generation.Add(1)
	return c.Store.EndSession(ctx, sessionID)
}

// EndProviderSessions implements sso.ProviderSessions.
func (c *cached) EndProviderSessions(ctx context.Context, selection sso.Selection, once ...sso.OnceID) ([]sso.Session, error) {
	defer c.generation.Add(1)
	return c.Store.EndProviderSessions(ctx, selection, once...)
}

// UpdateUser implements sso.Users.
func (c *cached) UpdateUser(ctx context.Context, user sso.User) error {
	defer c.generation.Add(1)
	return c.Store.UpdateUser(ctx, user)
}

// CreateSession implements sso.Sessions; it updates the user, and removes what has
// expired.
func (c *cached) CreateSession(ctx context.Context, login sso.NewSession) error {
	defer c.generation.Add(1)
	return c.Store.CreateSession(ctx, login)
}

// EndSessions implements sso.Sessions.
func (c *cached) EndSessions(ctx context.Context, match sso.SessionMatch, limit int) (int, error) {
	defer c.generation.Add(1)
	return c.Store.EndSessions(ctx, match, limit)
}
