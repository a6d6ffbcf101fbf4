package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/provider/lock"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
)

// presetsCommand lists what plugins.lock says that the plugins know.
func presetsCommand(environ []string) *cobra.Command {
	shelf := &shelf{environ: environ}
	cmd := &cobra.Command{
		Use:   "presets",
		Short: "List the providers that the plugins know",
		Long: "List the providers that the plugins in plugins.lock know. Most need no more than client ID and secret:\n\n" +
			"  AUTH_PROVIDERS=github\n  AUTH_GITHUB_PRESET=github\n  AUTH_GITHUB_CLIENT_ID=...\n  AUTH_GITHUB_CLIENT_SECRET=...\n" +
			"  AUTH_GITHUB_ALLOW_PUBLIC_REGISTRATION=true   # an account for whoever the provider lets in\n\n" +
			"The manual of the plugin has a recipe for each.",
		Args: cobra.NoArgs, RunE: shelf.run(shelf.presets),
	}
	cmd.Flags().StringVar(&shelf.dir, "dir", "", "plugin folder (or PLUGIN_DIR)")
	return cmd
}

func presetsOf(d plugin.Description) []lock.Preset {
	var list []lock.Preset
	for _, p := range d.Presets {
		list = append(list, lock.Preset{Name: p.Name, Title: p.Title, Icon: p.Icon})
	}
	return list
}

// known is a preset of a plugin.
type known struct {
	lock.Preset
	driver string
}

// knownPresets are those of all plugins, by name.
func knownPresets(file lock.File) map[string][]known {
	byName := map[string][]known{}
	for _, p := range file.Plugins {
		for _, one := range p.Presets {
			byName[one.Name] = append(byName[one.Name], known{one, p.Mechanism})
		}
	}
	return byName
}

// resolvePresets finds the driver of each provider that has a preset and none, and
// what the preset is called. A preset of another plugin than the driver is told
// here, because the plugin of the driver does not know whose it is.
func resolvePresets(cfg *config.Config) error {
	if !slices.ContainsFunc(cfg.Providers, func(p config.Provider) bool { return p.Preset != "" }) {
		return nil
	}
	file, err := lock.Read(cfg.PluginLock)
	if err != nil {
		return fmt.Errorf("looking for presets: %w", err)
	}
	presets := knownPresets(file)
	var problems []error
	for i := range cfg.Providers {
		if p := &cfg.Providers[i]; p.Preset != "" {
			problems = append(problems, resolvePreset(p, presets))
		}
	}
	return errors.Join(problems...)
}

func resolvePreset(p *config.Provider, presets map[string][]known) error {
	candidates := presets[p.Preset]
	var drivers []string
	for _, one := range candidates {
		drivers = append(drivers, one.driver)
	}
	switch {
	case p.Driver == "" && len(candidates) == 0:
		did := ""
		if near := options.Suggest(p.Preset, slices.Collect(maps.Keys(presets))); near != "" {
			did = fmt.Sprintf("; did you mean %q?", near)
		}
		return fmt.Errorf("%s: no plugin in plugins.lock knows the preset %.64q%s; \"doorward presets\" lists those that are known; an OpenID provider needs none: write openid as %s; a plugin that was added by an older host must be added anew",
			p.Spelling("preset"), p.Preset, did, p.Spelling("driver"))
	case p.Driver == "" && len(candidates) > 1:
		return fmt.Errorf("%s: several plugins know the preset %s: write one of %s as %s", p.Spelling("preset"), p.Preset, strings.Join(drivers, ", "), p.Spelling("driver"))
	case p.Driver != "" && len(candidates) > 0 && !slices.Contains(drivers, p.Driver):
		return fmt.Errorf("%s: the preset %s is one of %s: write that as %s, or leave that out", p.Spelling("preset"), p.Preset, strings.Join(drivers, ", "), p.Spelling("driver"))
	}
	for _, one := range candidates {
		if p.Driver != "" && one.driver != p.Driver {
			continue
		}
		p.Driver, p.Icon = one.driver, cmp.Or(p.Icon, one.Icon)
		if p.LabelUnset && one.Title != "" {
			p.Label = one.Title
		}
	}
	return nil
}
