package people

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// Ports is what the operations use of the world.
type Ports struct {
	Accounts Accounts
	Claims   sso.Claims
	Roles    sso.Roles
	Sessions sso.Sessions
	Keys     AdminKeys
	Audit    Audit

	// Subjects says how the audit calls whom a link is about; nil: by nothing.
	Subjects *sso.SubjectHasher

	// Providers returns the configured providers; nil: they are not known.
	Providers func() []sso.Provider

	// PublicURL is where browsers reach the host, without a slash at the end; empty: it is
	// not known.
	PublicURL string

	// Now tells the time.
	Now func() time.Time

	// Log takes note of what was changed; nil: nobody does.
	Log func(message string, args ...any)
}

// Operations are all that an operator does with people. Its methods may be called
// concurrently. Each returns an ErrForbidden unless the context has an actor with its
// scope (see [WithActor]).
type Operations struct{ ports Ports }

// New makes the operations.
func New(ports Ports) *Operations {
	if ports.Log == nil {
		ports.Log = func(string, ...any) {}
	}
	return &Operations{ports: ports}
}

// allow is the first line of each operation.
func (o *Operations) allow(ctx context.Context, scope Scope) (Actor, error) {
	actor, err := ActorOf(ctx)
	if err != nil {
		return Actor{}, err
	}
	actor.request = sso.RequestOf(ctx).ID
	return actor, actor.Check(scope)
}

// changed notes an act of an actor.
func (o *Operations) changed(actor Actor, what string, args ...any) {
	args = append([]any{"by", actor.String()}, args...)
	if actor.request != "" {
		args = append(args, "request_id", actor.request)
	}
	o.ports.Log(what, args...)
}
