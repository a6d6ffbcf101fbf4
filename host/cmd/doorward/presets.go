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

// presetsCommand lists the presets in plugins.lock.
func presetsCommand(environ []string) *cobra.Command {
	folder := &pluginFolder{environ: environ}
	cmd := &cobra.Command{
		Use:   "presets",
		Short: "List the presets of the plugins",
		Long: "List the presets of the plugins in plugins.lock. A preset configures a well-known provider; most need only a\n" +
			"client ID and a secret:\n\n" +
			"  AUTH_PROVIDERS=github\n  AUTH_GITHUB_PRESET=github\n  AUTH_GITHUB_CLIENT_ID=...\n  AUTH_GITHUB_CLIENT_SECRET=...\n" +
			"  AUTH_GITHUB_ALLOW_PUBLIC_REGISTRATION=true   # an account for everyone whom the provider signs in\n\n" +
			"The manual of the plugin has a recipe for each.",
		Args: cobra.NoArgs, RunE: folder.run(folder.presets),
	}
	cmd.Flags().StringVar(&folder.dir, "dir", "", "plugin folder (or PLUGIN_DIR)")
	return cmd
}

func presetsOf(d plugin.Description) []lock.Preset {
	var list []lock.Preset
	for _, p := range d.Presets {
		list = append(list, lock.Preset{Name: p.Name, Title: p.Title, Icon: p.Icon})
	}
	return list
}

// driverPreset is a preset of a plugin.
type driverPreset struct {
	lock.Preset
	driver string
}

// knownPresets returns the presets of all plugins, by name.
func knownPresets(file lock.File) map[string][]driverPreset {
	byName := map[string][]driverPreset{}
	for _, p := range file.Plugins {
		for _, one := range p.Presets {
			byName[one.Name] = append(byName[one.Name], driverPreset{one, p.Mechanism})
		}
	}
	return byName
}

// resolvePresets sets the driver, label and icon of providers that have a preset. It also
// reports a preset that belongs to another plugin than the driver, because the plugin of
// the driver does not know which plugin has it.
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

func resolvePreset(p *config.Provider, presets map[string][]driverPreset) error {
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
		return fmt.Errorf("%s: no plugin in plugins.lock has the preset %.64q%s; \"doorward presets\" lists all presets; an OpenID provider needs no preset: set %s to openid; a plugin that was added by an older host must be added again",
			p.Spelling("preset"), p.Preset, did, p.Spelling("driver"))
	case p.Driver == "" && len(candidates) > 1:
		return fmt.Errorf("%s: several plugins have the preset %s: set %s to one of %s", p.Spelling("preset"), p.Preset, p.Spelling("driver"), strings.Join(drivers, ", "))
	case p.Driver != "" && len(candidates) > 0 && !slices.Contains(drivers, p.Driver):
		return fmt.Errorf("%s: the preset %s belongs to %s: set %s to that, or leave it out", p.Spelling("preset"), p.Preset, strings.Join(drivers, ", "), p.Spelling("driver"))
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
