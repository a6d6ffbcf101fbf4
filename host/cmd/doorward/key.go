package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/sdk/options"
)

func keyCommand(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "key", Short: "Make and remove keys for administration programs",
		Long: "Make and remove keys for programs that use the administration over ADMIN_ADDRESS. On this machine no key is\n" +
			"needed: anyone who can open the control socket can do everything.\n\n" + whereItIsDone,
	}
	cmd.AddCommand(keyAddCommand(environ), keyListCommand(environ), keyRemoveCommand(environ))
	return cmd
}

const defaultLifetime = "90d"

func keyAddCommand(environ []string) *cobra.Command {
	var o *operator
	var req people.AddKey
	var expires string
	cmd := &cobra.Command{
		Use: "add NAME --scope SCOPE,...", Short: "Make a key, and show it once", DisableFlagsInUseLine: true,
		Args: withFlags(exactly("NAME"), func(*cobra.Command) (err error) {
			if len(req.Scopes) == 0 {
				return errors.New("--scope is missing; the scopes are: " + strings.Join(scopeNames(), ", "))
			}
			req.ExpiresAt, err = expiry(expires, time.Now())
			return err
		}),
		Long: "Make a key, and show it once: only its hash is stored. A key allows only what its scopes say:\n\n  " +
			strings.Join(scopeNames(), ", ") + "\n\nA write scope does not include the read scope.",
		Example: "  doorward key add hr-sync --scope users:read,users:write --expires 1y\n" +
			"  curl -H \"Authorization: Bearer $KEY\" http://127.0.0.1:8057/admin/users",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, args []string) error {
				req.Name = args[0]
				return o.addKey(ctx, req)
			})(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	cmd.Flags().StringSliceVar(&req.Scopes, "scope", nil, "what the key allows")
	cmd.Flags().StringVar(&expires, "expires", defaultLifetime, "how long the key is valid, such as 30d or 1y; never: it does not expire")
	return cmd
}

func scopeNames() []string {
	var names []string
	for _, scope := range people.Scopes() {
		names = append(names, string(scope))
	}
	return names
}

// expiry reads when a key expires.
func expiry(text string, now time.Time) (time.Time, error) {
	if text == "never" {
		return time.Time{}, nil
	}
	after, err := options.ParseDuration(text)
	if err != nil || after < time.Minute {
		return time.Time{}, errors.New("--expires must be at least a minute, such as 30d or 1y, or never")
	}
	return now.Add(after).UTC().Truncate(time.Second), nil
}

func (o *operator) addKey(ctx context.Context, req people.AddKey) error {
	var added people.AddedKey
	if done, err := o.call(ctx, "addKey", req, &added); done || err != nil {
		return err
	}
	until := "never"
	if added.ExpiresAt != nil {
		until = timeOrDash(added.ExpiresAt)
	}
	fmt.Fprintf(o.out, "added: %s %s; expires: %s\nkey, shown this once: %s\n", added.ID, shown(added.Name), until, added.Secret)
	return nil
}

func keyListCommand(environ []string) *cobra.Command {
	var o *operator
	var req people.ListKeys
	cmd := &cobra.Command{
		Use: "list", Short: "List the keys", Args: cobra.NoArgs,
		Long: "List the keys. The last use is accurate to the minute.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, _ []string) error {
				return list(ctx, o, "listKeys", req, "ID\tNAME\tSCOPES\tCREATED\tEXPIRES\tLAST USE", keyRow)
			})(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	pagingFlags(cmd, &req.Paging)
	return cmd
}

func keyRow(k people.ShownKey) []string {
	names := make([]string, len(k.Scopes))
	for i, scope := range k.Scopes {
		names[i] = string(scope)
	}
	expires := "never"
	if k.ExpiresAt != nil {
		expires = timeOrDash(k.ExpiresAt)
		if !k.ExpiresAt.After(time.Now()) {
			expires += " (expired)"
		}
	}
	return []string{k.ID, shown(k.Name), strings.Join(names, ","), timeOrDash(k.CreatedAt), expires, timeOrDash(k.LastUsed)}
}

func keyRemoveCommand(environ []string) *cobra.Command {
	var o *operator
	cmd := &cobra.Command{
		Use: "remove KEY", Short: "Remove a key, which stops working at once", Args: exactly("KEY"),
		Long:    "Remove a key, by its ID or name. It stops working at once.",
		Example: "  doorward key remove hr-sync",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, args []string) error {
				if done, err := o.call(ctx, "removeKey", people.OneKey{Key: args[0]}, nil); done || err != nil {
					return err
				}
				fmt.Fprintln(o.out, "removed:", shown(args[0]))
				return nil
			})(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	return cmd
}
