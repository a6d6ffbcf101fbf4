package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/doorward/doorward/plugins/oauth2/internal/fieldpath"
	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// settings are the options combined with the preset, parsed and checked.
type settings struct {
	preset preset.Preset // zero without a preset

	authorizeURL, accessURL, profileURL string
	revocation                          preset.Revocation
	issuer                              string
	authMethod                          string
	pkce                                string
	scopes                              []string
	separator                           string
	params                              url.Values // scope included
	tokenParams                         url.Values
	tokenHeaders, profileHeaders        map[string]string

	calls       []profile.Call
	groups      bool             // whether groups are read
	errorWhen   []fieldpath.Rule // for responses of the API
	tokenErrors []fieldpath.Rule // for responses of the token endpoint
	refuseWhen  []fieldpath.Rule

	identifier     fieldpath.Path
	identifierType string // preset.Integer, preset.Text or empty
	tokenUser      fieldpath.Path
	fields         fields
	groupSources   []groupSource
	allowed        allowLists
}

// fields are the paths of the parts of an identity.
type fields struct {
	username, email, verified, name, first, last fieldpath.Path
	verifiedValues                               []string // as JSON
	alwaysVerified                               bool
}

// settingsBuilder parses the options and collects all problems.
type settingsBuilder struct {
	o        Options
	p        preset.Preset
	s        settings
	problems options.Problems
}

// newSettings combines the options with the preset.
func newSettings(o Options) (settings, options.Problems) {
	b := &settingsBuilder{o: o}
	b.findPreset()
	if len(b.problems) > 0 {
		return settings{}, b.problems // further problems would only result from this one
	}
	b.endpoints()
	b.client()
	b.request()
	b.tokenRequest()
	b.restrictions() // before api: whether groups are read depends on them
	b.api()
	b.identity()
	return b.s, b.problems
}

func (b *settingsBuilder) findPreset() {
	name := b.o.Preset
	if name == "" {
		return
	}
	p, ok := preset.Find(name)
	switch {
	case ok:
		b.p, b.s.preset = p, p
	case preset.OpenID(name):
		b.problems.Addf("preset", "%s is an OpenID provider: set the driver to openid", name)
	default:
		b.problems.Addf("preset", "%q is not known; the presets are %s", upstream.Shown(name), strings.Join(preset.Names(), ", "))
	}
}

// endpoints reads the URLs.
func (b *settingsBuilder) endpoints() {
	b.presetURL("base_url", b.o.BaseURL)
	b.presetURL("api_url", b.o.APIURL)
	if b.o.Preset != "" && b.p.Base == "" && b.o.BaseURL == "" {
		b.problems.Addf("base_url", "is missing: the preset %s needs the URL of your server", b.p.Name)
		return
	}
	b.s.authorizeURL = b.url("authorize_url", b.o.AuthorizeURL, b.p.AuthorizeURL)
	b.s.accessURL = b.url("access_url", b.o.AccessURL, b.p.AccessURL)
	b.s.profileURL = fromToken
	if b.o.ProfileURL != fromToken {
		b.s.profileURL = b.url("profile_url", b.o.ProfileURL, b.p.ProfileURL)
	}
	b.s.revocation = b.p.Revocation
	if b.s.revocation.URL != "" {
		b.s.revocation.URL = strings.ReplaceAll(b.resolve(b.s.revocation.URL), "{client_id}", url.PathEscape(b.o.ClientID))
	}
	if b.o.RevokeURL != "" {
		b.checkURL("revoke_url", b.o.RevokeURL)
		b.s.revocation = preset.Revocation{URL: b.o.RevokeURL, Style: preset.RFC7009}
	}
	b.s.issuer = b.o.Issuer
	if b.o.Issuer != "" {
		b.checkURL("issuer", b.o.Issuer)
	}
}

func (b *settingsBuilder) presetURL(option, text string) {
	switch {
	case text == "":
	case b.o.Preset == "":
		b.problems.Addf(option, "requires preset")
	default:
		b.checkURL(option, text)
	}
}

func (b *settingsBuilder) resolve(text string) string {
	return b.p.Resolve(text, b.o.BaseURL, b.o.APIURL)
}

// url returns the URL of the option, otherwise that of the preset.
func (b *settingsBuilder) url(option, written, ofPreset string) string {
	text := cmp.Or(written, b.resolve(ofPreset))
	if text == "" {
		b.problems.Addf(option, "is missing; it is required without a preset")
		return ""
	}
	b.checkURL(option, text)
	return text
}

func (b *settingsBuilder) checkURL(option, text string) {
	if _, err := upstream.ParseEndpoint(text); err != nil {
		b.problems.Addf(option, "%v", err)
	}
}

// client reads the client ID, the secret and the authentication method.
func (b *settingsBuilder) client() {
	if !visible.MatchString(b.o.ClientID) {
		b.problems.Addf("client_id", "must contain only printable ASCII characters (RFC 6749 appendix A.1)")
	}
	secret := b.o.ClientSecret.Reveal()
	b.s.authMethod = cmp.Or(b.o.AuthMethod, b.p.Auth, authBasic)
	switch {
	case b.s.authMethod == authNone && secret != "":
		b.problems.Addf("client_secret", "is set although client_token_endpoint_auth_method is none: remove one of the two")
	case b.s.authMethod != authNone && secret == "":
		b.problems.Addf("client_secret", "is missing; without one, client_token_endpoint_auth_method must be none")
	case b.s.authMethod == authBasicRaw && (strings.Contains(b.o.ClientID, ":") || strings.ContainsAny(secret, "\r\n\x00")):
		b.problems.Addf("client_token_endpoint_auth_method", "cannot be client_secret_basic_raw: this method cannot send a colon in client_id, or a line break in client_secret")
	}
	b.s.pkce = cmp.Or(b.o.PKCE, b.p.PKCE, codeflow.S256)
	if b.o.PlainChallenge {
		if b.o.PKCE != "" && b.o.PKCE != codeflow.Plain {
			b.problems.Addf("plain_code_challenge", "contradicts pkce: remove one of the two")
		}
		b.s.pkce = codeflow.Plain
	}
	if b.s.pkce == pkceOff && b.s.authMethod == authNone {
		b.problems.Addf("pkce", "cannot be off for a client that does not authenticate: only PKCE protects it")
	}
	if (b.p.Proof || b.o.AppSecretProof) && secret == "" {
		b.problems.Addf("appsecret_proof", "requires client_secret, from which it is computed")
	}
}

// request reads the parameters of the authorization request.
func (b *settingsBuilder) request() {
	b.s.params = url.Values{}
	for name, value := range b.p.Params {
		b.s.params.Set(name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(b.o.Params)) {
		text, ok := paramText(b.o.Params[name])
		switch {
		case slices.Contains(reservedParams, name):
			b.problems.Addf("params", "cannot set %s, which protects the login", name)
		case !paramName.MatchString(name):
			b.problems.Addf("params", "has the parameter %q: names can contain letters, digits, dots, underscores and hyphens", upstream.Shown(name))
		case !ok:
			b.problems.Addf("params", "has a value for %s that cannot be written as text", name)
		case text == "":
			b.s.params.Del(name)
		default:
			b.s.params.Set(name, text)
		}
	}
	b.s.separator = " "
	if b.o.ScopeSeparator == "comma" || b.o.ScopeSeparator == "" && b.p.Comma {
		b.s.separator = ","
	}
	b.s.scopes = b.p.Scopes
	if written := cmp.Or(b.s.params.Get("scope"), b.o.Scope); written != "" {
		b.s.scopes = splitScopes(written)
	} else if b.o.Preset == "" {
		b.s.scopes = []string{"email"}
	}
	for _, token := range slices.Concat(b.s.scopes, b.o.RequiredScopes) {
		if !scopeToken.MatchString(token) {
			b.problems.Addf("scope", "has the scope %q, which contains a character that is not allowed in a scope", upstream.Shown(token))
		}
	}
	if slices.Contains(b.s.scopes, "openid") {
		b.problems.Addf("scope", "contains openid: set the driver to openid if this is an OpenID provider, otherwise remove the scope, because the driver oauth2 does not read ID tokens")
	}
}

// splitScopes splits scopes at spaces and commas.
func splitScopes(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' })
}

// paramText encodes a value for a request: objects as JSON.
func paramText(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		encoded, err := json.Marshal(v)
		return string(encoded), err == nil
	}
}

func (b *settingsBuilder) tokenRequest() {
	if budget := b.o.LoginHTTPBudget; budget <= 0 || budget > maxLoginHTTPBudget {
		b.problems.Addf("client_http_total_timeout", "is %s: it must be more than 0 and at most %s", budget, maxLoginHTTPBudget)
	}
	b.s.tokenParams = url.Values{}
	for _, name := range slices.Sorted(maps.Keys(b.o.TokenParams)) {
		switch {
		case slices.Contains(reservedTokenParams, name):
			b.problems.Addf("token_params", "cannot set %s, which is part of the login", name)
		case !paramName.MatchString(name):
			b.problems.Addf("token_params", "has the parameter %q: names can contain letters, digits, dots, underscores and hyphens", upstream.Shown(name))
		default:
			b.s.tokenParams.Set(name, b.o.TokenParams[name])
		}
	}
	b.s.tokenHeaders = b.headers("token_headers", b.p.TokenHeaders, b.o.TokenHeaders)
	b.s.profileHeaders = b.headers("profile_headers", b.p.ProfileHeaders, b.o.ProfileHeaders)
}

// method is the HTTP method of the profile request.
func (m *mechanism) method() string { return cmp.Or(m.options.ProfileMethod, http.MethodGet) }

// scheme is the authentication scheme before the token.
func (s settings) scheme(o Options) string { return cmp.Or(o.ProfileScheme, s.preset.ProfileScheme) }
