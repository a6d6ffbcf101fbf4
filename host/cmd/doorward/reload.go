package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/control"
)

func reloadCommand(environ []string) *cobra.Command {
	var host *hostFinder
	var how control.Reloading
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Reload the providers and plugins of the running host",
		Long: "Reload the providers and plugins.lock of the running host. Logins continue in the meantime.\n\n" +
			"Providers are added, changed and removed, and a plugin whose digest in plugins.lock has changed is replaced.\n" +
			"If a change fails, the old state stays in force, and the command prints the reason and fails.\n\n" +
			"A configuration with none of the providers in force is refused, because a half-written file looks like that;\n" +
			"--force removes the providers. --dry-run changes nothing: it opens changed providers on trial, says what a reload\n" +
			"would do and what would fail, and fails if anything would.",
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
	host = hostFlags(cmd, environ)
	cmd.Flags().BoolVar(&how.DryRun, "dry-run", false, "say what would be done, and change nothing")
	cmd.Flags().BoolVar(&how.Force, "force", false, "allow the removal of all providers in force")
	return cmd
}
