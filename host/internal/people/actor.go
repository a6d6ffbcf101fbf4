package people

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A Scope is a permission of a key: a kind of thing, and whether it may be read or changed.
type Scope string

// The scopes. Writing does not include reading.
const (
	UsersRead     Scope = "users:read"
	UsersWrite    Scope = "users:write"
	SessionsRead  Scope = "sessions:read"
	SessionsWrite Scope = "sessions:write"
	RolesRead     Scope = "roles:read"
	RolesWrite    Scope = "roles:write"
	KeysRead      Scope = "keys:read"
	KeysWrite     Scope = "keys:write"
	AuditRead     Scope = "audit:read"
)

// Scopes returns all scopes.
func Scopes() []Scope {
	return []Scope{UsersRead, UsersWrite, SessionsRead, SessionsWrite, RolesRead, RolesWrite, KeysRead, KeysWrite, AuditRead}
}

// An Actor is the caller of an operation.
type Actor struct {
	KeyID, Name string    // of the key; both are empty for the operator
	Scopes      []Scope   // of the key
	ExpiresAt   time.Time // of the key; zero: never

	request string // ID of the request
}

// Operator is anyone who can open the control socket, or the database. They may do
// everything.
var Operator = Actor{}

// May reports whether the actor has that scope.
func (a Actor) May(scope Scope) bool { return a.KeyID == "" || slices.Contains(a.Scopes, scope) }

// Check is ErrForbidden unless the actor has that scope.
func (a Actor) Check(scope Scope) error {
	if a.May(scope) {
		return nil
	}
	return fmt.Errorf("%w: the key %q lacks the scope %s", ErrForbidden, a.Name, scope)
}

// String describes the actor for the log.
func (a Actor) String() string {
	if a.KeyID == "" {
		return "operator"
	}
	return "key " + a.Name
}

type actorKey struct{}

// WithActor returns a context with the actor of an operation.
func WithActor(ctx context.Context, actor Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// errNoActor: the context has no actor. That must not mean that everything is allowed.
var errNoActor = fmt.Errorf("%w: the caller is unknown", ErrForbidden)

// ActorOf returns the actor of an operation, or an ErrForbidden.
func ActorOf(ctx context.Context) (Actor, error) {
	actor, ok := ctx.Value(actorKey{}).(Actor)
	if !ok {
		return Actor{}, errNoActor
	}
	return actor, nil
}

// readScopes checks the names of scopes, and returns each scope once.
func readScopes(names []string) ([]Scope, error) {
	all := Scopes()
	var scopes []Scope
	for _, name := range names {
		scope := Scope(name)
		if !slices.Contains(all, scope) {
			return nil, invalid("scopes", "contains %.40q, which is not a scope; the scopes are %s", name, joinedNames(all))
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) == 0 {
		return nil, invalid("scopes", "is empty; the scopes are %s", joinedNames(all))
	}
	return scopes, nil
}
