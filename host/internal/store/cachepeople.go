package store

import (
	"context"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// A change that an operator makes to a user shows at the user's next request.

// ChangeUser implements people.Accounts.
func (c *cached) ChangeUser(ctx context.Context, id string, change func(user *sso.User) ([]sso.Event, error)) (sso.User, int, error) {
	defer c.forgetUser(id)
	return c.Store.ChangeUser(ctx, id, change)
}

// DeleteUser implements people.Accounts.
func (c *cached) DeleteUser(ctx context.Context, id string, event sso.Event) (int, error) {
	defer c.forgetUser(id)
	return c.Store.DeleteUser(ctx, id, event)
}

// AddLink implements people.Accounts.
func (c *cached) AddLink(ctx context.Context, id string, link people.Link, event sso.Event) error {
	defer c.forgetUser(id)
	return c.Store.AddLink(ctx, id, link, event)
}

// RemoveLink implements people.Accounts.
func (c *cached) RemoveLink(ctx context.Context, id string, link people.Link, event sso.Event) (int, error) {
	defer c.forgetUser(id)
	return c.Store.RemoveLink(ctx, id, link, event)
}
