// Package preset holds what is known of OpenID providers, as data: one preset for each
// provider, with everything that the plugin, its manual and the sign-in page need and the
// provider's discovery document does not say.
//
// Providers change without notice, so each preset has the date of its facts, and its manual
// says what nobody has confirmed. Options that an operator writes take precedence.
package preset

import "slices"

// Preset is what is known of one provider.
type Preset struct {
	Name  string // as operators write it
	Title string // as the provider calls itself; the default label
	Icon  string // one of the host's drawings, never a trademark
	Dated string // the date of the facts

	// Issuer is the one that all clients of the provider have in common. If it is empty,
	// each operator has their own, such as Example.
	Issuer  string
	Example string

	Scope       string
	Params      map[string]string // of the authorization request
	TokenParams map[string]string // of the token request
	Auth        string            // client_token_endpoint_auth_method; empty: from the provider's list

	// PKCE is the method; empty: S256. UnlistedPKCE: the provider supports or ignores it,
	// and does not always list it.
	PKCE         string
	UnlistedPKCE bool

	// MissingNonce: the provider leaves the nonce out of its ID tokens.
	MissingNonce bool

	// The claims.
	Username, Groups string // empty: the standard ones
	TextVerified     bool   // email_verified may be the text "true"
	NeverVerified    bool   // the provider does not say whether an address is verified

	// NameInResponse: only the first authorization response has the name, in the parameter
	// user.
	NameInResponse bool

	// SecretAudience is the audience of a client secret that is a JWT signed by the client.
	SecretAudience string

	// CodeRefused and ClientRefused are the error codes of the provider's token endpoint for
	// an invalid code and for an invalid client, if they are not those of OAuth.
	CodeRefused, ClientRefused []string

	// RefreshAtCallback: a refresh must repeat the callback URL.
	RefreshAtCallback bool

	// LogoutPath is the logout page of a provider without an end_session_endpoint, on the
	// host of the authorization endpoint. LogoutReturn is its parameter for the URL to
	// return to.
	LogoutPath, LogoutReturn string

	Manual Manual
}

// Manual is what the operator's manual says.
type Manual struct {
	Console     []string // the steps at the provider
	Settings    []string // of the example; nil: client ID and secret
	Callback    string   // how the provider compares the callback URL
	Restricted  string   // how to restrict who can sign in
	Email       string   // whether its e-mail address is verified
	Groups      string
	Session     string   // what a refresh and a logout do
	Unconfirmed []string // statements that no source confirms
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

// Names returns the names of all presets, in order.
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

// gathered is the date of the facts of all presets.
const gathered = "2026-11-30"

const standardScope = "openid profile email"

// Texts that several presets share.
const (
	exactCallback   = "Must be exactly one of the registered URLs."
	anybody         = "anybody with an account can sign in."
	yourOwn         = "anyone who has an account on your server can sign in. Restrict this there: assign the application to people or groups."
	byEmailVerified = "verified if `email_verified` is true."
	signsOutThere   = "A logout signs out there, too; register the URL above with `logout` in place of `callback` as the URL to return to."
)
