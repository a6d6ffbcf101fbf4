// Package preset contains the built-in presets of OAuth 2.0 providers as data: one value for
// each, with everything that the plugin, its manual and the sign-in page need.
//
// Providers change without notice. Each preset has the date of its research, and an operator
// can override most of it with options.
package preset

import (
	"slices"
	"strings"
)

// Preset is the data of one provider.
type Preset struct {
	Name  string // as operators write it
	Title string // as the provider calls itself; the default label
	Icon  string // the name of a generic icon of the host; not a trademark
	Dated string // the date of the research

	// Base is the URL of the sign-in pages, API that of the API: {base} and {api} in the
	// URLs below. If Base is empty, the operator hosts the server and must set base_url.
	// API can contain {base}.
	Base, API string

	AuthorizeURL, AccessURL, ProfileURL string
	Revocation                          Revocation

	Scopes      []string
	GroupScopes []string // in addition, when groups are read
	Comma       bool     // scopes are separated by commas
	Params      map[string]string
	Auth        string // client_token_endpoint_auth_method; empty: client_secret_basic
	PKCE        string // empty: S256

	TokenHeaders, ProfileHeaders map[string]string
	ProfileScheme                string   // before the token in Authorization; empty: Bearer
	ProfileTypes                 []string // media types of JSON in addition to application/json and +json
	Proof                        bool     // appsecret_proof

	Calls      []Call // after the profile request
	GroupCalls []Call // after Calls, when groups are read
	ErrorWhen  []string
	RefuseWhen []string

	// CodeRefused are the error descriptions with which the token endpoint refuses a code or
	// a refresh token and not the client, whatever its error code is.
	CodeRefused []string

	// Identifiers are the stable identifiers; the first is the default. With a preset, the
	// operator cannot use another field.
	Identifiers []Identifier
	TokenUser   string // a field of the token response that must equal the identifier, if present

	Username, Email, FullName, FirstName, LastName string
	Verified                                       Verified
	Groups                                         []Groups

	Manual Manual
}

// Identifier is a field that identifies a user and is never given to another user.
type Identifier struct{ Path, Type string }

// The types of an identifier.
const (
	Integer = "integer" // a JSON number without fraction and exponent
	Text    = "string"  // a JSON string
)

// Verified says how the provider marks a verified e-mail address.
type Verified struct {
	Path string // its value must be the JSON value true
	// Always: the provider releases an address only if it has verified it.
	Always bool
}

// Call is a request to the API after the profile request.
type Call struct {
	Name  string // the name of its response in paths
	URL   string
	List  bool   // the response is an array
	Pages string // "", PagesLink, or "next:" and the path of the next page's URL
	Items string // the path of the items of a page that is not an array
	// Optional: status 403 and 404 are not errors.
	Optional bool
	User     string // the path of the user in the response; must equal the identifier
}

// Values of Pages.
const (
	PagesLink = "link"  // Link: <…>; rel="next" (RFC 8288)
	PagesNext = "next:" // followed by the path of the next page's URL in the response
)

// Groups says where to find groups in the responses.
type Groups struct {
	Kind string // Organization, Team or Group
	Path string
	Name string // template for the name of an element; if empty, the element itself is the name
	ID   string // template for its identifier, never given to another group; can be empty
}

// The kinds of groups.
const (
	Organization = "organization"
	Team         = "team"
	Group        = "group"
)

// Revocation says how to revoke a token.
type Revocation struct {
	URL   string // can contain {client_id}
	Style string
}

// The styles of a revocation.
const (
	RFC7009      = "rfc7009"
	GitHubDelete = "github" // DELETE with the token as JSON
)

// Manual is the text of the operator's manual.
type Manual struct {
	Console     []string // steps at the provider
	Callback    string   // how it compares the callback URL
	Restricted  string   // how to restrict who may sign in
	Email       string   // which e-mail address it has, and whether it is verified
	Session     string   // the lifetime of tokens, and what a refresh and a logout do
	Unconfirmed []string // facts that no source confirms
	Extra       []string // additional settings of the example
}

// Find returns the preset of that name.
func Find(name string) (Preset, bool) {
	at := slices.IndexFunc(all, func(p Preset) bool { return p.Name == name })
	if at < 0 {
		return Preset{}, false
	}
	return all[at], true
}

// All returns all presets, sorted by name.
func All() []Preset { return slices.Clone(all) }

// Names returns the names of all presets, sorted.
func Names() []string {
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	return names
}

// OpenID reports whether the name is that of a well-known provider that issues ID tokens.
// The openid plugin supports these: a signed token says for which client it was issued.
func OpenID(name string) bool { return slices.Contains(openID, name) }

var openID = []string{
	"apple", "auth0", "authelia", "authentik", "cognito", "dropbox", "entra", "gitlab", "google", "kakao", "keycloak",
	"line", "linkedin", "microsoft", "okta", "salesforce", "slack", "telegram", "twitch", "zitadel",
}

// Resolve fills in {base} and {api}.
func (p Preset) Resolve(url, base, api string) string {
	if base == "" {
		base = p.Base
	}
	if api == "" {
		api = p.API
	}
	base = strings.TrimRight(base, "/")
	api = strings.TrimRight(strings.ReplaceAll(api, "{base}", base), "/")
	return strings.NewReplacer("{base}", base, "{api}", api).Replace(url)
}

var all = []Preset{
	atlassian, bitbucket, discord, facebook, forgejo, gitea, gitHub, gitHubApp, gitHubEnterprise,
	mastodon, nextcloud, reddit, spotify, x, yandex,
}

// factsDate is the date of the research for all presets.
const factsDate = "2026-11-30"
