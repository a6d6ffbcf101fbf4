package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/token"
)

// keysOperation lists or rotates the signing keys. One of list and rotation is set, and
// gets the result.
type keysOperation struct {
	list     *[]token.Key
	rotation *token.Rotation
	now      bool // with rotation: the new key replaces all others
}

// inHost makes the running host do it.
func (o keysOperation) inHost(ctx context.Context, client *control.Client) error {
	if o.list != nil {
		return client.Keys(ctx, o.list)
	}
	return client.RotateKeys(ctx, o.now, o.rotation)
}

func (o keysOperation) with(ctx context.Context, tokens *token.Tokens) (err error) {
	if o.list != nil {
		*o.list, err = tokens.List(ctx)
		return err
	}
	*o.rotation, err = rotated(ctx, tokens, o.now)
	return err
}

func rotated(ctx context.Context, tokens *token.Tokens, now bool) (token.Rotation, error) {
	if now {
		return tokens.RevokeAll(ctx)
	}
	return tokens.Rotate(ctx)
}

// keys does it in the running host; if no host runs, in the database. If a socket is
// named, only the host behind it will do.
func (r *hostFinder) keys(ctx context.Context, do keysOperation) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	err = do.inHost(ctx, client)
	if !errors.Is(err, control.ErrNotRunning) || r.socket != "" {
		return err
	}
	return r.keysInDatabase(ctx, do)
}

func (r *hostFinder) keysInDatabase(ctx context.Context, do keysOperation) (err error) {
	cfg, err := loadConfig(r.environ, r.file)
	if err != nil {
		return fmt.Errorf("no doorward is running here, and to work in the database this command needs its settings: %w", err)
	}
	// Held until this is done, so that no host starts.
	claimed, err := control.Claim(ctx, cfg.ControlSocket)
	if err != nil {
		return err
	}
	defer claimed.Close()
	h := host{config: cfg, logger: newLogger(cfg, os.Stderr)}
	store, err := openExisting(ctx, cfg.Database, sso.Confirming(h.secrets()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	config := h.tokenConfig(store, sso.SystemClock())
	config.Warn = nil // the list shows problems with keys
	tokens, err := token.Open(config)
	if err != nil {
		return err
	}
	return do.with(ctx, tokens)
}

// tokenConfig is how a host with this configuration issues access tokens.
func (h host) tokenConfig(keys sso.SigningKeys, clock *sso.Clock) token.Config {
	secret, previous := h.secrets()
	return token.Config{
		Keys: keys, Secret: secret, SecretPrevious: previous, Issuer: h.config.PublicURL.String(), Algorithm: h.config.AccessTokenAlgorithm,
		Now: clock.Now, RemoveBefore: clock.RemoveBefore,
		Warn: func(err error) { h.logger.Warn("access tokens", "error", err) },
	}
}

// listKeys lists the signing keys for the operator, in the running host.
func listKeys(tokens *token.Tokens) func(ctx context.Context) (any, error) {
	return func(ctx context.Context) (any, error) { return tokens.List(ctx) }
}

// rotateKeys rotates them.
func (h host) rotateKeys(tokens *token.Tokens) func(ctx context.Context, now bool) (any, error) {
	return func(ctx context.Context, now bool) (any, error) {
		done, err := rotated(ctx, tokens, now)
		if err != nil {
			h.logger.Error("rotating signing keys for the operator", "error", err, "now", now)
			return done, err
		}
		if done.Existed {
			return done, nil
		}
		h.logger.Info("signing keys rotated by the operator", "key", done.Key.ID, "algorithm", done.Key.Algorithm, "now", now, "deleted", done.Deleted)
		return done, nil
	}
}
