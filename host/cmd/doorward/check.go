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

const checkLong = `Look for what is wrong with a provider, or with all of them, without signing anybody in.

The running host checks them as its configuration says now: it reads its files, opens on trial what is not
in force, and says so. Variables of this shell do not count then, only those that the host was started with.
If none runs, the plugins are started for it, and SECRET is compared with the database.

What is about one server of a provider stands under its host and port, step by step:

  proxy      which proxy was chosen, or none, and by which setting
  resolve    what names were resolved to, by this machine or by the proxy
  connect    the address that took the connection
  proxy_tls  the certificate of a proxy that is reached by TLS
  tunnel     what the proxy answered
  tls        version, certificates from the server to the authority, who trusts it, and until when
  http       what the server answered
  clock      its time against ours

The way ends at the first step that fails, or that hangs. What the mechanism itself looks at comes behind it.
A provider is given a minute, and then what was found until then is shown.

With --json, the standard output is one array, with an object for each provider:

  provider   its name; "configuration", without a plugin, for what concerns none or all of them
  plugin     the plugin that it uses
  pending    added, changed or removed: what was checked is not what is in force; absent: it is
  findings   what was found, in order:
    severity    ok, warning or error
    subject     what was looked at
    text        what was found, and what to change
    target      the server that this is about, host:port; absent: the provider
    step        the step on the way there, as above; absent: none
    expires_at  when what was looked at expires (RFC 3339); absent: never, or it is not known

More members may be added. Exit code: 1 if there is an error among the findings, or no check could be made;
then there is an array all the same. Warnings do not change it.`

const checkExample = `  doorward check
  doorward check corp
  doorward check --json | jq -r '.[] | .provider as $p | .findings[] | select(.severity != "ok") | "\($p) \(.subject): \(.text)"'`

func checkCommand(environ []string) *cobra.Command {
	var host *reach
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "check [PROVIDER]",
		Short:   "Look for what is wrong with a provider, or with all",
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
	host = reachFlags(cmd, environ)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what was found as JSON")
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
