package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/people"
)

func roleCommand(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "role", Short: "Show and change the roles that users can have",
		Long: "Show and change the roles that users can have. ROLE is the ID or the name of a role. Applications read the ID of\n" +
			"the role, and decide what it allows.\n\n" + whereItIsDone,
	}
	cmd.AddCommand(roleListCommand(environ), roleAddCommand(environ), roleRenameCommand(environ), roleRemoveCommand(environ))
	return cmd
}

func roleListCommand(environ []string) *cobra.Command {
	var o *operator
	cmd := &cobra.Command{
		Use: "list", Short: "List all roles", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, _ []string) error {
				return list(ctx, o, "listRoles", people.ListRoles{}, "ID\tNAME", func(r people.Role) []string { return []string{shown(r.ID), shown(r.Name)} })
			})(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	return cmd
}

func roleAddCommand(environ []string) *cobra.Command {
	var o *operator
	var req people.AddRole
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a role", Args: exactly("NAME"),
		Example: "  doorward role add Editor\n  doorward role add Editor --id 653925a9-970e-487a-bfc0-ab6c96affcdc",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, args []string) error {
				req.Name = args[0]
				return o.changeRole(ctx, "addRole", req, "added")
			})(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	cmd.Flags().StringVar(&req.ID, "id", "", "ID by which applications already know the role; generated if not given")
	return cmd
}

func roleRenameCommand(environ []string) *cobra.Command {
	var o *operator
	cmd := &cobra.Command{
		Use: "rename ROLE NAME", Short: "Give a role another name", Args: cobra.ExactArgs(2),
		Example: "  doorward role rename Editor Author",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, args []string) error {
				return o.changeRole(ctx, "renameRole", people.RenameRole{OneRole: people.OneRole{Role: args[0]}, Name: args[1]}, "renamed")
			})(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	return cmd
}

func (o *operator) changeRole(ctx context.Context, operation string, req any, what string) error {
	var role people.Role
	if done, err := o.call(ctx, operation, req, &role); done || err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%s: %s %s\n", what, shown(role.ID), shown(role.Name))
	return nil
}

func roleRemoveCommand(environ []string) *cobra.Command {
	var o *operator
	var req people.RemoveRole
	cmd := &cobra.Command{
		Use: "remove ROLE", Short: "Remove a role", Args: exactly("ROLE"),
		Long:    "Remove a role. If users have it, --move-to or --without is needed. Tokens that name it are valid until they expire.",
		Example: "  doorward role remove Editor --move-to Author\n  doorward role remove Editor --without",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, args []string) error {
				req.Role = args[0]
				var removed people.RemovedRole
				if done, err := o.call(ctx, "removeRole", req, &removed); done || err != nil {
					return err
				}
				fmt.Fprintf(o.out, "removed: %s; users who had it: %d\n", shown(req.Role), removed.Users)
				o.printWarnings(removed.Warnings)
				return nil
			})(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	cmd.Flags().StringVar(&req.MoveTo, "move-to", "", "give its users this role instead")
	cmd.Flags().BoolVar(&req.Without, "without", false, "leave its users without a role")
	cmd.MarkFlagsMutuallyExclusive("move-to", "without")
	return cmd
}
