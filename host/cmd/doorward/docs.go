package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
)

// docsCommand prints pages of docs/ that are generated from the code.
func docsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "docs", Short: "Print reference documentation as Markdown"}
	cmd.AddCommand(&cobra.Command{
		Use: "settings", Short: "All settings of the host and of its providers", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), config.Reference()) },
	})
	return cmd
}
