package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/memlimit"
	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/host/internal/provider/metrics"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/token"
	"github.com/doorward/doorward/host/internal/watch"
	"github.com/doorward/doorward/host/internal/web"
	"github.com/doorward/doorward/host/internal/web/limit"
	"github.com/doorward/doorward/host/internal/web/tally"
	"github.com/doorward/doorward/sdk/contract"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	file  string
	watch bool
	dev   bool
}

func serveCommand(environ []string) *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve logins until interrupted",
		Long: "Serve logins until interrupted.\n\n" +
			"Settings come from the environment, from .env in the working directory, and from one more file,\n" +
			"in this order: the first that sets a setting counts. docs/settings.md lists all settings.\n\n" +
			"SIGHUP and \"doorward reload\" reload providers and plugins.lock while logins continue.\n" +
			"SIGTERM stops the host so that load balancers lose no request (SHUTDOWN_DELAY), Ctrl-C at once;\n" +
			"a second signal does not wait.",
		Example: "  SECRET=$(openssl rand -base64 32) doorward serve\n  doorward serve --config /etc/doorward.yaml --watch",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			begun := time.Now()
			load := func() (*config.Config, error) { return loadConfig(environ, flags.file) }
			cfg, err := load()
			if err != nil {
				return err
			}
			if err := checkDev(cfg, flags.dev); err != nil {
				return err
			}
			h := host{config: cfg, asRead: watch.Signature(cfg.RenewableFiles()), load: load, flags: flags, logger: newLogger(cfg, cmd.ErrOrStderr()), begun: begun}
			for _, warning := range cfg.Warnings {
				h.logger.Warn(warning)
			}
			return h.unlessInterrupted(cmd.Context(), h.serve(cmd.Context()))
		},
	}
	configFlag(cmd, &flags.file)
	cmd.Flags().BoolVar(&flags.watch, "watch", false, "reload when the configuration, plugins.lock or a plugin changes")
	cmd.Flags().BoolVar(&flags.dev, "dev", false, "run plugins that are not in plugins.lock; only for developing plugins, on loopback")
	return cmd
}

// configFlag is the flag of commands that read the whole configuration.
func configFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "config", "c", "", "file with settings and providers (or CONFIG_PATH)")
}

func loadConfig(environ []string, file string) (*config.Config, error) {
	in, err := configInput(environ, file)
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(in)
	if err != nil {
		return nil, err
	}
	return cfg, resolvePresets(cfg)
}

func configInput(environ []string, file string) (config.Input, error) {
	executable, err := os.Executable()
	if err != nil {
		return config.Input{}, fmt.Errorf("finding the executable, to find the plugins next to it: %w", err)
	}
	dir, err := os.Getwd()
	if err != nil {
		return config.Input{}, fmt.Errorf("finding the working directory: %w", err)
	}
	return config.Input{Environ: environ, Dir: dir, File: file, Executable: executable}, nil
}

// checkDev refuses to run unlocked plugins where others can reach them.
func checkDev(cfg *config.Config, dev bool) error {
	beyond := func(u *url.URL) bool { return !contract.IsLoopback(u.Hostname()) }
	if dev && (!contract.IsLoopback(cfg.Host) || beyond(cfg.PublicURL) || slices.ContainsFunc(cfg.AllowedPublicURLs, beyond)) {
		return fmt.Errorf("--dev runs whatever lies in %s, and is possible on loopback only: set HOST to 127.0.0.1, PUBLIC_URL to http://localhost:%d and no other AUTH_ALLOWED_PUBLIC_URLS, or add the plugins with: doorward plugin add",
			cfg.PluginDir, cfg.Port)
	}
	return nil
}

const noProviders = "no provider is configured and nobody can sign in: set AUTH_PROVIDERS, see docs/settings.md"

// bodiesShare is the divisor for the share of the memory that large request bodies may take
// when they arrive. On their way to a plugin they take about six times as much.
const bodiesShare = 16

// host is a host that serve wires together.
type host struct {
	config *config.Config
	asRead string // signature of the renewable files of the configuration
	load   func() (*config.Config, error)
	flags  serveFlags
	logger hclog.Logger
	begun  time.Time
}

// unlessInterrupted treats a start that was interrupted by a signal as a normal stop: it is
// not an error to stop a service that is still starting.
func (h host) unlessInterrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	h.logger.Info("stopped before it was ready", "during", err)
	return nil
}

// serve runs the host until ctx is done.
func (h host) serve(ctx context.Context) (err error) {
	cfg := h.config
	memory := h.limitMemory()
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP) // before anything that takes time: SIGHUP would end the host
	defer signal.Stop(hangUp)
	claimed, err := control.Claim(ctx, cfg.ControlSocket)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, claimed.Close()) }()
	database, err := h.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	return h.serveFrom(ctx, database, claimed, memory, hangUp)
}

// serveFrom runs the host with a database, until ctx is done.
func (h host) serveFrom(ctx context.Context, database store.Store, claimed *control.Claimed, memory memlimit.Limit, hangUp <-chan os.Signal) (err error) {
	cfg, store, clock := h.config, store.Cached(database, time.Now), sso.SystemClock()
	tokens, err := token.New(ctx, h.tokenConfig(store, clock))
	if err != nil {
		return err
	}
	registry := newRegistry()
	providers, err := h.startMeasured(ctx, registry)
	if err != nil {
		return err
	}
	defer providers.Stop()

	logins, err := h.logins(providers, store, tokens, clock)
	if err != nil {
		return err
	}
	h.warnOfRoles(ctx, providers, store)
	defer h.resealInBackground(ctx, logins, tokens)()
	counts := newCounts(registry)
	defer h.saveLast(store, counts)
	defer h.background(ctx, slices.Concat(clocksTogether(database, time.Now), h.auditTasks(store, clock, counts), []task{maintainKeys(tokens), forgetSuccessors(logins)})...)()
	limiter, err := h.limits(registry)
	if err != nil {
		return err
	}
	defer h.exchangeCounts(ctx, limiter, store)()
	apps := h.forwardAuth(logins, store, tokens, clock, registry)
	server, err := h.server(memory, limiter, counts.tally, web.Ports{Logins: logins, Apps: apps, Keys: tokens.JWKS, Storage: store.Ping})
	if err != nil {
		return err
	}
	r := newReloader(h, providers, apps.server, hangUp)
	controlled, err := claimed.Serve(ctx, control.Addresses{Metrics: cfg.MetricsAddress, Admin: cfg.AdminAddress}, h.administered(control.Ports{
		Plugins: func() any { return providers.Plugins() }, Reload: r.reload, Healthy: healthy(providers),
		Check: func(ctx context.Context, name string) (any, error) {
			checked, err := r.check(ctx, name)
			return withAccounts(ctx, checked, accounts{store.CountUsers, store.Roles}), err
		},
		Keys: listKeys(tokens), RotateKeys: h.rotateKeys(tokens),
		Metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
	}, store, logins.Subjects(), providers))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, controlled.Close()) }()
	return h.listen(ctx, server, apps, r, providers)
}

func (h host) server(memory memlimit.Limit, limiter *limit.Limiter, counted *tally.Tally, ports web.Ports) (*web.Server, error) {
	cfg := h.config
	return web.New(web.Config{
		PublicURL: cfg.PublicURL, AllowedPublicURLs: cfg.AllowedPublicURLs, SessionCookie: web.Cookie(cfg.SessionCookie), RefreshCookie: web.Cookie(cfg.RefreshCookie),
		CORS: web.CORS(cfg.CORS), TrustedProxies: cfg.TrustedProxies, MaxBodies: memory.Bytes / bodiesShare, Limits: limiter, Tally: counted, Logger: h.logger,
	}, ports)
}

func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// limitMemory sets the memory limit and returns it; zero if there is none.
func (h host) limitMemory() memlimit.Limit {
	limit := memlimit.Set()
	if limit.Bytes > 0 {
		h.logger.Info("memory limit", "mib", limit.Bytes>>20, "from", limit.From)
	}
	memlimit.CollectSeldom(limit)
	return limit
}

func (h host) logins(providers sso.Providers, s store.Store, tokens sso.AccessTokens, clock *sso.Clock) (*sso.Service, error) {
	cfg := h.config
	secret, previous := h.secrets()
	return sso.New(sso.Config{
		Secret: secret, SecretPrevious: previous, Clock: clock, PublicURL: cfg.PublicURL.String(), AccessTokenTTL: cfg.AccessTokenTTL,
		RefreshTokenTTL: cfg.RefreshTokenTTL, RefreshTokenAbsoluteTTL: cfg.RefreshTokenAbsoluteTTL,
		SessionTTL: cfg.SessionCookieTTL, SessionAbsoluteTTL: cfg.SessionCookieAbsoluteTTL, RefreshGrace: cfg.SessionRefreshGracePeriod,
		AllowedPublicURLs: cfg.Settings.AllowedPublicURLs, AccessTokenGroups: cfg.AccessTokenGroups, AccountLinking: cfg.AccountLinking, AskEvery: cfg.ForwardAuthAskEvery,
	}, sso.Ports{
		Providers: providers, Users: s, Roles: s, Links: s, Claims: s, Accounts: s, Sessions: s, AtProviders: s, Once: s, Sealed: s, Tokens: tokens,
	})
}

func (h host) startProviders(ctx context.Context, m provider.Metrics) (*provider.Providers, error) {
	if h.flags.dev {
		h.logger.Warn("--dev: plugins run without a check against the lock file; never use this in production", "plugin_dir", h.config.PluginDir)
	}
	return provider.Start(ctx, provider.Config{
		Binaries:  provider.Binaries{Dir: h.config.PluginDir, Lock: h.config.PluginLock, InsecureWithoutLock: h.flags.dev},
		PublicURL: h.config.PublicURL.String(), AllowedPublicURLs: h.config.Settings.AllowedPublicURLs, Providers: configured(h.config), Logger: h.logger, Metrics: m, Version: version,
	})
}

// startMeasured starts the providers with metrics.
func (h host) startMeasured(ctx context.Context, registry *prometheus.Registry) (*provider.Providers, error) {
	providers, err := h.startProviders(ctx, metrics.New(registry))
	if err == nil {
		metrics.Watch(registry, providers.Plugins)
	}
	return providers, err
}

func healthy(providers *provider.Providers) func() bool {
	return func() bool {
		for _, p := range providers.Plugins() {
			if p.State != provider.StateReady {
				return false
			}
			for _, one := range p.Providers {
				if one.Error != "" {
					return false
				}
			}
		}
		return true
	}
}

func (h host) listen(ctx context.Context, server *web.Server, apps apps, r *reloader, providers *provider.Providers) error {
	address := net.JoinHostPort(h.config.Host, strconv.Itoa(h.config.Port))
	listener, err := control.Listen(ctx, address, "HOST", "PORT")
	if err != nil {
		return err
	}
	stopForwardAuth, err := h.serveForwardAuth(ctx, apps.server)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer stopForwardAuth()
	stopProlonging := h.background(context.WithoutCancel(ctx), prolonging(apps.people.Prolonger))
	defer stopProlonging()
	stages := h.stages(ctx, server.NotReady)
	watching, stop := context.WithCancel(stages.listening)
	done := r.watch(watching, h.flags.watch)
	go providers.WatchExpiry(watching) // ends with watching
	h.logger.Info("ready", "url", h.config.PublicURL.String(), "listening", listener.Addr().String(), "version", version,
		"providers", len(h.config.Providers), "ready_ms", time.Since(h.begun).Milliseconds())
	for _, u := range h.config.Settings.AllowedPublicURLs {
		h.logger.Info("logins may begin at another URL, too", "url", u, "register", sso.URLsOf(u, "<provider>").Callback)
	}
	if len(h.config.Providers) == 0 {
		h.logger.Warn(noProviders)
	}
	err = server.Serve(stages.listening, stages.underWay, listener)
	stop()
	waitFor(stages.underWay, stopProlonging)
	stages.end()
	providers.Stop() // otherwise a reload in progress may wait long for a plugin
	<-done
	h.logger.Info("stopped")
	return err
}

func configured(cfg *config.Config) []provider.Configured {
	list := make([]provider.Configured, 0, len(cfg.Providers))
	for _, p := range cfg.Providers {
		list = append(list, provider.Configured{
			Provider: p.Provider, Options: p.Options, Outbound: p.Outbound, Isolated: p.Isolated, RegistrationUnset: p.RegistrationUnset, RolesByGroupNameUnset: p.RolesByGroupNameUnset, Spelling: p.Spelling, Near: p.Near,
		})
	}
	return list
}
