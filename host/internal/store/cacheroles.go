package store

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// cachedRoles holds the list of roles, which each login that assigns a role reads.
type cachedRoles struct {
	list  []sso.Role
	until time.Time
}

// Roles implements sso.Roles.
func (c *cached) Roles(ctx context.Context) ([]sso.Role, error) {
	now := c.now()
	c.mu.RLock()
	roles, writes := c.roles, c.writes
	c.mu.RUnlock()
	if now.Before(roles.until) {
		return roles.list, nil
	}
	list, err := c.Store.Roles(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writes == writes {
		c.roles = cachedRoles{list, now.Add(cacheFor)}
	}
	return list, nil
}

func (c *cached) forgetRoles() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	c.roles = cachedRoles{}
}

// AddRole implements sso.Roles.
func (c *cached) AddRole(ctx context.Context, role sso.Role, event sso.Event) error {
	defer c.forgetRoles()
	return c.Store.AddRole(ctx, role, event)
}

// RenameRole implements sso.Roles.
func (c *cached) RenameRole(ctx context.Context, id, name string, event sso.Event) error {
	defer c.forgetRoles()
	return c.Store.RenameRole(ctx, id, name, event)
}

// RemoveRole implements sso.Roles. It changes users without reporting which, so the whole
// cache is cleared.
func (c *cached) RemoveRole(ctx context.Context, id string, moveTo *string, event sso.Event) (int, error) {
	defer c.forgetAll()
	defer c.forgetRoles()
	return c.Store.RemoveRole(ctx, id, moveTo, event)
}
