package main

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/token"
)

// secrets returns SECRET and SECRET_PREVIOUS; nil if SECRET_PREVIOUS is not set.
func (h host) secrets() (secret, previous []byte) {
	if h.config.SecretPrevious != "" {
		previous = []byte(h.config.SecretPrevious.Reveal())
	}
	return []byte(h.config.Secret.Reveal()), previous
}

// resealRetry is the pause after a failure to reseal.
const resealRetry = time.Minute

// resealInBackground reseals everything under SECRET in the background, if SECRET_PREVIOUS
// is set, until stop is called. stop waits for it.
func (h host) resealInBackground(ctx context.Context, logins *sso.Service, tokens *token.Tokens) (stop func()) {
	if h.config.SecretPrevious == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !h.reseal(ctx, logins, tokens) {
			select {
			case <-time.After(resealRetry):
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func (h host) reseal(ctx context.Context, logins *sso.Service, tokens *token.Tokens) bool {
	n, err := logins.Reseal(ctx, tokens.Reseal)
	switch {
	case err == nil:
		h.logger.Info("everything is encrypted under SECRET now: SECRET_PREVIOUS can be removed", "sealed_anew", n)
		return true
	case ctx.Err() == nil:
		h.logger.Error("not everything is encrypted under SECRET yet: keep SECRET_PREVIOUS", "error", err, "next_try", resealRetry.String())
	}
	return false
}
