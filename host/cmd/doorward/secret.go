package main

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/token"
)

// secrets are SECRET and SECRET_PREVIOUS; nil if there is none.
func (h host) secrets() (secret, previous []byte) {
	if h.config.SecretPrevious != "" {
		previous = []byte(h.config.SecretPrevious.Reveal())
	}
	return []byte(h.config.Secret.Reveal()), previous
}

// sealAgain is the pause after a failure to seal things anew.
const sealAgain = time.Minute

// sealAnew seals everything under SECRET in the background, if there is a
// SECRET_PREVIOUS, until stop is called, which waits for it.
func (h host) sealAnew(ctx context.Context, logins *sso.Service, tokens *token.Tokens) (stop func()) {
	if h.config.SecretPrevious == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !h.sealedAnew(ctx, logins, tokens) {
			select {
			case <-time.After(sealAgain):
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

func (h host) sealedAnew(ctx context.Context, logins *sso.Service, tokens *token.Tokens) bool {
	n, err := logins.SealAnew(ctx, tokens.SealAnew)
	switch {
	case err == nil:
		h.logger.Info("everything is sealed under SECRET now: SECRET_PREVIOUS can be removed", "sealed_anew", n)
		return true
	case ctx.Err() == nil:
		h.logger.Error("not everything is sealed under SECRET yet, keep SECRET_PREVIOUS", "error", err, "next_try", sealAgain.String())
	}
	return false
}
