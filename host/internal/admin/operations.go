package admin

import (
	"context"
	"net/http"
	"reflect"

	"github.com/doorward/doorward/host/internal/people"
)

// Prefix is what the paths of all operations begin with.
const Prefix = "/admin"

// documentPath is where the OpenAPI document is.
const documentPath = "/openapi.json"

// An operation is a row of the table: what may be asked, where, and by whom.
type operation struct {
	id      string // as clients call it
	method  string
	path    string       // below Prefix, in the form of http.ServeMux and of OpenAPI
	scope   people.Scope // that a key needs
	summary string
	endpoint
}

// endpoint is what an operation takes and gives.
type endpoint struct {
	in, out reflect.Type
	list    bool // out is what the list has
	taken   bool // it may find something taken
	serve   func(ctx context.Context, r *http.Request) (any, error)
}

// operations is the table.
func operations(o *people.Operations) []operation {
	return []operation{
		{"listUsers", http.MethodGet, "/users", people.UsersRead, "List users", many(o.ListUsers)},
		{"addUser", http.MethodPost, "/users", people.UsersWrite, "Add a user", taking(one(o.AddUser))},
		{"showUser", http.MethodGet, "/users/{user}", people.UsersRead, "Show a user", one(o.ShowUser)},
		{"setUser", http.MethodPatch, "/users/{user}", people.UsersWrite, "Change a user", one(o.SetUser)},
		{"deleteUser", http.MethodDelete, "/users/{user}", people.UsersWrite, "Delete a user and end all their sessions", one(o.DeleteUser)},
		{"suspendUser", http.MethodPost, "/users/{user}/suspend", people.UsersWrite, "Keep a user out and end all their sessions", one(o.SuspendUser)},
		{"activateUser", http.MethodPost, "/users/{user}/activate", people.UsersWrite, "Let a user sign in", one(o.ActivateUser)},
		{"inviteUser", http.MethodPost, "/users/{user}/invitation", people.UsersWrite, "Make a one-time link by which somebody takes an account", taking(one(o.InviteUser))},
		{"importUsers", http.MethodPost, "/import-users", people.UsersWrite, "Bring users from Directus", one(o.ImportUsers)},
		{"linkUser", http.MethodPost, "/users/{user}/links", people.UsersWrite, "Let a user sign in by one more provider", taking(one(o.LinkUser))},
		{"unlinkUser", http.MethodDelete, "/users/{user}/links", people.UsersWrite, "Take a link away and end the sessions that came by it", one(o.UnlinkUser)},

		{"listRoles", http.MethodGet, "/roles", people.RolesRead, "List all roles", many(o.ListRoles)},
		{"addRole", http.MethodPost, "/roles", people.RolesWrite, "Add a role", taking(one(o.AddRole))},
		{"renameRole", http.MethodPatch, "/roles/{role}", people.RolesWrite, "Rename a role", taking(one(o.RenameRole))},
		{"removeRole", http.MethodDelete, "/roles/{role}", people.RolesWrite, "Remove a role", taking(one(o.RemoveRole))},

		{"listSessions", http.MethodGet, "/sessions", people.SessionsRead, "List sessions", many(o.ListSessions)},
		{"showSession", http.MethodGet, "/sessions/{session}", people.SessionsRead, "Show a session", one(o.ShowSession)},
		{"endSession", http.MethodDelete, "/sessions/{session}", people.SessionsWrite, "End a session", one(o.EndSession)},
		{"endSessions", http.MethodPost, "/end-sessions", people.SessionsWrite, "End the sessions of all, of a provider or of a user", one(o.EndSessions)},

		{"listEvents", http.MethodGet, "/events", people.AuditRead, "List what was changed", many(o.ListEvents)},
		{"listRefusals", http.MethodGet, "/refusals", people.AuditRead, "List sums of sign-ins that were refused", many(o.ListRefusals)},

		{"listKeys", http.MethodGet, "/keys", people.KeysRead, "List keys of the administration", many(o.ListKeys)},
		{"addKey", http.MethodPost, "/keys", people.KeysWrite, "Make a key of the administration", taking(one(o.AddKey))},
		{"removeKey", http.MethodDelete, "/keys/{key}", people.KeysWrite, "Remove a key of the administration", one(o.RemoveKey)},
	}
}

// one is an operation whose answer is one thing.
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

// many is an operation whose answer is a page of a list.
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

// taking is an endpoint that may find something taken.
func taking(e endpoint) endpoint {
	e.taken = true
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
		Next *string `json:"next" doc:"cursor of the next page; null: this is the last"`
	}
)

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
