package provider

import (
	"reflect"
	"slices"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/plugin"
)

// Config configures Start.
type Config struct {
	Binaries  Binaries
	PublicURL string // without a slash at the end

	// AllowedPublicURLs are where logins may begin, too, and come back to.
	AllowedPublicURLs []string

	Providers []Configured
	Logger    hclog.Logger
	Metrics   Metrics // nil: none
	Version   string  // of the host, sent to the plugins

	limits limits // zero: the defaults
}

// Configured is a provider with the options that its mechanism reads.
type Configured struct {
	sso.Provider
	Options map[string]any

	// Outbound configures the outgoing connections of the provider.
	Outbound outbound.Settings

	// Isolated gives the provider its own process. Otherwise all providers of a
	// mechanism share one.
	Isolated bool

	// RegistrationUnset: the plugin decides AllowPublicRegistration.
	RegistrationUnset bool

	// RolesByGroupNameUnset: the plugin decides RolesByGroupName.
	RolesByGroupNameUnset bool

	// Spelling returns an option of this provider as the operator writes it, such as
	// AUTH_KEYCLOAK_CLIENT_ID.
	Spelling func(option string) string

	// Near returns the option of the host that the operator probably meant by an
	// option that the mechanism does not have, as the operator writes it; empty if
	// there is none.
	Near func(option string) string
}

// pluginName is the name of the plugin that serves the provider. Each name has one
// process.
func (c Configured) pluginName() string {
	if c.Isolated {
		return c.Driver + "/" + c.Name
	}
	return c.Driver
}

// provider is the provider as the domain sees it, with the values that its plugin
// decides. While a plugin has never been up, the size of its providers' responses is
// unknown. They must then be refused because the plugin is down, not because of their
// size, which would sound final.
func (c Configured) provider(described *plugin.Description) sso.Provider {
	if described == nil {
		described = &plugin.Description{MaxInbound: sdk.MaxInbound}
	}
	if c.RegistrationUnset {
		c.AllowPublicRegistration = described.RegistersByDefault
	}
	if c.RolesByGroupNameUnset {
		c.RolesByGroupName = slices.ContainsFunc(described.RolesByGroupNameWith, c.gives)
	}
	if c.Spelling != nil {
		c.Spelled = sso.Spelled{
			AllowPublicRegistration: c.Spelling("allow_public_registration"), RequireVerifiedEmail: c.Spelling("require_verified_email"),
			RolesByGroupName: c.Spelling("roles_by_group_name"), LinkByVerifiedEmail: c.Spelling("link_by_verified_email"),
		}
	}
	c.MaxInbound, c.StateParameters, c.StateTokens = described.MaxInbound, described.StateParameters, described.StateTokens
	return c.Provider
}

// gives reports whether an option of the mechanism is set.
func (c Configured) gives(option string) bool {
	value, ok := c.Options[option]
	return ok && value != nil && value != ""
}

// sameOptions reports whether the mechanism cannot tell the two apart.
func sameOptions(a, b Configured) bool {
	a.Outbound.Names, b.Outbound.Names = nil, nil // a line of the file that moves changes nothing
	return a.pluginName() == b.pluginName() && reflect.DeepEqual(a.Options, b.Options) && reflect.DeepEqual(a.Outbound, b.Outbound)
}

func sameConfigured(a, b Configured) bool {
	return reflect.DeepEqual(a.Provider, b.Provider) && a.RegistrationUnset == b.RegistrationUnset &&
		a.RolesByGroupNameUnset == b.RolesByGroupNameUnset && sameOptions(a, b)
}

func openRequest(publicURL string, c Configured) plugin.OpenRequest {
	urls := sso.URLsOf(publicURL, c.Name)
	return plugin.OpenRequest{
		Provider: c.Name, Options: c.Options, Outbound: c.Outbound,
		CallbackURL: urls.Callback, MetadataURL: urls.Metadata, LogoutURL: urls.Logout,
	}
}
