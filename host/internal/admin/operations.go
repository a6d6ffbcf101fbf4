package admin

import (
	"context"
	"net/http"
	"reflect"

	"github.com/doorward/doorward/host/internal/people"
)

// Prefix is the beginning of the paths of all operations.
const Prefix = "/admin"

// documentPath is the path of the OpenAPI document.
const documentPath = "/openapi.json"

// An operation is a row of the table.
type operation struct {
	id      string // for clients
	method  string
	path    string       // below Prefix, in the form of http.ServeMux and of OpenAPI
	scope   people.Scope // that a key needs
	summary string
	endpoint
}

// endpoint has the types and the implementation of an operation.
type endpoint struct {
	in, out   reflect.Type
	list      bool // the answer is a list of out
	conflicts bool // it can fail with 409
	serve     func(ctx context.Context, r *http.Request) (any, error)
}

// operations is the table.
func operations(o *people.Operations) []operation {
	return []operation{
		{"listUsers", http.MethodGet, "/users", people.UsersRead, "List users", many(o.ListUsers)},
		{"addUser", http.MethodPost, "/users", people.UsersWrite, "Add a user", mayConflict(one(o.AddUser))},
		{"showUser", http.MethodGet, "/users/{user}", people.UsersRead, "Show a user", one(o.ShowUser)},
		{"setUser", http.MethodPatch, "/users/{user}", people.UsersWrite, "Change a user", one(o.SetUser)},
		{"deleteUser", http.MethodDelete, "/users/{user}", people.UsersWrite, "Delete a user and end all their sessions", one(o.DeleteUser)},
		{"suspendUser", http.MethodPost, "/users/{user}/suspend", people.UsersWrite, "Suspend a user and end all their sessions", one(o.SuspendUser)},
		{"activateUser", http.MethodPost, "/users/{user}/activate", people.UsersWrite, "Let a user sign in again", one(o.ActivateUser)},
		{"inviteUser", http.MethodPost, "/users/{user}/invitation", people.UsersWrite, "Make a one-time link with which somebody claims an account", mayConflict(one(o.InviteUser))},
		{"importUsers", http.MethodPost, "/import-users", people.UsersWrite, "Import users from Directus", one(o.ImportUsers)},
		{"linkUser", http.MethodPost, "/users/{user}/links", people.UsersWrite, "Let a user sign in with another provider", mayConflict(one(o.LinkUser))},
		{"unlinkUser", http.MethodDelete, "/users/{user}/links", people.UsersWrite, "Remove a link and end the sessions that began with it", one(o.UnlinkUser)},

		{"listRoles", http.MethodGet, "/roles", people.RolesRead, "List all roles", many(o.ListRoles)},
		{"addRole", http.MethodPost, "/roles", people.RolesWrite, "Add a role", mayConflict(one(o.AddRole))},
		{"renameRole", http.MethodPatch, "/roles/{role}", people.RolesWrite, "Rename a role", mayConflict(one(o.RenameRole))},
		{"removeRole", http.MethodDelete, "/roles/{role}", people.RolesWrite, "Remove a role", mayConflict(one(o.RemoveRole))},

		{"listSessions", http.MethodGet, "/sessions", people.SessionsRead, "List sessions", many(o.ListSessions)},
		{"showSession", http.MethodGet, "/sessions/{session}", people.SessionsRead, "Show a session", one(o.ShowSession)},
		{"endSession", http.MethodDelete, "/sessions/{session}", people.SessionsWrite, "End a session", one(o.EndSession)},
		{"endSessions", http.MethodPost, "/end-sessions", people.SessionsWrite, "End all sessions, those of a provider or those of a user", one(o.EndSessions)},

		{"listEvents", http.MethodGet, "/events", people.AuditRead, "List changes", many(o.ListEvents)},
		{"listRefusals", http.MethodGet, "/refusals", people.AuditRead, "List how many sign-ins were refused", many(o.ListRefusals)},

		{"listKeys", http.MethodGet, "/keys", people.KeysRead, "List the administration keys", many(o.ListKeys)},
		{"addKey", http.MethodPost, "/keys", people.KeysWrite, "Make an administration key", mayConflict(one(o.AddKey))},
		{"removeKey", http.MethodDelete, "/keys/{key}", people.KeysWrite, "Remove an administration key", one(o.RemoveKey)},
	}
}

// one is an operation that answers with one item.
func one[In, Out any](do func(context.Context, In) (Out, error)) endpoint {
	return endpoint{
		in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](),
		serve: func(ctx context.Context, r *http.Request) (any, error) {
			var in In
			if err := read(r, &in); err != nil {
				return nil, err
			}
			out, err := do(ctx, in)
			return single{out}, err
		},
	}
}

// many is an operation that answers with a page of a list.
func many[In, Item any](do func(context.Context, In) (people.Page[Item], error)) endpoint {
	return endpoint{
		in: reflect.TypeFor[In](), out: reflect.TypeFor[Item](), list: true,
		serve: func(ctx context.Context, r *http.Request) (any, error) {
			var in In
			if err := read(r, &in); err != nil {
				return nil, err
			}
			page, err := do(ctx, in)
			return listing{page.Items, paging{orNull(page.Next)}}, err
		},
	}
}

// mayConflict is an endpoint that can fail with 409, because a name is taken or a limit is
// reached.
func mayConflict(e endpoint) endpoint {
	e.conflicts = true
	return e
}

// The bodies of answers.
type (
	single struct {
		Data any `json:"data"`
	}
	listing struct {
		Data any    `json:"data"`
		Meta paging `json:"meta"`
	}
	paging struct {
		Next *string `json:"next" doc:"cursor of the next page; null: this is the last page"`
	}
)

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
