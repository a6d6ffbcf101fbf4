package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/doorward/doorward/plugins/openid/internal/preset"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// presets returns the presets in the form in which the host lists them.
func presets() []plugin.Preset {
	var list []plugin.Preset
	for _, p := range preset.All() {
		list = append(list, plugin.Preset{Name: p.Name, Title: p.Title, Icon: p.Icon})
	}
	return list
}

// withPreset fills in options that are not set, first from the preset and then from the
// defaults. Without a preset, the second result is the zero value.
func (o Options) withPreset() (Options, preset.Preset, options.Problems) {
	var problems options.Problems
	p, known := preset.Find(o.Preset)
	if o.Preset != "" && !known {
		problems.Addf("preset", "%q is not known; there are %s", upstream.Shown(o.Preset), strings.Join(preset.Names(), ", "))
	}
	o.IssuerURL = cmp.Or(o.IssuerURL, p.Issuer)
	if o.IssuerURL == "" {
		problems.Addf("issuer_url", "is missing%s", example(p))
	}
	if o.PlainCodeChallenge && o.PKCE != "" && o.PKCE != codeflow.Plain {
		problems.Addf("plain_code_challenge", "contradicts pkce: leave out one of the two")
	}
	if o.PlainCodeChallenge {
		o.PKCE = codeflow.Plain
	}
	o.PKCE = cmp.Or(o.PKCE, p.PKCE, codeflow.S256)
	o.Scope = cmp.Or(o.Scope, p.Scope, "openid profile email")
	o.AuthMethod = cmp.Or(o.AuthMethod, p.Auth)
	o.UsernameKey = cmp.Or(o.UsernameKey, p.Username, "preferred_username")
	o.GroupClaimName = cmp.Or(o.GroupClaimName, p.Groups, "groups")
	o.TextVerified = o.TextVerified || p.TextVerified
	o.AllowUnlistedPKCE = o.AllowUnlistedPKCE || p.UnlistedPKCE
	o.AllowMissingNonce = o.AllowMissingNonce || p.MissingNonce
	o.Params = mergeParams(p.Params, o.Params)
	o.TokenParams = mergeParams(p.TokenParams, o.TokenParams)
	return o, p, problems
}

func example(p preset.Preset) string {
	if p.Example == "" {
		return ""
	}
	return ": with the preset " + p.Name + ", set your own, such as " + p.Example
}

// mergeParams merges parameters; those that the operator wrote take precedence.
func mergeParams[V any](ofPreset map[string]string, written map[string]V) map[string]V {
	merged := map[string]V{}
	for name, value := range ofPreset {
		if v, ok := any(value).(V); ok {
			merged[name] = v
		}
	}
	maps.Copy(merged, written)
	return merged
}

// pkceMethod is the code challenge method (RFC 7636 section 4.2), or empty if PKCE is off.
func (o Options) pkceMethod() string {
	if o.PKCE == off {
		return ""
	}
	return o.PKCE
}

// reservedTokenParams are the parameters of the token request that belong to the login.
var reservedTokenParams = []string{
	"grant_type", "code", "redirect_uri", "client_id", "client_secret", "client_assertion", "client_assertion_type",
	"code_verifier", "refresh_token",
}

func (o Options) validateTokenParams(problems *options.Problems) {
	for _, name := range slices.Sorted(maps.Keys(o.TokenParams)) {
		switch {
		case slices.Contains(reservedTokenParams, name):
			problems.Addf("token_params", "cannot set %s, which belongs to the login", name)
		case !paramName.MatchString(name):
			problems.Addf("token_params", "has the parameter %q: names are letters, digits, dots, underscores and hyphens", upstream.Shown(name))
		}
	}
}
