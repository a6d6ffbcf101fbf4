package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/sqlite"
	"github.com/doorward/doorward/host/internal/token"
	"github.com/doorward/doorward/host/internal/web"
)

func serveCommand(environ []string) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve logins until interrupted",
		Long: "Serve logins until interrupted.\n\n" +
			"Settings come from the environment, from .env in the working directory, and from a YAML file,\n" +
			"in this order: the first that names a setting counts. docs/settings.md lists them all.",
		Example: "  SECRET=$(openssl rand -base64 32) doorward serve\n  doorward serve --config /etc/doorward.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			begun := time.Now()
			cfg, err := loadConfig(environ, file)
			if err != nil {
				return err
			}
			logger := newLogger(cfg, cmd.ErrOrStderr())
			return serve(cmd.Context(), cfg, logger, begun)
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "YAML file with settings and providers (or CONFIG_PATH)")
	return cmd
}

func loadConfig(environ []string, file string) (*config.Config, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding the executable, to find the plugins beside it: %w", err)
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("finding the working directory: %w", err)
	}
	return config.Load(config.Input{Environ: environ, Dir: dir, File: file, Executable: executable})
}

// serve wires the host together and runs it until ctx is done.
func serve(ctx context.Context, cfg *config.Config, logger hclog.Logger, begun time.Time) (err error) {
	for _, warning := range cfg.Warnings {
		logger.Warn(warning)
	}
	database, err := sqlite.Open(ctx, cfg.DBFilename)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	store := store.Cached(database, time.Now)

	publicURL := cfg.PublicURL.String()
	tokens, err := token.New(ctx, token.Config{
		Keys: store, Secret: []byte(cfg.Secret.Reveal()), Issuer: publicURL, Now: time.Now,
		Warn: func(err error) { logger.Warn("access tokens", "error", err) },
	})
	if err != nil {
		return err
	}
	providers, err := provider.Start(ctx, provider.Config{
		PluginDir: cfg.PluginDir, PublicURL: publicURL, Providers: configured(cfg), Logger: logger,
	})
	if err != nil {
		return err
	}
	defer providers.Stop()

	logins, err := sso.New(sso.Config{
		Secret: []byte(cfg.Secret.Reveal()), AccessTokenTTL: cfg.AccessTokenTTL, RefreshTokenTTL: cfg.RefreshTokenTTL,
		SessionTTL: cfg.SessionCookieTTL, RefreshGrace: cfg.SessionRefreshGracePeriod, Now: time.Now,
	}, sso.Ports{Providers: providers, Users: store, Sessions: store, Once: store, Tokens: tokens})
	if err != nil {
		return err
	}
	server, err := web.New(web.Config{
		PublicURL: cfg.PublicURL, SessionCookie: web.Cookie(cfg.SessionCookie), RefreshCookie: web.Cookie(cfg.RefreshCookie),
		TrustedProxies: cfg.TrustedProxies, Logger: logger,
	}, web.Ports{Logins: logins, Keys: tokens.JWKS, Storage: store.Ping})
	if err != nil {
		return err
	}
	return listen(ctx, cfg, server, logger, begun)
}

func listen(ctx context.Context, cfg *config.Config, server *web.Server, logger hclog.Logger, begun time.Time) error {
	address := net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening on %s (HOST and PORT): %w", address, err)
	}
	logger.Info("ready", "url", cfg.PublicURL.String(), "listening", listener.Addr().String(), "version", version,
		"providers", len(cfg.Providers), "ready_ms", time.Since(begun).Milliseconds())
	if len(cfg.Providers) == 0 {
		logger.Warn("no provider is configured, nobody can sign in: set AUTH_PROVIDERS, see docs/settings.md")
	}
	err = server.Serve(ctx, listener)
	logger.Info("stopped")
	return err
}

func configured(cfg *config.Config) []provider.Configured {
	list := make([]provider.Configured, 0, len(cfg.Providers))
	for _, p := range cfg.Providers {
		list = append(list, provider.Configured{Provider: p.Provider, Options: p.Options, Spelling: p.Spelling})
	}
	return list
}
