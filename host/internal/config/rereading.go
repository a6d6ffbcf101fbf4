package config

import (
	"errors"
	"fmt"
	"slices"

	"github.com/doorward/doorward/sdk/outbound"
)

// RenewableFiles are the paths of the files that [Config.Renewed] reads again: those that
// contain options of providers, or the authorities and client certificate of all
// providers.
func (c *Config) RenewableFiles() []string {
	files := slices.Clone(c.trustFiles)
	for _, p := range c.Providers {
		files = append(files, p.files...)
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// Renewed returns the configuration with the current content of those files: options of
// mechanisms, authorities and client certificates, which change when a certificate is
// renewed or a secret rotated. Everything else stays as it was read: environment, .env,
// YAML file, and the options that the host itself reads.
//
// A provider whose files cannot be read or have invalid content keeps its options. If a
// setting of all providers has such a file, all keep theirs. The error says why, in lines
// for the operator; the configuration is valid even with an error.
func (c *Config) Renewed() (*Config, error) {
	var problems []error
	l := c.loader.rereading()
	all, err := c.renewedTrust(l)
	if err != nil {
		problems = append(problems, err)
	}
	renewed := *c
	renewed.loader, renewed.outbound = l, all
	renewed.Providers = slices.Clone(c.Providers)
	for i := range renewed.Providers {
		if err := renewed.Providers[i].renew(c.loader.rereading(), all); err != nil {
			problems = append(problems, err)
		}
	}
	return &renewed, errors.Join(problems...)
}

// renewedTrust returns the settings of all connections; with an error, the previous ones.
func (c *Config) renewedTrust(l *loader) (outbound.Settings, error) {
	renewed := l.trust(c.outbound)
	if len(l.problems) > 0 {
		return c.outbound, l.problems.Err()
	}
	return renewed, nil
}

// trust reads only the settings of trust.
func (l *loader) trust(all outbound.Settings) outbound.Settings {
	values := map[string]given{}
	for _, option := range trustSchema.Options {
		if found, ok := l.givenSetting(option); ok {
			values[option.Name] = found
		}
	}
	g := newSettings(l, values)
	g.checkPEM(trustPEM)
	s := decode[TrustSettings](g)
	g.trust(&all, s)
	g.checkOutbound(all, outboundKeys)
	g.nodeExtraCA(&all, s.NodeExtraCACerts)
	return all
}

// renew reads the files of a provider again, with these settings of all providers.
func (p *Provider) renew(l *loader, all outbound.Settings) error {
	l.outbound = all
	read := l.loadProvider(&p.source)
	if len(l.problems) > 0 {
		return fmt.Errorf("provider %q: %w", p.Name, l.problems.Err())
	}
	p.Options, p.Outbound = read.Options, read.Outbound
	return nil
}

// rereading returns a loader with the environment, .env and the YAML file as this one read
// them, which reads files of values again.
func (l *loader) rereading() *loader {
	return &loader{dir: l.dir, layers: l.layers, document: l.document, nodesFile: l.nodesFile}
}

var trustSchema = mustSchema[TrustSettings]()
