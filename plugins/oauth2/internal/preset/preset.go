// Package preset holds what is known of providers of OAuth 2.0, as data: one row
// for each, with everything that the plugin, its manual and the sign-in page need.
//
// Providers change without notice. A row is no promise: it carries the day on which
// its facts were gathered, and an operator can overrule each of them by writing the
// option beside the preset.
package preset

import (
	"slices"
	"strings"
)

// Preset is a row.
type Preset struct {
	Name  string // as operators write it
	Title string // as the provider calls itself; the default label
	Icon  string // a drawing of the host's; no trademark of anybody
	Dated string // the day of the facts

	// Base is where people sign in, API where programs ask: {base} and {api} in the
	// URLs below. An empty Base is a server of the operator's own, who must say
	// where it is. API may hold {base}.
	Base, API string

	AuthorizeURL, AccessURL, ProfileURL string
	Revocation                          Revocation

	Scopes      []string
	GroupScopes []string // besides, when groups are read
	Comma       bool     // scopes are separated by commas
	Params      map[string]string
	Auth        string // client_token_endpoint_auth_method; empty: client_secret_basic
	PKCE        string // empty: S256

	TokenHeaders, ProfileHeaders map[string]string
	ProfileScheme                string   // before the token in Authorization; empty: Bearer
	ProfileTypes                 []string // media types of JSON besides application/json and +json
	Proof                        bool     // appsecret_proof

	Calls      []Call // after the profile
	GroupCalls []Call // after those, when groups are read
	ErrorWhen  []string
	RefuseWhen []string

	// CodeRefused are the descriptions with which the token endpoint refuses a code or
	// a refresh token, and not the client, whatever the word of its error.
	CodeRefused []string

	// Identifiers are the stable ones; the first is the default. There is no way to
	// have another one with a preset.
	Identifiers []Identifier
	TokenUser   string // of the token response; must be the identifier, if it is there

	Username, Email, FullName, FirstName, LastName string
	Verified                                       Verified
	Groups                                         []Groups

	Manual Manual
}

// Identifier is a field that names the end user and is never given to anybody else.
type Identifier struct{ Path, Type string }

// The types of an identifier.
const (
	Integer = "integer" // a JSON number without fraction and exponent
	Text    = "string"  // a JSON string
)

// Verified says by which value the e-mail address is the end user's.
type Verified struct {
	Path string // its value must be the JSON value true
	// Always: the provider releases an address only if it has verified it.
	Always bool
}

// Call is a request to the API after that for the profile.
type Call struct {
	Name  string // where its answer stands for paths
	URL   string
	List  bool   // the answer is an array
	Pages string // "", PagesLink, or "next:" and the path of the next page's URL
	Items string // the path of the items of a page that is no array
	// Optional: status 403 and 404 mean that there is nothing for us.
	Optional bool
	User     string // the path of the user in the answer; must be the identifier
}

// Ways to the next page.
const (
	PagesLink = "link"  // Link: <…>; rel="next" (RFC 8288)
	PagesNext = "next:" // a member of the answer
)

// Groups are where groups stand in the answers.
type Groups struct {
	Kind string // Organization, Team or Group
	Path string
	Name string // template of an element; empty: the element itself is the name
	ID   string // template, never given to another group; empty: there is none
}

// The kinds of groups.
const (
	Organization = "organization"
	Team         = "team"
	Group        = "group"
)

// Revocation is how a token is given back.
type Revocation struct {
	URL   string // may hold {client_id}
	Style string
}

// The styles of a revocation.
const (
	RFC7009      = "rfc7009"
	GitHubDelete = "github" // DELETE with the token as JSON
)

// Manual is what the operator's manual says.
type Manual struct {
	Console     []string // steps at the provider
	Callback    string   // how it compares the callback URL
	Restricted  string   // how to let in some people only
	Email       string   // what its e-mail address is worth
	Session     string   // what a refresh and a logout do
	Unconfirmed []string // what no source confirms
	Extra       []string // settings that the example needs besides
}

// Find returns the preset of that name.
func Find(name string) (Preset, bool) {
	at := slices.IndexFunc(all, func(p Preset) bool { return p.Name == name })
	if at < 0 {
		return Preset{}, false
	}
	return all[at], true
}

// All returns all presets in the order of their names.
func All() []Preset { return slices.Clone(all) }

// Names are those of all presets, in order.
func Names() []string {
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	return names
}

// OpenID reports whether the name is that of a well-known provider that signs ID
// tokens. Those belong to the openid plugin: a signed token for one audience
// answers most of what has to be asked here.
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

// facts is the day of the facts of all rows so far.
const facts = "2026-11-30"
