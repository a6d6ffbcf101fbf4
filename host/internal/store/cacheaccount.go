package store

import (
	"context"

	"github.com/doorward/doorward/host/internal/sso"
)

// A change that people make to their own account shows at their next request.

// LinkOwn implements sso.OwnAccounts.
func (c *cached) LinkOwn(ctx context.Context, link sso.OwnLink) error {
	defer c.forgetUser(link.UserID)
	return c.Store.LinkOwn(ctx, link)
}

// UnlinkOwn implements sso.OwnAccounts.
func (c *cached) UnlinkOwn(ctx context.Context, userID string, link sso.LinkedIdentity, providers []string, event sso.Event) (int, error) {
	defer c.forgetUser(userID)
	return c.Store.UnlinkOwn(ctx, userID, link, providers, event)
}
