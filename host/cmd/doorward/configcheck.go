package main

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

const configCheckLong = `Say what a configuration means, without a host.

The environment, .env in the working directory and a YAML or JSON file are read as "doorward serve" reads them, those
of Directus too. What is told of them, in this order:

  understood         each setting that is given, where it stands, and the value that is in force
  providers          likewise, with the URLs of Doorward that a provider has to know
  wrong              what is refused, all of it at once
  no effect          what does nothing, and what does it instead
  dangerous          what works, and may hurt somebody
  perhaps not meant  what works, but probably otherwise than it is meant
  missing            what has to be there before somebody can sign in

No secret is shown, but how long it is. No port is bound, no database opened, no server asked. Plugins that plugins.lock allows
are started for a moment, and read the options of their providers with no way to connect; --no-plugins starts none, and then
options of mechanisms are not checked. What servers say to all this, "doorward check" tells.

With --json, the standard output is one object:

  sources    paths of .env and the YAML file, if they are there
  settings   what is given for the host, each with
    name        as it was written
    from        environment, or file and line: .env:12, doorward.yaml:7
    file        path of the file that holds the value, as NAME_FILE has it; absent: none does
    understood  false: it is refused; see findings
    value       what is in force, shortened if it is long
    hidden      true: the value is a secret, or may hold one, and is not shown; characters: its length
  apps       of forward-auth: name, url
  providers  each with
    name, driver, preset; preset is absent if there is none
    version     of the plugin; absent: it was not asked, and options were not checked
    options     as settings
    urls        callback, metadata, logout: where the provider reaches Doorward; absent: PUBLIC_URL is wrong;
                those at which the mechanism answers nothing are left out
    further_urls  the same for each of AUTH_ALLOWED_PUBLIC_URLS, with url, callback, logout
  findings   each with
    class       wrong, no_effect, dangerous, doubtful or missing
    text        what it is about, and what to change
    error       true: doorward does not start with it, or nobody can sign in

More members may be added. Exit code: 1 if there is an error among the findings. The rest does not change it.`

func configCommand(environ []string) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Say what a configuration means"}
	cmd.AddCommand(configCheckCommand(environ))
	return cmd
}

func configCheckCommand(environ []string) *cobra.Command {
	var file string
	var asJSON, noPlugins bool
	cmd := &cobra.Command{
		Use:     "check",
		Short:   "Say what a configuration means, what it lacks, and what in it is without effect",
		Long:    configCheckLong,
		Example: "  doorward config check\n  doorward config check --config /etc/doorward.yaml\n  doorward config check --json | jq -r '.findings[] | select(.error) | .text'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := configInput(environ, file)
			if err != nil {
				return err
			}
			checked := checkConfig(cmd.Context(), in, !noPlugins)
			if asJSON {
				if err := writeJSON(cmd.OutOrStdout(), checked, "  "); err != nil {
					return err
				}
				return checked.err()
			}
			checkedPrinter{printer{cmd.OutOrStdout(), columnsFor(cmd.OutOrStdout(), environ)}}.print(checked)
			return checked.err()
		},
	}
	configFlag(cmd, &file)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what was found as JSON")
	cmd.Flags().BoolVar(&noPlugins, "no-plugins", false, "start no plugin, and do not check the options of mechanisms")
	return cmd
}

// checkedConfig is what doorward config check tells. Its JSON is what programs read.
type checkedConfig struct {
	Sources   []string          `json:"sources"`
	Settings  []config.Given    `json:"settings"`
	Apps      []checkedApp      `json:"apps"`
	Providers []checkedProvider `json:"providers"`
	Findings  []config.Finding  `json:"findings"`
}

type checkedApp struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

type checkedProvider struct {
	Name    string         `json:"name"`
	Driver  string         `json:"driver"`
	Preset  string         `json:"preset,omitempty"`
	Version string         `json:"version,omitempty"`
	Options []config.Given `json:"options"`
	URLs    *checkedURLs   `json:"urls,omitempty"`

	// FurtherURLs are those for logins that begin below AUTH_ALLOWED_PUBLIC_URLS.
	FurtherURLs []furtherURLs `json:"further_urls,omitempty"`
}

type checkedURLs struct {
	Callback string `json:"callback"`
	Metadata string `json:"metadata,omitempty"`
	Logout   string `json:"logout,omitempty"`
}

// furtherURLs have no metadata: mechanisms publish it below PUBLIC_URL only.
type furtherURLs struct {
	URL      string `json:"url"`
	Callback string `json:"callback"`
	Logout   string `json:"logout,omitempty"`
}

// addURLs adds no URLs if PUBLIC_URL has a problem.
func (p *checkedProvider) addURLs(public *url.URL, allowed []*url.URL) {
	if public == nil {
		return
	}
	urls := checkedURLs(sso.URLsOf(public.String(), p.Name))
	p.URLs = &urls
	for _, u := range allowed {
		further := sso.URLsOf(u.String(), p.Name)
		p.FurtherURLs = append(p.FurtherURLs, furtherURLs{URL: u.String(), Callback: further.Callback, Logout: further.Logout})
	}
}

func (c *checkedConfig) err() error {
	if slices.ContainsFunc(c.Findings, func(f config.Finding) bool { return f.Error }) {
		return errFindings
	}
	return nil
}

func (c *checkedConfig) add(class config.Class, isError bool, texts ...string) {
	for _, text := range texts {
		c.Findings = append(c.Findings, config.Finding{Class: class, Text: text, Error: isError})
	}
}

// checkConfig reads a configuration, and asks plugins what their options are.
func checkConfig(ctx context.Context, in config.Input, askPlugins bool) *checkedConfig {
	report := config.Explain(in)
	c := &checkedConfig{
		Sources: append([]string{}, report.Sources...), Settings: report.Settings, Apps: []checkedApp{}, Providers: []checkedProvider{},
		Findings: append([]config.Finding{}, report.Findings...),
	}
	cfg := report.Config
	if cfg == nil {
		for _, p := range report.Providers {
			c.Providers = append(c.Providers, checkedProvider{Name: p.Name, Options: append(p.Options, p.Mechanism(nil, nil, nil)...)})
		}
		return c
	}
	c.add(config.ClassDangerous, false, databaseWarnings(cfg.Database)...)
	for _, app := range cfg.Apps {
		c.Apps = append(c.Apps, checkedApp{app.Name, app.URL()})
	}
	if len(cfg.Providers) == 0 {
		c.add(config.ClassMissing, true, noProviders)
	}
	c.addPresets(cfg)
	a := &asked{checkedConfig: c, binaries: provider.Binaries{Dir: cfg.PluginDir, Lock: cfg.PluginLock}, readings: map[string]provider.Reading{}}
	if askPlugins {
		a.plugins(ctx, cfg, report.Providers)
	}
	for i, p := range report.Providers {
		c.Providers = append(c.Providers, a.provider(p, cfg.Providers[i], cfg))
	}
	return c
}

// addPresets finds the drivers of providers that have a preset and none.
func (c *checkedConfig) addPresets(cfg *config.Config) {
	if err := resolvePresets(cfg); err != nil {
		c.add(config.ClassWrong, true, err.Error())
	}
}

// asked is what plugins say of the options of their providers.
type asked struct {
	*checkedConfig
	binaries provider.Binaries
	readings map[string]provider.Reading // by provider
}

// plugins asks each plugin once. Whose driver is refused or not known is not asked about.
func (a *asked) plugins(ctx context.Context, cfg *config.Config, reported []config.ReportedProvider) {
	of := map[string][]provider.Configured{}
	for i, c := range configured(cfg) {
		if c.Driver != "" && reported[i].Understood("driver") {
			of[c.Driver] = append(of[c.Driver], c)
		}
	}
	publicURL := ""
	if cfg.PublicURL != nil {
		publicURL = cfg.PublicURL.String()
	}
	for _, mechanism := range slices.Sorted(maps.Keys(of)) {
		readings, err := a.binaries.Read(ctx, mechanism, version, publicURL, of[mechanism])
		if err != nil {
			a.add(config.ClassMissing, true, fmt.Sprintf("plugin %s: %v", mechanism, err))
		}
		maps.Copy(a.readings, readings)
	}
}

func (a *asked) provider(given config.ReportedProvider, p config.Provider, cfg *config.Config) checkedProvider {
	told := checkedProvider{Name: p.Name, Driver: p.Driver, Preset: p.Preset}
	told.addURLs(cfg.PublicURL, cfg.AllowedPublicURLs)
	r, ok := a.readings[p.Name]
	told.Version, told.Options = r.Version, append(given.Options, given.Mechanism(r.Schema, r.Values, r.Refused)...)
	if !ok {
		return told
	}
	told.leaveOut(r)
	a.add(config.ClassWrong, true, r.Wrong...)
	a.add(config.ClassMissing, true, slices.DeleteFunc(slices.Clone(r.Missing), told.refuses)...)
	a.add(config.ClassDangerous, false, r.Dangers...)
	if r.Unchecked != "" {
		a.add(config.ClassDoubtful, false, r.Unchecked)
	}
	if !r.Provider.AllowPublicRegistration {
		a.add(config.ClassMissing, false, closedRegistration(r.Provider))
	}
	return told
}

// refuses reports whether an option of which the plugin says that it is missing is given,
// and could not be read, which is said already.
func (p checkedProvider) refuses(missing string) bool {
	return slices.ContainsFunc(p.Options, func(g config.Given) bool {
		rest, named := strings.CutPrefix(missing, g.Name)
		return named && !g.Understood && (strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, " ("+g.From+"):"))
	})
}

// leaveOut removes the URLs that the mechanism does not answer.
func (p *checkedProvider) leaveOut(r provider.Reading) {
	if p.URLs == nil {
		return
	}
	if r.Lacks(sdk.CapabilityMetadata) {
		p.URLs.Metadata = ""
	}
	if r.Lacks(sdk.CapabilityBeginLogout, sdk.CapabilityReceiveLogout) {
		p.URLs.Logout = ""
		for i := range p.FurtherURLs {
			p.FurtherURLs[i].Logout = ""
		}
	}
}

// closedRegistration says who can sign in by a provider at which nobody gets an account.
func closedRegistration(p sso.Provider) string {
	return fmt.Sprintf("registration is closed at %s: only who has an account already can sign in; %s", p.Name, howToGetAccounts(p))
}
