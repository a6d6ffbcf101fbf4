package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/provider"
)

func reloadCommand(environ []string) *cobra.Command {
	var host *reach
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have the running host read its providers and plugins anew",
		Long: "Have the running host read its providers and plugins.lock anew, while logins go on.\n\n" +
			"Providers are added, changed and removed; a plugin whose digest in plugins.lock has changed is replaced.\n" +
			"What cannot be done leaves what was there as it was, is told, and makes the command fail.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := host.client()
			if err != nil {
				return err
			}
			done, err := client.Reload(cmd.Context())
			if done != "" {
				fmt.Fprintln(cmd.OutOrStdout(), done)
			}
			return err
		},
	}
	host = reachFlags(cmd, environ)
	return cmd
}

// reloader brings a running host to a new configuration.
type reloader struct {
	load      func() (*config.Config, error)
	providers *provider.Providers
	logger    hclog.Logger
	hangUp    <-chan os.Signal

	mu   sync.Mutex // admits one reload at a time
	last *config.Config
}

func newReloader(h host, providers *provider.Providers, hangUp <-chan os.Signal) *reloader {
	return &reloader{load: h.load, providers: providers, logger: h.logger, hangUp: hangUp, last: h.config}
}

var errPartly = errors.New("not everything could be done")

// reload reads the configuration and does what has changed. What it did is told
// even beside an error.
func (r *reloader) reload(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	cfg, err := r.load()
	if err != nil {
		r.logger.Error("configuration is not reloaded, the old one goes on", "error", strings.ReplaceAll(err.Error(), "\n", " "))
		return "", fmt.Errorf("nothing was reloaded: %w", err)
	}
	for _, warning := range cfg.Warnings {
		r.logger.Warn(warning)
	}
	restart := strings.Join(changedSettings(r.last, cfg), ", ")
	if restart != "" {
		r.logger.Warn("settings have changed that need a restart of the host", "settings", restart)
	}
	done, err := r.providers.Reload(ctx, configured(cfg))
	if err != nil {
		return "", err
	}
	r.last = withSettingsOf(cfg, r.last)
	told := strings.Join(done.Lines(), "\n")
	if restart != "" {
		told += "\nneeds a restart of the host: " + restart
	}
	failed := done.Failed
	for _, what := range failed {
		r.logger.Error("could not be reloaded, the old one goes on if there is one", "what", what)
	}
	done.Failed = nil
	r.logger.Info("reloaded", "done", done.String())
	if len(failed) > 0 {
		return told, errPartly
	}
	return told, nil
}

// settingOf is what the operator writes for a field of the configuration.
var settingOf = map[string]string{
	"Host": "HOST", "Port": "PORT", "PublicURL": "PUBLIC_URL", "Secret": "SECRET", "DBFilename": "DB_FILENAME",
	"PluginDir": "PLUGIN_DIR", "PluginLock": "PLUGIN_LOCK", "ControlSocket": "CONTROL_SOCKET", "MetricsAddress": "METRICS_ADDRESS",
	"AccessTokenTTL": "ACCESS_TOKEN_TTL", "RefreshTokenTTL": "REFRESH_TOKEN_TTL", "SessionCookieTTL": "SESSION_COOKIE_TTL",
	"SessionRefreshGracePeriod": "SESSION_REFRESH_GRACE_PERIOD", "RefreshCookie": "REFRESH_TOKEN_COOKIE_…",
	"SessionCookie": "SESSION_COOKIE_…", "TrustedProxies": "IP_TRUST_PROXY", "LogLevel": "LOG_LEVEL", "LogStyle": "LOG_STYLE",
}

// changedSettings names the host's own settings that differ, as they are written.
func changedSettings(before, after *config.Config) []string {
	var names []string
	a, b := reflect.ValueOf(*before), reflect.ValueOf(*after)
	for i := range a.NumField() {
		name := a.Type().Field(i).Name
		switch name {
		case "Providers", "Files", "Warnings":
		default:
			if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
				names = append(names, settingOf[name])
			}
		}
	}
	return names
}

// withSettingsOf is the configuration that is in force: new providers, and the
// settings with which the host was started.
func withSettingsOf(after, before *config.Config) *config.Config {
	inForce := *before
	inForce.Providers, inForce.Files = after.Providers, after.Files
	return &inForce
}

// pollEvery is how often --watch looks at the files. Looking is better than being
// told: it works with mounted folders and with links that are changed.
const pollEvery = time.Second

// watch reloads at SIGHUP, and with files also when one of them changes, until ctx
// is done; then the channel is closed.
func (r *reloader) watch(ctx context.Context, files bool) <-chan struct{} {
	done := make(chan struct{})
	seen := r.signature()
	go func() {
		defer close(done)
		poll := time.NewTicker(pollEvery)
		defer poll.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-r.hangUp:
				_, _ = r.reload(ctx) // logged
			case <-poll.C:
				// Written to for a while, a file is taken when it rests.
				if now := r.signature(); files && now != seen && now == r.settled(ctx, now) {
					seen = now
					_, _ = r.reload(ctx) // logged
				}
			}
		}
	}()
	return done
}

// settled looks once more after a moment.
func (r *reloader) settled(ctx context.Context, signature string) string {
	timer := time.NewTimer(pollEvery / 4)
	defer timer.Stop()
	select {
	case <-timer.C:
		return r.signature()
	case <-ctx.Done():
		return signature
	}
}

// signature changes when a file changes that a reload would read.
func (r *reloader) signature() string {
	r.mu.Lock()
	cfg := r.last
	r.mu.Unlock()
	plugins, _ := filepath.Glob(filepath.Join(cfg.PluginDir, "doorward-plugin-*"))
	var b strings.Builder
	for _, path := range append(append([]string{cfg.PluginLock}, cfg.Files...), plugins...) {
		if info, err := os.Stat(path); err == nil {
			inode := uint64(0)
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				inode = stat.Ino
			}
			fmt.Fprintf(&b, "%s %d %d %d\n", path, info.Size(), info.ModTime().UnixNano(), inode)
		}
	}
	return b.String()
}
