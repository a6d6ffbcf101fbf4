package main

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/people"
)

func userCommand(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Show and change users",
		Long: "Show and change users. USER is the ID of a user, or an e-mail address that only one user has.\n\n" +
			whereItIsDone + " See also docs/administration.md.",
	}
	cmd.AddCommand(userListCommand(environ), userShowCommand(environ), userAddCommand(environ), userInviteCommand(environ), userImportCommand(environ), userSetCommand(environ),
		userSuspendCommand(environ), userActivateCommand(environ), userLinkCommand(environ), userUnlinkCommand(environ), userDeleteCommand(environ))
	return cmd
}

// pagingFlags adds the flags of a command that lists.
func pagingFlags(cmd *cobra.Command, to *people.Paging) {
	cmd.Flags().IntVar(&to.Limit, "limit", people.DefaultLimit, "show at most this many")
	cmd.Flags().StringVar(&to.Cursor, "cursor", "", "show the page after the one that printed this cursor")
}

func userListCommand(environ []string) *cobra.Command {
	var req people.ListUsers
	var o *operator
	cmd := &cobra.Command{
		Use: "list", Short: "List users", Args: cobra.NoArgs,
		Long: "List users, in the order in which their accounts were made. A user is listed if they match all flags.",
		Example: "  doorward user list --status suspended\n  doorward user list --provider corp --limit 20\n" +
			"  doorward user list --json | jq -r '.data[] | select(.last_access == null) | .email'",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, _ []string) error { return o.listUsers(ctx, req) })(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	cmd.Flags().StringVar(&req.Provider, "provider", "", "only users who sign in through this provider")
	cmd.Flags().StringVar(&req.Subject, "subject", "", "with --provider: only the user with this subject there")
	cmd.Flags().StringVar(&req.Status, "status", "", "only users with this status: active, suspended, invited, or another status of Directus")
	cmd.Flags().StringVar(&req.Email, "email", "", "only users with this e-mail address")
	cmd.Flags().StringVar(&req.Role, "role", "", "only users with the role of this ID or name")
	pagingFlags(cmd, &req.Paging)
	return cmd
}

func userShowCommand(environ []string) *cobra.Command {
	return userActCommand(environ, "show USER", "Show a user", "", "  doorward user show ann@example.org", (*operator).showUser)
}

func userSuspendCommand(environ []string) *cobra.Command {
	return userActCommand(environ, "suspend USER", "Stop a user from signing in, at once",
		"Stop a user from signing in, and end all their sessions in the same step. Other hosts on the same database notice\n"+
			"within a second. Systems that verify access tokens themselves accept them until they expire (ACCESS_TOKEN_TTL).",
		"  doorward user suspend ann@example.org", (*operator).suspendUser)
}

func userActivateCommand(environ []string) *cobra.Command {
	return userActCommand(environ, "activate USER", "Let a user sign in again",
		"Let a user sign in again. Ended sessions stay ended.",
		"  doorward user activate ann@example.org", (*operator).activateUser)
}

// userActCommand is a command that does something with one user.
func userActCommand(environ []string, use, short, long, example string, do func(*operator, context.Context, string) error) *cobra.Command {
	var o *operator
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Example: example, Args: exactly("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, args []string) error {
				id, err := o.userID(ctx, args[0])
				if err != nil {
					return err
				}
				return do(o, ctx, id)
			})(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	return cmd
}

// linkFlags identify somebody at a provider.
type linkFlags struct{ provider, subject, subject64 string }

func (l *linkFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.provider, "provider", "", "provider through which the user signs in")
	cmd.Flags().StringVar(&l.subject, "subject", "", "exact identifier of the user at the provider (sub, NameID, entryUUID); the log of a refused sign-in shows it")
	cmd.Flags().StringVar(&l.subject64, "subject-base64", "", "the same in base64, as in the log for identifiers that a shell could misread")
	cmd.MarkFlagsMutuallyExclusive("subject", "subject-base64")
}

// read returns provider and subject. If need is true, they must be given.
func (l *linkFlags) read(need bool) (provider, subject string, err error) {
	subject = l.subject
	if l.subject64 != "" {
		decoded, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(l.subject64, "="))
		if err != nil {
			return "", "", errors.New("--subject-base64 is not base64url")
		}
		subject = string(decoded)
	}
	if !utf8.ValidString(subject) {
		return "", "", errors.New("--subject is not UTF-8, but subjects always are")
	}
	if given := l.provider != "" && subject != ""; given || !need && l.provider == "" && subject == "" {
		return l.provider, subject, nil
	}
	return "", "", errors.New("--provider and --subject must be used together: at another provider the subject may be somebody else")
}

func userAddCommand(environ []string) *cobra.Command {
	var req people.AddUser
	var link linkFlags
	var o *operator
	cmd := &cobra.Command{
		Use: "add", Short: "Make an account for somebody who has not signed in yet",
		Args: withFlags(cobra.NoArgs, func(*cobra.Command) (err error) {
			req.Provider, req.Subject, err = link.read(false)
			return err
		}),
		Long: "Make an account. The first login of that subject at that provider claims it, whether registration is open or\n" +
			"not. When somebody is refused because they have no account, the log has this command, ready to run.\n\n" + whereItIsDone,
		Example: "  doorward user add --provider corp --subject 248289761001\n" +
			"  doorward user add --provider corp --subject 248289761001 --email ann@example.org --role Editor\n" +
			"  doorward user add --email ann@example.org --email-provider google",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, _ []string) error { return o.addUser(ctx, req) })(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	link.add(cmd)
	accountFlags(cmd, &req)
	cmd.Flags().StringVar(&req.EmailProvider, "email-provider", "", "instead of provider and subject: a login at this provider with the verified --email claims the account\n(needs LINK_BY_VERIFIED_EMAIL)")
	return cmd
}

// accountFlags describe a new account.
func accountFlags(cmd *cobra.Command, to *people.AddUser) {
	cmd.Flags().StringVar(&to.ID, "id", "", "UUID of the user; generated if not given")
	cmd.Flags().StringVar(&to.Email, "email", "", "e-mail address; the address alone lets nobody sign in")
	cmd.Flags().StringVar(&to.FirstName, "first-name", "", "first name")
	cmd.Flags().StringVar(&to.LastName, "last-name", "", "last name")
	cmd.Flags().StringVar(&to.Role, "role", "", "role, by its ID or name")
}

func userSetCommand(environ []string) *cobra.Command {
	var o *operator
	var req people.SetUser
	cmd := &cobra.Command{
		Use: "set USER", Short: "Change the e-mail address, names or role of a user",
		Args: withFlags(exactly("USER"), func(*cobra.Command) error {
			if req == (people.SetUser{}) {
				return errors.New("say what to change: --email, --first-name, --last-name or --role")
			}
			return nil
		}),
		Long: "Change a user. Anything that is not given stays; an empty value removes it. A provider with SYNC_USER_INFO or a\n" +
			"role mapping changes names and role again at the next login.",
		Example: "  doorward user set ann@example.org --role Editor\n  doorward user set ann@example.org --role ''",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, args []string) error { return o.setUser(ctx, args[0], req) })(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	for _, flag := range []struct {
		to         *people.Change
		name, help string
	}{
		{&req.Email, "email", "e-mail address"}, {&req.FirstName, "first-name", "first name"},
		{&req.LastName, "last-name", "last name"}, {&req.Role, "role", "role, by its ID or name"},
	} {
		cmd.Flags().Func(flag.name, flag.help, func(text string) error {
			*flag.to = people.ChangeTo(text)
			return nil
		})
	}
	return cmd
}

func userLinkCommand(environ []string) *cobra.Command {
	return userLinksCommand(environ, "link USER --provider PROVIDER --subject SUBJECT", "Let a user sign in with another provider",
		"Let a user sign in with another provider. A subject that already leads to a user is never moved to another user.",
		"  doorward user link ann@example.org --provider google --subject 107691503500061507151", (*operator).linkUser)
}

func userUnlinkCommand(environ []string) *cobra.Command {
	return userLinksCommand(environ, "unlink USER --provider PROVIDER --subject SUBJECT", "Remove a way to sign in from a user",
		"Remove a way to sign in from a user, and end the sessions that began with it. If registration is open, the next\n"+
			"login with it makes another account.",
		"  doorward user unlink ann@example.org --provider google --subject 107691503500061507151", (*operator).unlinkUser)
}

func userLinksCommand(environ []string, use, short, long, example string, do func(o *operator, ctx context.Context, user, provider, subject string) error) *cobra.Command {
	var o *operator
	var link linkFlags
	var provider, subject string
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Example: example, DisableFlagsInUseLine: true,
		Args: withFlags(exactly("USER"), func(*cobra.Command) (err error) {
			provider, subject, err = link.read(true)
			return err
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, args []string) error {
				id, err := o.userID(ctx, args[0])
				if err != nil {
					return err
				}
				return do(o, ctx, id, provider, subject)
			})(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	link.add(cmd)
	return cmd
}

func userDeleteCommand(environ []string) *cobra.Command {
	var o *operator
	var yes bool
	cmd := &cobra.Command{
		Use: "delete USER", Short: "Delete a user permanently", Args: exactly("USER"),
		Long: "Delete a user permanently, with all links and sessions. If registration is open, their next login makes a new\n" +
			"account with another ID: to stop a user from signing in, suspend them.",
		Example: "  doorward user delete ann@example.org\n  doorward user delete --yes 0b4e4a0a-3c5f-4f8e-9a57-2f5b9d1d3c11",
		RunE: func(cmd *cobra.Command, args []string) error {
			asks := confirmation{in: cmd.InOrStdin(), out: cmd.ErrOrStderr(), yes: yes}
			return o.runs(func(ctx context.Context, args []string) error { return o.deleteUser(ctx, args[0], asks) })(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
