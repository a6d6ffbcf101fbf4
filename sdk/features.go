package sdk

import (
	"fmt"
	"slices"
	"strings"
)

// A Feature names something of the contract that one end may have and the other
// lack: "step/prompt", "field/one_time_code", "error/denied", "reason/cancelled",
// "capability/refresh", and those below. The host tells a plugin at the start what
// it has; a plugin that requires more is refused before anybody signs in.
type Feature string

// The features that are neither a step, a kind of field, a kind of error, a reason
// nor a capability.
const (
	// FeatureCallbackURL: requests carry the callback URL of their login.
	FeatureCallbackURL Feature = "login/callback_url"

	// FeatureReturnURL: requests carry a ready-made URL that brings the state back.
	FeatureReturnURL Feature = "state/return_url"

	// FeatureStateParameters: the state comes back under the parameters that the
	// plugin names, and in the query of a POST, too.
	FeatureStateParameters Feature = "state/parameters"

	// FeatureOutbound: connections of Env.HTTPClient and Env.Dial leave as the host
	// says, by which proxy and to which addresses. Also the plugin tells it: for an
	// operator who has set a proxy, one that lacks it does not run.
	FeatureOutbound Feature = "env/outbound"

	// FeatureStateTokens: the state comes back inside signed tokens, under the
	// parameters that the plugin names.
	FeatureStateTokens Feature = "state/tokens"

	// FeatureUndecided: the host keeps the new grant of a refresh that could not be
	// decided.
	FeatureUndecided Feature = "refresh/undecided"

	// FeatureFramedLogout: the answer to a logout message may be framed.
	FeatureFramedLogout Feature = "logout/framed"

	// FeatureGroupsUnknown: the host looks at Identity.GroupsUnknown.
	FeatureGroupsUnknown Feature = "identity/groups_unknown"

	// FeatureAliases: the host looks at Identity.Aliases.
	FeatureAliases Feature = "identity/aliases"
)

// first is what a host has that does not tell: one of the first version.
var first = []Feature{
	"step/redirect", "step/form_post", "step/prompt", "step/authenticated",
	"field/text", "field/username", "field/password", "field/new_password", "field/one_time_code",
	"error/denied", "error/invalid_response", "error/unavailable", "error/misconfigured",
	"reason/bad_credentials", "reason/cancelled", "reason/account_disabled", "reason/account_locked", "reason/password_expired",
	"reason/not_allowed", "reason/account_expired", "reason/logon_not_permitted", "reason/password_must_change",
	"reason/passwords_differ", "reason/password_rejected",
	"capability/refresh", "capability/begin_logout", "capability/receive_logout", "capability/metadata", "capability/check",
}

// Features lists what this version of the SDK has.
func Features() []Feature {
	list := []Feature{
		FeatureCallbackURL, FeatureReturnURL, FeatureStateParameters, FeatureStateTokens, FeatureUndecided, FeatureFramedLogout,
		FeatureOutbound, FeatureGroupsUnknown, FeatureAliases,
	}
	for _, step := range []string{"redirect", "form_post", "prompt", "authenticated"} {
		list = append(list, Feature("step/"+step))
	}
	for _, kind := range FieldKinds() {
		list = append(list, Feature("field/"+string(kind)))
	}
	for _, kind := range []string{"denied", "invalid_response", "unavailable", "misconfigured"} {
		list = append(list, Feature("error/"+kind))
	}
	for _, reason := range Reasons() {
		list = append(list, FeatureOfReason(reason))
	}
	for _, capability := range AllCapabilities() {
		list = append(list, Feature("capability/"+string(capability)))
	}
	return list
}

// FeatureOfReason is that a host has a page of its own for a reason. It shows one
// about a refusal in general for any other, so no plugin needs to require it.
func FeatureOfReason(reason Reason) Feature { return Feature("reason/" + string(reason)) }

// Host is what a plugin knows of the host that runs it.
type Host struct {
	// Version of the host, as in semver.org; empty if it does not tell.
	Version string

	features []Feature
}

// NewHost makes a Host. Without features it is one of the first version, which
// does not tell.
func NewHost(version string, features []Feature) Host {
	if len(features) == 0 {
		features = first
	}
	return Host{version, slices.Clone(features)}
}

// Has reports whether the host has a feature, so that a mechanism can do without.
func (h Host) Has(f Feature) bool { return slices.Contains(h.features, f) }

// Missing returns what of the required features the host lacks.
func (h Host) Missing(required []Feature) []Feature {
	var missing []Feature
	for _, f := range required {
		if !h.Has(f) {
			missing = append(missing, f)
		}
	}
	return missing
}

// A FeaturesError refuses a plugin whose host lacks what it requires.
type FeaturesError struct {
	Plugin, PluginVersion string
	HostVersion           string // empty: not told
	Missing               []Feature
}

// Error names both versions and says what to do.
func (e *FeaturesError) Error() string {
	var names []string
	for _, f := range e.Missing {
		names = append(names, string(f))
	}
	host := e.HostVersion
	if host == "" {
		host = "of a version before it told its features"
	}
	return fmt.Sprintf("plugin %s %s requires %s, which this host (doorward %s) does not have: update doorward, or use an older version of the plugin",
		e.Plugin, e.PluginVersion, strings.Join(names, ", "), host)
}
