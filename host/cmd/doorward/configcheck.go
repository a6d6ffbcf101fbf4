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

const configCheckLong = `Show what a configuration means, without starting a host.

The command reads the environment, .env in the working directory and a YAML or JSON file, including those of
Directus, as "doorward serve" does. It shows, in this order:

  settings             each setting that you gave, where it comes from, and the value in force
  providers            the same for each provider, and the URLs of Doorward to register with it
  wrong                settings that are refused, all at once
  no effect            settings that do nothing, and what to use instead
  dangerous            settings that work, but can cause harm
  possibly unintended  settings that work, but probably not as you intend
  required             what is missing before anybody can sign in

It never shows a secret, only its length. It binds no port, opens no database and contacts no server. It starts
each plugin that plugins.lock allows for a moment, without network access, to check the options of its
providers. With --no-plugins it starts no plugin and does not check the options of mechanisms. "doorward check"
contacts the servers.

With --json, the standard output is one object:

  sources    paths of .env and the YAML file, if they exist
  settings   settings given for the host, each with
    name        as written
    from        environment, or file and line: .env:12, doorward.yaml:7
    file        path of the file that contains the value, as NAME_FILE names it; absent: there is none
    understood  false: the setting is refused; see findings
    value       the value in force, shortened if it is long
    hidden      true: the value is a secret or may contain one, and is not shown; characters: its length
  apps       of forward-auth: name, url
  providers  each with
    name, driver, preset; preset is absent if there is none
    version       of the plugin; absent: the plugin was not asked, and options were not checked
    options       as settings
    urls          callback, metadata, logout: where the provider reaches Doorward, without those that the
                  mechanism does not use; absent: PUBLIC_URL is wrong
    further_urls  the same for each of AUTH_ALLOWED_PUBLIC_URLS: url, callback, logout
  findings   each with
    class       wrong, no_effect, dangerous, doubtful (possibly unintended) or missing
    text        which setting it is about, and what to change
    error       true: Doorward does not start, or nobody can sign in

More members may be added. The exit code is 1 if a finding is an error; other findings do not change it.`

func configCommand(environ []string) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Show what a configuration means"}
	cmd.AddCommand(configCheckCommand(environ))
	return cmd
}

func configCheckCommand(environ []string) *cobra.Command {
	var file string
	var asJSON, noPlugins bool
	cmd := &cobra.Command{
		Use:     "check",
		Short:   "Show what a configuration means, and what in it is wrong, dangerous, without effect or missing",
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
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	cmd.Flags().BoolVar(&noPlugins, "no-plugins", false, "start no plugin and do not check the options of mechanisms")
	return cmd
}

// checkedConfig is the result of doorward config check. Programs read its JSON.
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

// checkConfig reads a configuration, and asks plugins about the options of their providers.
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
	a := &pluginReadings{checkedConfig: c, binaries: provider.Binaries{Dir: cfg.PluginDir, Lock: cfg.PluginLock}, readings: map[string]provider.Reading{}}
	if askPlugins {
		a.askPlugins(ctx, cfg, report.Providers)
	}
	for i, p := range report.Providers {
		c.Providers = append(c.Providers, a.provider(p, cfg.Providers[i], cfg))
	}
	return c
}

// addPresets finds the drivers of providers that have only a preset.
func (c *checkedConfig) addPresets(cfg *config.Config) {
	if err := resolvePresets(cfg); err != nil {
		c.add(config.ClassWrong, true, err.Error())
	}
}

// pluginReadings are what plugins say about the options of their providers.
type pluginReadings struct {
	*checkedConfig
	binaries provider.Binaries
	readings map[string]provider.Reading // by provider
}

// askPlugins starts each plugin once, for the providers whose driver is known.
func (a *pluginReadings) askPlugins(ctx context.Context, cfg *config.Config, reported []config.ReportedProvider) {
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

func (a *pluginReadings) provider(given config.ReportedProvider, p config.Provider, cfg *config.Config) checkedProvider {
	checked := checkedProvider{Name: p.Name, Driver: p.Driver, Preset: p.Preset}
	checked.addURLs(cfg.PublicURL, cfg.AllowedPublicURLs)
	r, ok := a.readings[p.Name]
	checked.Version, checked.Options = r.Version, append(given.Options, given.Mechanism(r.Schema, r.Values, r.Refused)...)
	if !ok {
		return checked
	}
	checked.leaveOut(r)
	a.add(config.ClassWrong, true, r.Wrong...)
	a.add(config.ClassMissing, true, slices.DeleteFunc(slices.Clone(r.Missing), checked.refuses)...)
	a.add(config.ClassDangerous, false, r.Dangers...)
	if r.Unchecked != "" {
		a.add(config.ClassDoubtful, false, r.Unchecked)
	}
	if !r.Provider.AllowPublicRegistration {
		a.add(config.ClassMissing, false, registrationClosed(r.Provider))
	}
	return checked
}

// refuses reports whether an option that the plugin calls missing is given but could not
// be read. Another finding says so.
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

// registrationClosed says who can sign in through a provider that creates no users.
func registrationClosed(p sso.Provider) string {
	return fmt.Sprintf("registration is closed at %s: only users who already have an account can sign in; %s", p.Name, howToGetAccounts(p))
}
