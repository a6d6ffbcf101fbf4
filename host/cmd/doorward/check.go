package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/sdk"
)

func checkCommand(environ []string) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "check [PROVIDER]",
		Short: "Look for what is wrong with a provider, or with all",
		Long: "Look for what is wrong with a provider, or with all of them, without signing anybody in.\n\n" +
			"The running host checks them as its configuration says now: it reads its files, opens on trial what is not in force,\n" +
			"and says so. If none runs, the plugins are started for it. The command fails if there is an error.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			cfg, err := loadConfig(environ, file)
			if err != nil {
				return err
			}
			checked, err := check(cmd.Context(), cfg, name)
			if err != nil {
				return err
			}
			return printChecked(cmd.OutOrStdout(), checked)
		},
	}
	configFlag(cmd, &file)
	return cmd
}

func check(ctx context.Context, cfg *config.Config, name string) ([]provider.Checked, error) {
	var checked []provider.Checked
	err := control.NewClient(cfg.ControlSocket).Check(ctx, name, &checked)
	if !errors.Is(err, control.ErrNotRunning) {
		return checked, err
	}
	h := host{config: cfg, logger: hclog.NewNullLogger()}
	providers, err := h.startProviders(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer providers.Stop()
	return providers.Check(ctx, name)
}

// pendingText says what was checked, if it is not what is in force.
var pendingText = map[provider.Pending]string{
	provider.PendingAdded:   ": new, and not in force yet: run doorward reload",
	provider.PendingChanged: ": has changed; checked as it is in the configuration, which is not in force yet: run doorward reload",
	provider.PendingRemoved: ": still in force, but not in the configuration any more; doorward reload removes it",
}

var errFindings = errors.New("there is something to mend")

func printChecked(out io.Writer, checked []provider.Checked) error {
	var err error
	for _, c := range checked {
		fmt.Fprintf(out, "%s (%s)%s\n", c.Provider, c.Plugin, pendingText[c.Pending])
		for _, f := range c.Findings {
			fmt.Fprintf(out, "  %-8s %s: %s\n", f.Severity, f.Subject, f.Text)
			if f.Severity == sdk.SeverityError {
				err = errFindings
			}
		}
	}
	return err
}
