package config

import (
	"errors"
	"fmt"
	"slices"

	"github.com/doorward/doorward/sdk/outbound"
)

// RenewableFiles are the paths of the files whose content [Config.Renewed] reads anew:
// those that hold options of providers, or authorities and client certificate of all.
func (c *Config) RenewableFiles() []string {
	files := slices.Clone(c.trustFiles)
	for _, p := range c.Providers {
		files = append(files, p.files...)
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// Renewed is the configuration with what those files hold now: with the options of
// mechanisms and what connections trust and show, which change without anybody's
// doing when a certificate is renewed or a secret rotated. All else is as it was read
// before: environment, .env and YAML file, and the options that the host itself reads.
//
// A provider whose files cannot be read, or hold what is no good, keeps what it has. So
// do all of them if it is a setting of all. The error, whose lines are in the operator's
// words, says why, and the configuration is good beside it.
func (c *Config) Renewed() (*Config, error) {
	var problems []error
	l := c.loader.again()
	all, err := c.renewedTrust(l)
	if err != nil {
		problems = append(problems, err)
	}
	renewed := *c
	renewed.loader, renewed.outbound = l, all
	renewed.Providers = slices.Clone(c.Providers)
	for i := range renewed.Providers {
		if err := renewed.Providers[i].renew(c.loader.again(), all); err != nil {
			problems = append(problems, err)
		}
	}
	return &renewed, errors.Join(problems...)
}

// renewedTrust are the settings of the connections of all providers; those of before
// beside an error.
func (c *Config) renewedTrust(l *loader) (outbound.Settings, error) {
	renewed := l.trust(c.outbound)
	if len(l.problems) > 0 {
		return c.outbound, l.problems.Err()
	}
	return renewed, nil
}

// trust reads the settings of trust, and no others.
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

// renew reads the files of a provider anew, with these settings of all.
func (p *Provider) renew(l *loader, all outbound.Settings) error {
	l.outbound = all
	read := l.loadProvider(&p.source)
	if len(l.problems) > 0 {
		return fmt.Errorf("provider %q: %w", p.Name, l.problems.Err())
	}
	p.Options, p.Outbound = read.Options, read.Outbound
	return nil
}

// again is a loader with what this one read of the environment, .env and the YAML
// file, which reads files of values anew.
func (l *loader) again() *loader {
	return &loader{dir: l.dir, layers: l.layers, document: l.document, nodesFile: l.nodesFile}
}

var trustSchema = mustSchema[TrustSettings]()
