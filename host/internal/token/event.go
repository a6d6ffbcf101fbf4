package token

import (
	"context"

	"github.com/doorward/doorward/host/internal/sso"
)

// event is that of a signing key, of which the audit keeps the ID.
func (t *Tokens) event(ctx context.Context, kind sso.EventKind, by sso.ActorKind, reason, key string) sso.Event {
	return sso.Event{At: t.config.Now(), Kind: kind, Actor: by, Reason: reason, Detail: key, RequestID: sso.RequestOf(ctx).ID}
}
