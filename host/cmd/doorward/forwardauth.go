package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/forwardauth"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/token"
	"github.com/doorward/doorward/host/internal/web"
)

// rulesOf makes rules from the apps of a configuration.
func rulesOf(cfg *config.Config) *forwardauth.Rules {
	apps := make([]forwardauth.App, 0, len(cfg.Apps))
	for _, a := range cfg.Apps {
		app := forwardauth.App{
			Name: a.Name, Origin: forwardauth.Origin{Scheme: a.Scheme, Host: a.Host}, Prefix: a.Prefix,
			Subject: forwardauth.Subject(a.AppSubject), Preflight: a.Preflight, EmailOf: a.EmailOf,
		}
		for _, s := range a.Allow {
			app.Allow = append(app.Allow, forwardauth.Subject(s))
		}
		for _, p := range a.Public {
			app.Public = append(app.Public, forwardauth.PublicPath(p))
		}
		apps = append(apps, app)
	}
	return forwardauth.NewRules(apps)
}

// userHeader is the content of Remote-User. The rules say whose e-mail addresses count.
func userHeader(cfg *config.Config) forwardauth.UserHeader {
	switch cfg.ForwardAuthUser {
	case "email", "email-of-any-provider":
		return forwardauth.UserEmail
	case "subject":
		return forwardauth.UserSubject
	default:
		return forwardauth.UserID
	}
}

func (h host) forwardAuth(logins *sso.Service, s store.Store, tokens *token.Tokens, clock *sso.Clock, metrics prometheus.Registerer) apps {
	cfg, people := h.config, forwardauth.SignedIn{
		Logins: logins, Roles: s, Prolonger: forwardauth.NewProlonger(logins.Prolong, logins.AskEvery(), clock.Now, h.logger),
	}
	server := forwardauth.New(forwardauth.Config{
		PublicURL: cfg.PublicURL.String(), Issuer: cfg.PublicURL.String(), CookieName: cfg.SessionCookie.Name, TrustedProxies: cfg.ForwardAuthProxies,
		Secret: cfg.ForwardAuthSecret.Reveal(), User: userHeader(cfg), AssertionTTL: cfg.ForwardAuthAssertionTTL, Logger: h.logger,
	}, forwardauth.Ports{People: people, Assert: tokens.Assert, Now: clock.Now})
	server.SetRules(rulesOf(cfg))
	metrics.MustRegister(forwardAuthChecks{server})
	return apps{server, people}
}

// apps are the applications, for the pages.
type apps struct {
	server *forwardauth.Server
	people forwardauth.SignedIn
}

// Places implements web.Apps.
func (a apps) Places() []string { return a.server.Rules().Places() }

// Judge implements web.Apps.
func (a apps) Judge(ctx context.Context, url string, who sso.Principal) (web.Judged, error) {
	p, err := a.people.Person(ctx, &who)
	if err != nil {
		return web.Judged{}, err
	}
	app := a.server.Rules().AppOf(url)
	if app == nil {
		return web.Judged{}, sso.ErrNotFound
	}
	judged := web.Judged{App: app.Name}
	for _, lack := range a.server.Missing(app, &p) {
		judged.Lacks = append(judged.Lacks, web.Lack(lack))
	}
	judged.Admitted = len(judged.Lacks) == 0
	return judged, nil
}

// serveForwardAuth answers proxies, if an address is configured, until stop is called. Call
// stop after the end of the main listener: proxies ask for as long as there are requests.
func (h host) serveForwardAuth(ctx context.Context, server *forwardauth.Server) (stop func(), err error) {
	cfg := h.config
	if cfg.ForwardAuthAddress == "" {
		return func() {}, nil
	}
	listener, err := control.Listen(ctx, cfg.ForwardAuthAddress, "FORWARD_AUTH_ADDRESS", "FORWARD_AUTH_ADDRESS")
	if err != nil {
		return nil, err
	}
	reach := "this host only: " + cfg.PublicURL.Hostname()
	if domain := cfg.SessionCookie.Domain; domain != "" {
		reach = domain + " and all hosts below it"
	}
	h.logger.Info("forward-auth", "listening", listener.Addr().String(), "apps", len(cfg.Apps), "proxies", fmt.Sprint(cfg.ForwardAuthProxies),
		"session_cookie_reaches", reach)
	listening, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() { // ends with stop
		defer close(ended)
		if err := server.Serve(listening, listener); err != nil {
			h.logger.Error("forward-auth has ended", "error", err)
		}
	}()
	return func() {
		end()
		<-ended
	}, nil
}

// changedApps says how a new configuration changes the apps; empty: not at all.
func changedApps(before, after *forwardauth.Rules) string {
	same := func(a, b forwardauth.App) bool { return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) }
	if slices.EqualFunc(before.Apps(), after.Apps(), same) {
		return ""
	}
	return fmt.Sprintf("forward-auth: %d apps, before %d", len(after.Apps()), len(before.Apps()))
}
