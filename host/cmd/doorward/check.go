package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
	"github.com/doorward/doorward/sdk"
)

func checkCommand(environ []string) *cobra.Command {
	var host *reach
	cmd := &cobra.Command{
		Use:   "check [PROVIDER]",
		Short: "Look for what is wrong with a provider, or with all",
		Long: "Look for what is wrong with a provider, or with all of them, without signing anybody in.\n\n" +
			"The running host checks them as its configuration says now: it reads its files, opens on trial what is not in force,\n" +
			"and says so. If none runs, the plugins are started for it, and SECRET is compared with the database. The command\n" +
			"fails if there is an error.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			checked, err := check(cmd.Context(), host, name)
			if err != nil {
				return err
			}
			return printChecked(cmd.OutOrStdout(), checked)
		},
	}
	host = reachFlags(cmd, environ)
	return cmd
}

// check asks the running host. If none runs, and none was named, the plugins are
// started for it, which needs the whole configuration.
func check(ctx context.Context, at *reach, name string) ([]provider.Checked, error) {
	client, err := at.client()
	if err != nil {
		return nil, err
	}
	var checked []provider.Checked
	err = client.Check(ctx, name, &checked)
	if !errors.Is(err, control.ErrNotRunning) || at.socket != "" {
		return checked, err
	}
	cfg, err := loadConfig(at.environ, at.file)
	if err != nil {
		return nil, err
	}
	h := host{config: cfg, logger: hclog.NewNullLogger()}
	if err := sqlite.ConfirmSecretIn(ctx, cfg.DBFilename, sso.Confirming(h.secrets())); err != nil {
		return nil, err
	}
	providers, err := h.startProviders(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer providers.Stop()
	checked, err = providers.Check(ctx, name)
	checked = withWarnings(checked, name, cfg.Warnings)
	return withAccounts(ctx, checked, func(ctx context.Context, name string) (int, error) {
		return sqlite.CountUsersIn(ctx, cfg.DBFilename, name)
	}), err
}

// ofTheConfiguration stands where a provider does, for what concerns none of them.
const ofTheConfiguration = "configuration"

// withWarnings adds what may not be meant as the configuration has it, unless one
// provider was asked for.
func withWarnings(checked []provider.Checked, name string, warnings []string) []provider.Checked {
	if name != "" || len(warnings) == 0 {
		return checked
	}
	all := provider.Checked{Provider: ofTheConfiguration}
	for _, text := range warnings {
		all.Findings = append(all.Findings, sdk.Finding{Severity: sdk.SeverityWarning, Subject: "setting", Text: text})
	}
	return append([]provider.Checked{all}, checked...)
}

// pendingText says what was checked, if it is not what is in force.
var pendingText = map[provider.Pending]string{
	provider.PendingAdded:   ": new, and not in force yet: run doorward reload",
	provider.PendingChanged: ": has changed; checked as it is in the configuration, which is not in force yet: run doorward reload",
	provider.PendingRemoved: ": still in force, but not in the configuration any more; doorward reload removes it",
}

var errFindings = errors.New("there are errors; see above")

func printChecked(out io.Writer, checked []provider.Checked) error {
	var err error
	for _, c := range checked {
		what := c.Provider
		if c.Plugin != "" {
			what += " (" + c.Plugin + ")"
		}
		fmt.Fprintln(out, what+pendingText[c.Pending])
		for _, f := range c.Findings {
			fmt.Fprintf(out, "  %-8s %s: %s\n", f.Severity, f.Subject, f.Text)
			if f.Severity == sdk.SeverityError {
				err = errFindings
			}
		}
	}
	if !slices.ContainsFunc(checked, func(c provider.Checked) bool { return c.Provider != ofTheConfiguration }) {
		fmt.Fprintln(out, noProviders)
	}
	return err
}
