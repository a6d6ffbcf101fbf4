package sdk

import (
	"fmt"
	"slices"
	"strings"
)

// A Feature names a part of the contract that one end may have and the other may
// lack: "step/prompt", "field/one_time_code", "error/denied", "reason/cancelled",
// "capability/refresh", and the constants below. At the start the host tells a plugin
// the features that it has. It refuses a plugin that requires others before anybody
// signs in.
type Feature string

// The features that are not a step, a kind of field, a kind of error, a reason or a
// capability.
const (
	// FeatureCallbackURL: requests carry the callback URL of their login.
	FeatureCallbackURL Feature = "login/callback_url"

	// FeatureReturnURL: requests carry a ready-made URL that brings the state back.
	FeatureReturnURL Feature = "state/return_url"

	// FeatureStateParameters: the host accepts the state under the parameters that the
	// plugin names, also in the query of a POST.
	FeatureStateParameters Feature = "state/parameters"

	// FeatureOutbound: the host decides which proxy connections of Env.HTTPClient and
	// Env.Dial use and which addresses are denied. The plugin reports this feature, too:
	// if the operator has set a proxy, a plugin without it does not run.
	FeatureOutbound Feature = "env/outbound"

	// FeatureStateTokens: the host accepts the state inside signed tokens, under the
	// parameters that the plugin names.
	FeatureStateTokens Feature = "state/tokens"

	// FeatureUndecided: the host keeps the new grant of a refresh that could not be
	// decided.
	FeatureUndecided Feature = "refresh/undecided"

	// FeatureFramedLogout: the response to a logout message can be framed.
	FeatureFramedLogout Feature = "logout/framed"

	// FeatureGroupsUnknown: the host evaluates Identity.GroupsUnknown.
	FeatureGroupsUnknown Feature = "identity/groups_unknown"

	// FeatureAliases: the host evaluates Identity.Aliases.
	FeatureAliases Feature = "identity/aliases"
)

// firstFeatures are those of the first version of the host, which does not tell its
// features.
var firstFeatures = []Feature{
	"step/redirect", "step/form_post", "step/prompt", "step/authenticated",
	"field/text", "field/username", "field/password", "field/new_password", "field/one_time_code",
	"error/denied", "error/invalid_response", "error/unavailable", "error/misconfigured",
	"reason/bad_credentials", "reason/cancelled", "reason/account_disabled", "reason/account_locked", "reason/password_expired",
	"reason/not_allowed", "reason/account_expired", "reason/logon_not_permitted", "reason/password_must_change",
	"reason/passwords_differ", "reason/password_rejected",
	"capability/refresh", "capability/begin_logout", "capability/receive_logout", "capability/metadata", "capability/check",
}

// Features lists the features of this version of the SDK.
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

// FeatureOfReason returns the feature that a host has its own page for a reason. For any
// other reason a host shows a general page, so no plugin needs to require this feature.
func FeatureOfReason(reason Reason) Feature { return Feature("reason/" + string(reason)) }

// Host describes the host that runs a plugin.
type Host struct {
	// Version of the host, as in semver.org; empty if the host does not tell it.
	Version string

	features []Feature
}

// NewHost makes a Host. Without features it is a host of the first version, which
// does not tell its features.
func NewHost(version string, features []Feature) Host {
	if len(features) == 0 {
		features = firstFeatures
	}
	return Host{version, slices.Clone(features)}
}

// Has reports whether the host has a feature.
func (h Host) Has(f Feature) bool { return slices.Contains(h.features, f) }

// Missing returns the required features that the host lacks.
func (h Host) Missing(required []Feature) []Feature {
	var missing []Feature
	for _, f := range required {
		if !h.Has(f) {
			missing = append(missing, f)
		}
	}
	return missing
}

// A FeaturesError says that the host lacks features that a plugin requires.
type FeaturesError struct {
	Plugin, PluginVersion string
	HostVersion           string // empty: unknown
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
		host = "of a version too old to tell its features"
	}
	return fmt.Sprintf("this host (doorward %s) lacks features that plugin %s %s requires (%s): update doorward, or use an older version of the plugin",
		host, e.Plugin, e.PluginVersion, strings.Join(names, ", "))
}
