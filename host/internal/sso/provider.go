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

	// RolesByGroupName gives, at each login and without a RoleMapping, the role whose name
	// is that of a group, or else the DefaultRole.
	RolesByGroupName bool

	// IdentifierIgnoreCase takes subjects that are e-mail addresses for the same if they
	// differ in the case of ASCII letters only.
	IdentifierIgnoreCase bool

	// LinkByVerifiedEmail links who has no account here to the one account with their
	// e-mail address, if a provider that this is set for has verified it on both sides.
	// Whoever can have this provider verify an address gets the account.
	LinkByVerifiedEmail bool

	LoginTimeout time.Duration

	// MaxInbound is how many bytes the query or the body of a request may have
	// that the provider sends, as its mechanism says.
	MaxInbound int64

	// StateParameters are the names under which the state comes back, besides
	// "state" and "RelayState".
	StateParameters []string

	// StateTokens are parameters with a signed token that holds the state.
	StateTokens []string

	Spelled Spelled
}

// InboundLimit is MaxInbound, or the default if that is not set.
func (p Provider) InboundLimit() int64 {
	if p.MaxInbound <= 0 {
		return sdk.DefaultInbound
	}
	return min(p.MaxInbound, sdk.MaxInbound)
}

// Spelled is what the operator calls the options that decide who gets an account,
// so that a refusal can name what to change: AUTH_CORP_ALLOW_PUBLIC_REGISTRATION.
type Spelled struct{ AllowPublicRegistration, RequireVerifiedEmail, RolesByGroupName, LinkByVerifiedEmail string }

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
	// again if that has died, as soon as it is the caller's turn to make one call
	// of the line. It waits for that for as long as ctx and the line allow.
	// Whoever gets it calls done when the call has ended.
	//
	// Errors as of Available, and ErrBusy if the turn did not come.
	Mechanism(ctx context.Context, name string, line Line) (m sdk.Mechanism, done func(), err error)
}

// Line is where a call to a mechanism waits. Calls of one line cannot keep those of
// another from the provider.
type Line string

// The lines of each provider.
const (
	LineLogins   Line = "logins"   // Begin and Continue: anybody may ask
	LineSessions Line = "sessions" // Refresh and BeginLogout: only who is, or was, signed in
	LineOthers   Line = "others"   // ReceiveLogout, Metadata and Check: no person waits at a browser
)
