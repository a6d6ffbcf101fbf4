// Package preset holds what is known of OpenID providers, as data: one row for each,
// with everything that the plugin, its manual and the sign-in page need beyond what the
// provider's discovery document says.
//
// Providers change without notice. A row is no promise: it carries the day on which its
// facts were gathered, and says in its manual what nobody has confirmed. What an operator
// writes beside the preset wins.
package preset

import "slices"

// Preset is a row.
type Preset struct {
	Name  string // as operators write it
	Title string // as the provider calls itself; the default label
	Icon  string // a drawing of the host's; no trademark of anybody
	Dated string // the day of the facts

	// Issuer is that of everybody at the provider. Where it is empty, the operator has
	// one of their own, such as Example.
	Issuer  string
	Example string

	Scope       string
	Params      map[string]string // of the authorization request
	TokenParams map[string]string // of the token request
	Auth        string            // client_token_endpoint_auth_method; empty: by what the provider lists

	// PKCE is the method; empty: S256. UnlistedPKCE: the provider has it, or does not mind
	// it, and does not always list it.
	PKCE         string
	UnlistedPKCE bool

	// MissingNonce: the provider leaves the nonce out of its ID tokens.
	MissingNonce bool

	// The claims.
	Username, Groups string // empty: the standard ones
	TextVerified     bool   // email_verified may be the text "true"
	NeverVerified    bool   // the provider does not say whether an address is verified

	// NameInResponse: the name comes in the parameter user of the first authorization
	// response, and nowhere else.
	NameInResponse bool

	// SecretAudience: the client secret is a JWT that the client signs for this audience.
	SecretAudience string

	// CodeRefused and ClientRefused are the provider's own words, at the token endpoint,
	// for a code that is not good and for a client that is not.
	CodeRefused, ClientRefused []string

	// RefreshAtCallback: a refresh must repeat the callback URL.
	RefreshAtCallback bool

	// LogoutPath: where people sign out there, on the host of the authorization endpoint,
	// in place of an end_session_endpoint. LogoutReturn is what the parameter with our
	// URL is called there.
	LogoutPath, LogoutReturn string

	Manual Manual
}

// Manual is what the operator's manual says.
type Manual struct {
	Console     []string // steps at the provider
	Settings    []string // that the example needs, in place of client ID and secret
	Callback    string   // how it compares the callback URL
	Restricted  string   // how to let in some people only
	Email       string   // what its e-mail address is worth
	Groups      string
	Session     string   // what a refresh and a logout do
	Unconfirmed []string // what no source confirms
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

var all = []Preset{
	apple, auth0, authentik, cognito, gitLab, google, keycloak, line, linkedIn, microsoft, okta, slack, twitch, zitadel,
}

// facts is the day of the facts of all rows so far.
const facts = "2026-11-30"

const standard = "openid profile email"

// What several rows say alike.
const (
	exactly    = "Must be one of the registered URLs exactly."
	anybody    = "anybody with an account can sign in."
	yourOwn    = "whoever has an account on your server can sign in. Say there who that is: assign the application to people or groups."
	byVerified = "verified if `email_verified` is true."
	endsThere  = "A logout signs out there, too; register the URL above with `logout` in place of `callback` as the URL to return to."
)
