package people

import (
	"context"
	"fmt"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// Limits of an invitation's lifetime. It sits in a mailbox for that long, and anyone who
// reads it there can take the account.
const (
	defaultInvitation = 7 * 24 * time.Hour
	maxInvitation     = 90 * 24 * time.Hour
)

// InviteUser creates a one-time link to an account that nobody signs in to yet.
type InviteUser struct {
	OneUser
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"seven days from now by default, and at most ninety"`
}

// Invitation is a one-time link. It is shown only this once.
type Invitation struct {
	UserDetails
	ExpiresAt time.Time `json:"expires_at"`
	Token     string    `json:"token" doc:"the secret of the link; it cannot be shown again"`
	URL       *string   `json:"url" doc:"link to send to the user; null if the public URL is unknown here"`
}

// InviteUser creates a one-time link that replaces any earlier one. The first login that
// is completed from it takes the account, no matter who signs in. ErrClaimed if the account has
// a link, sso.ErrNotFound if it does not exist.
func (o *Operations) InviteUser(ctx context.Context, req InviteUser) (Invitation, error) {
	actor, err := o.allow(ctx, UsersWrite)
	if err != nil {
		return Invitation{}, err
	}
	now := o.ports.Now()
	until := req.ExpiresAt
	if until.IsZero() {
		until = now.Add(defaultInvitation)
	}
	if !until.After(now) || until.After(now.Add(maxInvitation)) {
		return Invitation{}, invalid("expires_at", "must be in the future, within %d days", int(maxInvitation.Hours()/24))
	}
	if err := o.mayBeInvited(ctx, req.User); err != nil {
		return Invitation{}, err
	}
	token := sso.NewInvitationToken()
	claim := token.Claim()
	claim.ExpiresAt = until
	ends := until.UTC().Format(time.RFC3339)
	event := o.aboutUser(ctx, actor, sso.EventUserInvited, req.User)
	event.Detail = "until " + ends
	if err := o.ports.Accounts.AddClaim(ctx, req.User, claim, event); err != nil {
		return Invitation{}, fmt.Errorf("inviting a user: %w", err)
	}
	o.changed(actor, "user invited", "user", req.User, "until", ends)
	details, err := o.details(ctx, req.User)
	invitation := Invitation{UserDetails: details, ExpiresAt: until.UTC(), Token: string(token)}
	if o.ports.PublicURL != "" {
		invitation.URL = orNull(sso.InvitationURL(o.ports.PublicURL, token))
	}
	return invitation, err
}

// mayBeInvited refuses accounts whose login would be refused.
func (o *Operations) mayBeInvited(ctx context.Context, id string) error {
	user, _, err := o.ports.Accounts.UserByID(ctx, id)
	if err != nil {
		return fmt.Errorf("looking up a user: %w", err)
	}
	if user.Status != sso.UserActive && user.Status != sso.UserInvited {
		return fmt.Errorf("%w: the account is %s, so the invited user could not sign in: activate it first", ErrTaken, user.Status)
	}
	return nil
}
