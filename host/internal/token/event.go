package token

import (
	"context"

	"github.com/doorward/doorward/host/internal/sso"
)

// event is an event about a signing key; the audit stores the key's ID.
func (t *Tokens) event(ctx context.Context, kind sso.EventKind, by sso.ActorKind, reason, key string) sso.Event {
	return sso.Event{At: t.config.Now(), Kind: kind, Actor: by, Reason: reason, Detail: key, RequestID: sso.RequestOf(ctx).ID}
}
