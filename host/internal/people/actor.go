package people

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A Scope is what a key is good for: a kind of thing, and whether it may be changed.
type Scope string

// The scopes. That of writing does not include that of reading.
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

// Scopes are all that there are.
func Scopes() []Scope {
	return []Scope{UsersRead, UsersWrite, SessionsRead, SessionsWrite, RolesRead, RolesWrite, KeysRead, KeysWrite, AuditRead}
}

// An Actor is who asks for an operation.
type Actor struct {
	KeyID, Name string  // of the key; both are empty for the operator
	Scopes      []Scope // of the key

	request string // ID of the one that asks
}

// Operator is who may open the control socket, or the database. They may do everything.
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

// String is for the log.
func (a Actor) String() string {
	if a.KeyID == "" {
		return "operator"
	}
	return "key " + a.Name
}

type actorKey struct{}

// WithActor returns a context in which that actor asks.
func WithActor(ctx context.Context, actor Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// errNoActor: an operation was called by nobody, which must not mean by everybody.
var errNoActor = fmt.Errorf("%w: nobody asks", ErrForbidden)

// ActorOf returns who asks, or an ErrForbidden.
func ActorOf(ctx context.Context) (Actor, error) {
	actor, ok := ctx.Value(actorKey{}).(Actor)
	if !ok {
		return Actor{}, errNoActor
	}
	return actor, nil
}

// readScopes checks scopes that were asked for, and returns each once.
func readScopes(names []string) ([]Scope, error) {
	all := Scopes()
	var scopes []Scope
	for _, name := range names {
		scope := Scope(name)
		if !slices.Contains(all, scope) {
			return nil, invalid("scopes", "has %.40q, which is none; there are %s", name, joined(all))
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) == 0 {
		return nil, invalid("scopes", "is empty; there are %s", joined(all))
	}
	return scopes, nil
}

func joined[T ~string](words []T) string {
	names := make([]string, len(words))
	for i, word := range words {
		names[i] = string(word)
	}
	return strings.Join(names, ", ")
}
