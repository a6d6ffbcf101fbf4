package main

import (
	"cmp"
	"context"
	"errors"
	"slices"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

const checkLong = `Check a provider, or all providers, for problems. Nobody is signed in.

The running host checks them as they are configured now: it reads its files, opens providers that are not yet
in force on trial, and says so. Variables of this shell have no effect, only those the host was started with.
If no host runs, this command starts the plugins itself, and compares SECRET with the database.

Findings about one server of a provider are shown under its host and port, step by step:

  proxy      which proxy was chosen, if any, and by which setting
  resolve    the addresses that names were resolved to, by this machine or by the proxy
  connect    the address that accepted the connection
  proxy_tls  the certificate of a proxy that is reached by TLS
  tunnel     the answer of the proxy
  tls        version, certificates from the server to the authority, who trusts it, and until when
  http       the answer of the server
  clock      the difference between its clock and the clock of this machine

The steps end at the first one that fails or hangs. The findings of the mechanism follow.
The check of a provider takes at most a minute; findings until then are shown.

With --json, the standard output is one array, with an object for each provider:

  provider   its name; "configuration", without a plugin, for findings about none or all of them
  plugin     the plugin that it uses
  pending    added, changed or removed: what was checked is not in force; absent: it is in force
  findings   the findings, in order:
    severity    ok, warning or error
    subject     what was checked
    text        what was found, and what to change
    target      the server that this is about, host:port; absent: the provider
    step        the step of the connection, as above; absent: none
    expires_at  when the subject expires (RFC 3339); absent: never or unknown

More members may be added. The exit code is 1 if there is an error among the findings, or if no check could be
made; the array is printed all the same. Warnings do not change the exit code.`

const checkExample = `  doorward check
  doorward check corp
  doorward check --json | jq -r '.[] | .provider as $p | .findings[] | select(.severity != "ok") | "\($p) \(.subject): \(.text)"'`

func checkCommand(environ []string) *cobra.Command {
	var host *hostFinder
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "check [PROVIDER]",
		Short:   "Check a provider, or all providers, for problems",
		Long:    checkLong,
		Example: checkExample,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			done := showProgress(cmd.ErrOrStderr(), checking(cmp.Or(name, "all providers")))
			checked, err := check(cmd.Context(), host, name)
			done()
			if asJSON {
				return printCheckedJSON(cmd.OutOrStdout(), checked, err)
			}
			if err != nil {
				return err
			}
			return printChecked(cmd.OutOrStdout(), checked, columnsFor(cmd.OutOrStdout(), environ))
		},
	}
	host = hostFlags(cmd, environ)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	return cmd
}

// check asks the running host. If no host runs, and no socket is named, it starts the
// plugins itself, which needs the whole configuration.
func check(ctx context.Context, at *hostFinder, name string) ([]provider.Checked, error) {
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
	if err := confirmSecretIn(ctx, cfg.Database, sso.Confirming(h.secrets())); err != nil {
		return nil, err
	}
	providers, err := h.startProviders(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer providers.Stop()
	checked, err = providers.Check(ctx, name)
	checked = withWarnings(checked, name, slices.Concat(cfg.Warnings, databaseWarnings(cfg.Database)))
	return withAccounts(ctx, checked, accountsIn(cfg.Database)), err
}

// ofTheConfiguration takes the place of a provider's name for findings about none of them.
const ofTheConfiguration = "configuration"

// withWarnings adds the warnings about the configuration, unless one provider is checked.
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
