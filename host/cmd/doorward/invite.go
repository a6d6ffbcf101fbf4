package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/admin"
	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk/options"
)

func userInviteCommand(environ []string) *cobra.Command {
	var o *operator
	var made people.AddUser
	var expires string
	var until time.Time
	cmd := &cobra.Command{
		Use: "invite [USER]", Short: "Make a one-time link with which somebody claims an account",
		Args: withFlags(cobra.MaximumNArgs(1), func(cmd *cobra.Command) (err error) {
			if until, err = invitedUntil(expires, time.Now()); err != nil {
				return err
			}
			if given := made != (people.AddUser{}); given == (cmd.Flags().NArg() > 0) {
				return errors.New("name an existing USER, or describe the account to make: --email, --first-name, --last-name, --role or --id")
			}
			return nil
		}),
		Long: "Make a link, and print it this once. Anyone who opens it sees whose account it is for, and chooses a provider. The\n" +
			"first login that is completed claims the account, no matter who signs in, so send the link to nobody else. A new link\n" +
			"replaces the one before. USER must have no way to sign in yet; without USER, an account is made.\n\n" + whereItIsDone,
		Example: "  doorward user invite --email ann@example.org --role Editor\n" +
			"  doorward user invite ann@example.org --expires 24h",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, args []string) error {
				id, err := o.invited(ctx, args, made)
				if err != nil {
					return err
				}
				return o.inviteUser(ctx, people.InviteUser{OneUser: people.OneUser{User: id}, ExpiresAt: until})
			})(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	cmd.Flags().StringVar(&expires, "expires", "7d", "how long the link is valid, at most 90d")
	accountFlags(cmd, &made)
	return cmd
}

func invitedUntil(text string, now time.Time) (time.Time, error) {
	after, err := options.ParseDuration(text)
	if err != nil || after < time.Minute {
		return time.Time{}, errors.New("--expires must be at least a minute, such as 24h or 7d")
	}
	return now.Add(after).UTC().Truncate(time.Second), nil
}

// invited returns the ID of the named user, or of the account that it makes.
func (o *operator) invited(ctx context.Context, args []string, made people.AddUser) (string, error) {
	if len(args) > 0 {
		return o.userID(ctx, args[0])
	}
	made.Invited = true
	answer, err := o.client.Call(ctx, "addUser", made)
	if err != nil {
		return "", err
	}
	added, err := admin.Decode[people.AddedUser](answer)
	return added.ID, err
}

func (o *operator) inviteUser(ctx context.Context, req people.InviteUser) error {
	var invitation people.Invitation
	if done, err := o.call(ctx, "inviteUser", req, &invitation); done || err != nil {
		return err
	}
	link := sso.InvitationURL("PUBLIC_URL", sso.InvitationToken(invitation.Token))
	if invitation.URL != nil {
		link = *invitation.URL
	}
	fmt.Fprintf(o.out, "invited: %s %s; expires: %s\nlink, shown this once: %s\n",
		invitation.ID, shownOrDash(invitation.Email), timeOrDash(&invitation.ExpiresAt), link)
	return nil
}
