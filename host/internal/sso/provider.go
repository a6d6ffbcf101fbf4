package sso

import (
	"context"
	"time"

	"github.com/doorward/doorward/sdk"
)

// Provider is a configured login provider, less the options that only its
// mechanism knows.
type Provider struct {
	Name   string // as in URLs
	Driver string // the mechanism: "openid"
	Label  string
	Icon   string
	Mode   Mode // how a redirect login is answered if the client does not say

	// RedirectAllowList holds absolute URLs, besides those of our own origin,
	// to which a login may return.
	RedirectAllowList []string

	// AllowUnsolicited lets people sign in by a response that no login of ours
	// asked for. Anybody can then sign others in as themselves (login CSRF).
	AllowUnsolicited bool

	AllowPublicRegistration bool       // create users at their first login
	RequireVerifiedEmail    bool       // ... but only with a verified e-mail address
	SyncUserInfo            bool       // take over names and e-mail at each login
	DefaultRole             string     // of created users
	RoleMapping             []RoleRule // first match wins; when set, applied at each login
	LoginTimeout            time.Duration

	// StateParameters are the names under which the state comes back, besides
	// "state" and "RelayState".
	StateParameters []string
}

// RoleRule gives a role to the members of a group.
type RoleRule struct{ Group, Role string }

// Mode is how a login or refresh answers, and which token the client gets.
type Mode string

// The modes.
const (
	ModeJSON    Mode = "json"    // access and refresh token in the body
	ModeCookie  Mode = "cookie"  // access token in the body, refresh token in a cookie
	ModeSession Mode = "session" // session token in a cookie
)

// Providers finds the configured providers and their mechanisms.
type Providers interface {
	// List returns the providers in the order of the configuration.
	List() []Provider

	// Provider returns a provider by its name.
	Provider(name string) (Provider, bool)

	// Available returns nil if the provider can be used now, as far as the host
	// knows without asking anybody, and else an error that wraps
	// sdk.ErrUnavailable or sdk.ErrMisconfigured.
	Available(name string) error

	// Mechanism returns what signs in through the provider, starting its plugin
	// again if that has died. Errors as of Available.
	Mechanism(ctx context.Context, name string) (sdk.Mechanism, error)
}
