package sso

import (
	"context"
	"time"

	"github.com/doorward/doorward/sdk"
)

// Provider is a configured login provider, without the options that only its mechanism
// reads.
type Provider struct {
	Name   string // as in URLs
	Driver string // the mechanism: "openid"
	Label  string
	Icon   string
	Mode   Mode // default mode of a redirect login

	// RedirectAllowList contains absolute URLs to which a login may return, in addition
	// to those of the host's own origin.
	RedirectAllowList []string

	// AllowUnsolicited lets people sign in with a response to no request of the host.
	// Anyone can then sign others in as themselves (login CSRF).
	AllowUnsolicited bool

	AllowPublicRegistration bool       // create users at their first login
	RequireVerifiedEmail    bool       // but only with a verified e-mail address
	SyncUserInfo            bool       // update names and e-mail at each login
	DefaultRole             string     // of created users
	RoleMapping             []RoleRule // first match wins; when set, applied at each login

	// RolesByGroupName assigns, at each login and without a RoleMapping, the role that
	// has the name of a group, otherwise the DefaultRole.
	RolesByGroupName bool

	// IdentifierIgnoreCase treats subjects that are e-mail addresses as the same if they
	// differ only in the case of ASCII letters.
	IdentifierIgnoreCase bool

	// LinkByVerifiedEmail links identities without an account to the one account with
	// their e-mail address, if providers that have this option have verified it on both
	// sides. Anyone who can make this provider verify an address gets the account.
	LinkByVerifiedEmail bool

	LoginTimeout time.Duration

	// MaxInbound is the maximum size, in bytes, of the query or the body of a request
	// from the provider, as its mechanism declares it.
	MaxInbound int64

	// StateParameters are the names of the parameters that return the state, in addition
	// to "state" and "RelayState".
	StateParameters []string

	// StateTokens are parameters with a signed token that contains the state.
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

// Spelled contains the operator's names of the options that decide who gets an account,
// so that a refusal can name the option to change: AUTH_CORP_ALLOW_PUBLIC_REGISTRATION.
type Spelled struct{ AllowPublicRegistration, RequireVerifiedEmail, RolesByGroupName, LinkByVerifiedEmail string }

// RoleRule assigns a role to the members of a group.
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

	// Available returns nil if the provider can be used now, as far as the host knows
	// without asking anybody, otherwise an error that wraps sdk.ErrUnavailable or
	// sdk.ErrMisconfigured.
	Available(name string) error

	// Mechanism returns the mechanism of the provider for one call, as soon as it is the
	// caller's turn in the line. If the plugin has died, it is started again. Mechanism
	// waits as long as ctx and the line allow. The caller must call done when the call
	// has ended.
	//
	// Errors as of Available, and ErrBusy if the turn did not come.
	Mechanism(ctx context.Context, name string, line Line) (m sdk.Mechanism, done func(), err error)
}

// Line is a queue of calls to a mechanism. Calls of one line cannot block those of
// another.
type Line string

// The lines of each provider.
const (
	LineLogins   Line = "logins"   // Begin and Continue: anyone can make these calls
	LineSessions Line = "sessions" // Refresh and BeginLogout: only for users that are, or were, signed in
	LineOthers   Line = "others"   // ReceiveLogout, Metadata and Check: no user waits in a browser
)
