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

// settings are the options over the preset, read and checked.
type settings struct {
	preset preset.Preset // the zero value without one

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
	groups      bool             // are read
	errorWhen   []fieldpath.Rule // of the API's answers
	tokenErrors []fieldpath.Rule // of the token endpoint's
	refuseWhen  []fieldpath.Rule

	identifier     fieldpath.Path
	identifierType string // preset.Integer, preset.Text or empty
	tokenUser      fieldpath.Path
	fields         fields
	groupSources   []groupSource
	allowed        allowLists
}

// fields are where the parts of an identity stand.
type fields struct {
	username, email, verified, name, first, last fieldpath.Path
	verifiedValues                               []string // as JSON
	alwaysVerified                               bool
}

// settler reads the options, and keeps all problems.
type settler struct {
	o        Options
	p        preset.Preset
	s        settings
	problems options.Problems
}

// settle puts options and preset together.
func settle(o Options) (settings, options.Problems) {
	t := &settler{o: o}
	t.findPreset()
	if len(t.problems) > 0 {
		return settings{}, t.problems // all else would follow from it
	}
	t.endpoints()
	t.client()
	t.request()
	t.tokenRequest()
	t.restrictions() // before the calls: they say whether groups are read
	t.api()
	t.identity()
	return t.s, t.problems
}

func (t *settler) findPreset() {
	name := t.o.Preset
	if name == "" {
		return
	}
	p, ok := preset.Find(name)
	switch {
	case ok:
		t.p, t.s.preset = p, p
	case preset.OpenID(name):
		t.problems.Addf("preset", "%s is an OpenID provider: write openid as the driver", name)
	default:
		t.problems.Addf("preset", "%q is not known; there are %s", upstream.Shown(name), strings.Join(preset.Names(), ", "))
	}
}

// endpoints reads the URLs.
func (t *settler) endpoints() {
	t.presetURL("base_url", t.o.BaseURL)
	t.presetURL("api_url", t.o.APIURL)
	if t.o.Preset != "" && t.p.Base == "" && t.o.BaseURL == "" {
		t.problems.Addf("base_url", "is missing: the preset %s needs to know where your server is", t.p.Name)
		return
	}
	t.s.authorizeURL = t.url("authorize_url", t.o.AuthorizeURL, t.p.AuthorizeURL)
	t.s.accessURL = t.url("access_url", t.o.AccessURL, t.p.AccessURL)
	t.s.profileURL = fromToken
	if t.o.ProfileURL != fromToken {
		t.s.profileURL = t.url("profile_url", t.o.ProfileURL, t.p.ProfileURL)
	}
	t.s.revocation = t.p.Revocation
	if t.s.revocation.URL != "" {
		t.s.revocation.URL = strings.ReplaceAll(t.resolve(t.s.revocation.URL), "{client_id}", url.PathEscape(t.o.ClientID))
	}
	if t.o.RevokeURL != "" {
		t.checkURL("revoke_url", t.o.RevokeURL)
		t.s.revocation = preset.Revocation{URL: t.o.RevokeURL, Style: preset.RFC7009}
	}
	t.s.issuer = t.o.Issuer
	if t.o.Issuer != "" {
		t.checkURL("issuer", t.o.Issuer)
	}
}

func (t *settler) presetURL(option, text string) {
	switch {
	case text == "":
	case t.o.Preset == "":
		t.problems.Addf(option, "goes together with preset")
	default:
		t.checkURL(option, text)
	}
}

func (t *settler) resolve(text string) string { return t.p.Resolve(text, t.o.BaseURL, t.o.APIURL) }

// url is the operator's URL, or that of the preset.
func (t *settler) url(option, written, ofPreset string) string {
	text := cmp.Or(written, t.resolve(ofPreset))
	if text == "" {
		t.problems.Addf(option, "is missing; it is required without a preset")
		return ""
	}
	t.checkURL(option, text)
	return text
}

func (t *settler) checkURL(option, text string) {
	if _, err := upstream.ParseEndpoint(text); err != nil {
		t.problems.Addf(option, "%v", err)
	}
}

// client reads how we authenticate.
func (t *settler) client() {
	if !visible.MatchString(t.o.ClientID) {
		t.problems.Addf("client_id", "may hold printable ASCII characters only (RFC 6749 appendix A.1)")
	}
	secret := t.o.ClientSecret.Reveal()
	t.s.authMethod = cmp.Or(t.o.AuthMethod, t.p.Auth, authBasic)
	switch {
	case t.s.authMethod == authNone && secret != "":
		t.problems.Addf("client_secret", "is set although client_token_endpoint_auth_method is none: leave out one of the two")
	case t.s.authMethod != authNone && secret == "":
		t.problems.Addf("client_secret", "is missing; without one, client_token_endpoint_auth_method must be none")
	case t.s.authMethod == authBasicRaw && (strings.Contains(t.o.ClientID, ":") || strings.ContainsAny(secret, "\r\n\x00")):
		t.problems.Addf("client_token_endpoint_auth_method", "cannot be client_secret_basic_raw: a colon in client_id, or a line break in client_secret, cannot be written that way")
	}
	t.s.pkce = cmp.Or(t.o.PKCE, t.p.PKCE, codeflow.S256)
	if t.o.PlainChallenge {
		if t.o.PKCE != "" && t.o.PKCE != codeflow.Plain {
			t.problems.Addf("plain_code_challenge", "contradicts pkce: leave out one of the two")
		}
		t.s.pkce = codeflow.Plain
	}
	if t.s.pkce == pkceOff && t.s.authMethod == authNone {
		t.problems.Addf("pkce", "cannot be off for a client that does not authenticate: it is all that protects it")
	}
	if (t.p.Proof || t.o.AppSecretProof) && secret == "" {
		t.problems.Addf("appsecret_proof", "needs client_secret, of which it is made")
	}
}

// request reads the parameters of the authorization request.
func (t *settler) request() {
	t.s.params = url.Values{}
	for name, value := range t.p.Params {
		t.s.params.Set(name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(t.o.Params)) {
		text, ok := paramText(t.o.Params[name])
		switch {
		case slices.Contains(guarded, name):
			t.problems.Addf("params", "cannot set %s, which protects the login", name)
		case !paramName.MatchString(name):
			t.problems.Addf("params", "has the parameter %q: names are letters, digits, dots, underscores and hyphens", upstream.Shown(name))
		case !ok:
			t.problems.Addf("params", "cannot write the value of %s as text", name)
		case text == "":
			t.s.params.Del(name)
		default:
			t.s.params.Set(name, text)
		}
	}
	t.s.separator = " "
	if t.o.ScopeSeparator == "comma" || t.o.ScopeSeparator == "" && t.p.Comma {
		t.s.separator = ","
	}
	t.s.scopes = t.p.Scopes
	if written := cmp.Or(t.s.params.Get("scope"), t.o.Scope); written != "" {
		t.s.scopes = splitScopes(written)
	} else if t.o.Preset == "" {
		t.s.scopes = []string{"email"}
	}
	for _, token := range slices.Concat(t.s.scopes, t.o.RequiredScopes) {
		if !scopeToken.MatchString(token) {
			t.problems.Addf("scope", "has the scope %q, which holds a character that no scope may have", upstream.Shown(token))
		}
	}
	if slices.Contains(t.s.scopes, "openid") {
		t.problems.Addf("scope", "has openid: write openid as the driver of an OpenID provider, or leave the scope out, because an ID token is not read here")
	}
}

// splitScopes reads scopes however they are separated.
func splitScopes(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' })
}

// paramText writes a value as a request has it: objects as JSON.
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

func (t *settler) tokenRequest() {
	if budget := t.o.LoginHTTPBudget; budget <= 0 || budget > maxLoginHTTPBudget {
		t.problems.Addf("client_http_total_timeout", "is %s: write more than 0, and at most %s", budget, maxLoginHTTPBudget)
	}
	t.s.tokenParams = url.Values{}
	for _, name := range slices.Sorted(maps.Keys(t.o.TokenParams)) {
		switch {
		case slices.Contains(guardedToken, name):
			t.problems.Addf("token_params", "cannot set %s, which belongs to the login", name)
		case !paramName.MatchString(name):
			t.problems.Addf("token_params", "has the parameter %q: names are letters, digits, dots, underscores and hyphens", upstream.Shown(name))
		default:
			t.s.tokenParams.Set(name, t.o.TokenParams[name])
		}
	}
	t.s.tokenHeaders = t.headers("token_headers", t.p.TokenHeaders, t.o.TokenHeaders)
	t.s.profileHeaders = t.headers("profile_headers", t.p.ProfileHeaders, t.o.ProfileHeaders)
}

// method of the request for the profile.
func (m *mechanism) method() string { return cmp.Or(m.options.ProfileMethod, http.MethodGet) }

// scheme is what stands before the token.
func (s settings) scheme(o Options) string { return cmp.Or(o.ProfileScheme, s.preset.ProfileScheme) }
