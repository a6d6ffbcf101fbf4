package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/forwardauth"
	"github.com/doorward/doorward/host/internal/provider"
)

// reloader applies a new configuration to the running host.
type reloader struct {
	load      func() (*config.Config, error)
	providers *provider.Providers
	logger    hclog.Logger
	hangUp    <-chan os.Signal
	apps      *forwardauth.Server // nil in tests
	asRead    string              // signature of the renewable files when the configuration was read

	mu       sync.Mutex // admits one reload at a time
	last     *config.Config
	reopened reopening
}

func newReloader(h host, providers *provider.Providers, apps *forwardauth.Server, hangUp <-chan os.Signal) *reloader {
	return &reloader{load: h.load, providers: providers, apps: apps, logger: h.logger, hangUp: hangUp, asRead: h.asRead, last: h.config}
}

var (
	errPartly = errors.New("not everything could be reloaded")

	// errAllRemoved: the configuration has none of the providers in force. It can look
	// like that while its file is being written.
	errAllRemoved = errors.New("all providers would be removed")
)

// reload loads the configuration and applies the changes. It says what it did even if it
// returns an error.
func (r *reloader) reload(ctx context.Context, how control.Reloading) (string, error) {
	if how.DryRun {
		return r.plan(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	cfg, err := r.load()
	if err == nil && !how.Force {
		err = r.refuseRemovalOfAll(cfg)
	}
	if err != nil {
		r.logger.Error("configuration is not reloaded, the old one stays in force", "from", sourcesOf(r.last), "error", strings.ReplaceAll(err.Error(), "\n", " "))
		return "", fmt.Errorf("nothing was reloaded from %s: %w", sourcesOf(r.last), err)
	}
	for _, warning := range cfg.Warnings {
		r.logger.Warn(warning)
	}
	restart := strings.Join(config.NeedRestart(r.last, cfg), ", ")
	if restart != "" {
		r.logger.Warn("changed settings need a restart of the host", "settings", restart)
	}
	done, err := r.providers.Reload(ctx, configured(cfg))
	if err != nil {
		return "", err
	}
	r.last = r.last.AfterReload(cfg)
	text := summaryOf(done, restart) + r.applyApps(cfg)
	failed := done.Failed
	for _, what := range failed {
		r.logger.Error("could not be reloaded, the old one stays in force if there is one", "what", what)
	}
	done.Failed = nil
	r.logger.Info("reloaded", "done", done.String())
	if len(failed) > 0 {
		return text, errPartly
	}
	return text, nil
}

// plan says what a reload would do now, and changes nothing.
func (r *reloader) plan(ctx context.Context) (string, error) {
	cfg, err := r.load()
	if err != nil {
		return "", fmt.Errorf("nothing could be reloaded from %s: %w", sourcesOf(r.inForce()), err)
	}
	would, err := r.providers.Plan(ctx, configured(cfg))
	if err != nil {
		return "", err
	}
	restart := strings.Join(config.NeedRestart(r.inForce(), cfg), ", ")
	text := "dry run: nothing is changed; a reload would do this:\n" + summaryOf(would, restart) + r.changedApps(cfg)
	for _, warning := range cfg.Warnings {
		text += "\nwarning: " + warning
	}
	if err := r.refuseRemovalOfAll(cfg); err != nil {
		return text, err
	}
	if len(would.Failed) > 0 {
		return text, errPartly
	}
	return text, nil
}

// applyApps puts all rules of forward-auth in force at once, and says so if they have
// changed.
func (r *reloader) applyApps(cfg *config.Config) string {
	text := r.changedApps(cfg)
	if text != "" {
		r.apps.SetRules(rulesOf(cfg))
		r.logger.Info("forward-auth", "apps", len(cfg.Apps))
	}
	return text
}

// changedApps says how a configuration changes the rules of forward-auth.
func (r *reloader) changedApps(cfg *config.Config) string {
	if r.apps == nil {
		return ""
	}
	if changed := changedApps(r.apps.Rules(), rulesOf(cfg)); changed != "" {
		return "\n" + changed
	}
	return ""
}

// check checks the providers as they are configured now.
func (r *reloader) check(ctx context.Context, name string) ([]provider.Checked, error) {
	cfg, err := r.load()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be loaded, the old configuration stays in force: %w", sourcesOf(r.inForce()), err)
	}
	checked, err := r.providers.CheckConfigured(ctx, configured(cfg), name)
	return withWarnings(checked, name, slices.Concat(cfg.Warnings, databaseWarnings(cfg.Database))), err
}

func (r *reloader) inForce() *config.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

func summaryOf(done provider.Reloaded, restart string) string {
	text := strings.Join(done.Lines(), "\n")
	if restart != "" {
		text += "\nneeds a restart of the host: " + restart
	}
	return text
}

// removed names the providers in force that a configuration does not have.
func (r *reloader) removed(cfg *config.Config) (removed []string, all bool) {
	has := map[string]bool{}
	for _, p := range cfg.Providers {
		has[p.Name] = true
	}
	inForce := r.providers.List()
	for _, p := range inForce {
		if !has[p.Name] {
			removed = append(removed, p.Name)
		}
	}
	return removed, len(removed) > 0 && len(removed) == len(inForce)
}

// refuseRemovalOfAll returns errAllRemoved for a configuration that would sign
// everybody out.
func (r *reloader) refuseRemovalOfAll(cfg *config.Config) error {
	removed, all := r.removed(cfg)
	if !all {
		return nil
	}
	return fmt.Errorf("%w, and their users would no longer be signed in: %s has none of the providers in force (%s), which stay in force; if you want to remove them, run: doorward reload --force",
		errAllRemoved, sourcesOf(cfg), strings.Join(removed, ", "))
}

// sourcesOf names the files that the configuration comes from.
func sourcesOf(cfg *config.Config) string {
	if len(cfg.Sources) == 0 {
		return "the configuration"
	}
	return strings.Join(cfg.Sources, " and ")
}
