package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/control"
)

func reloadCommand(environ []string) *cobra.Command {
	var host *reach
	var how control.Reloading
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have the running host read its providers and plugins anew",
		Long: "Have the running host read its providers and plugins.lock anew, while logins go on.\n\n" +
			"Providers are added, changed and removed; a plugin whose digest in plugins.lock has changed is replaced.\n" +
			"What cannot be done leaves what was there as it was, is told, and makes the command fail.\n\n" +
			"A configuration that has none of the providers in force is refused, because a file that is half written looks\n" +
			"like that, too; --force removes them. With --dry-run nothing is changed: what has changed is opened on trial, the\n" +
			"command says what a reload would do and what would fail, and fails if something would.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := host.client()
			if err != nil {
				return err
			}
			done, err := client.Reload(cmd.Context(), how)
			if done != "" {
				fmt.Fprintln(cmd.OutOrStdout(), done)
			}
			return err
		},
	}
	host = reachFlags(cmd, environ)
	cmd.Flags().BoolVar(&how.DryRun, "dry-run", false, "say what would be done, and change nothing")
	cmd.Flags().BoolVar(&how.Force, "force", false, "remove all providers, if the configuration has none of them any more")
	return cmd
}
