package people

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// Ports are the dependencies of the operations.
type Ports struct {
	Accounts Accounts
	Claims   sso.Claims
	Roles    sso.Roles
	Sessions sso.Sessions
	Keys     AdminKeys
	Audit    Audit

	// Subjects hashes the subject of a link for the audit; nil: the audit has no
	// subjects.
	Subjects *sso.SubjectHasher

	// Providers returns the configured providers; nil: they are unknown.
	Providers func() []sso.Provider

	// PublicURL is the URL where browsers reach the host, without a trailing slash;
	// empty: unknown.
	PublicURL string

	// Now returns the time.
	Now func() time.Time

	// Log records changes; it may be nil.
	Log func(message string, args ...any)
}

// Operations are all operations of operators on people. The methods may be called
// concurrently. Each returns an ErrForbidden unless the context has an actor with its
// scope (see [WithActor]).
type Operations struct{ ports Ports }

// New returns the operations.
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

// changed logs an act of an actor.
func (o *Operations) changed(actor Actor, what string, args ...any) {
	args = append([]any{"by", actor.String()}, args...)
	if actor.request != "" {
		args = append(args, "request_id", actor.request)
	}
	o.ports.Log(what, args...)
}
