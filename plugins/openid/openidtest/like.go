package openidtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// likenesses are the providers that Like can imitate, by name.
var likenesses = map[string]func(*likeness){
	"apple": (*likeness).apple, "auth0": (*likeness).auth0, "authentik": (*likeness).authentik,
	"cognito": (*likeness).cognito, "gitlab": (*likeness).gitLab, "google": (*likeness).google,
	"keycloak": (*likeness).keycloak, "line": (*likeness).line, "linkedin": (*likeness).linkedIn,
	"microsoft": (*likeness).microsoft, "okta": (*likeness).okta, "slack": (*likeness).slack,
	"twitch": (*likeness).twitch, "zitadel": (*likeness).zitadel,
}

// Known returns the names of the providers that [Like] can imitate, in order.
func Known() []string { return slices.Sorted(maps.Keys(likenesses)) }

// Like makes a provider imitate how a real one deviates from the good one, according to
// vendors' documentation and public reports. It changes the registration of the first
// client, the person who is signed in, and the quirk, and nothing else. The person is the
// first of [Config.People] in the result.
//
// The client secret for the provider like Apple is a JWT of the team [AppleTeam], which the
// first of [Client.Keys] verifies. Like panics on an unknown name.
func Like(name string, config Config) Config {
	l := &likeness{issuer: config.Issuer, client: config.Clients[0], person: DefaultPeople()[0]}
	l.hides("iss")
	likenesses[name](l)
	config.Clients = []Client{l.client}
	config.People = []Person{l.person}
	config.Quirk = l.quirk
	return config
}

type likeness struct {
	issuer string
	client Client
	person Person
	quirk  Quirk
}

// hides makes the provider send no iss, or list no PKCE method, as most large providers do.
func (l *likeness) hides(what string) {
	member := map[string]string{"iss": "authorization_response_iss_parameter_supported", "pkce": "code_challenge_methods_supported"}[what]
	l.metadata(func(document map[string]any) { delete(document, member) })
	if what == "iss" {
		l.quirk.Response = func(params map[string]string) { delete(params, "iss") }
	}
}

// metadata adds a change of the discovery document to the earlier ones.
func (l *likeness) metadata(change func(map[string]any)) {
	before := l.quirk.Metadata
	l.quirk.Metadata = func(document map[string]any) {
		if before != nil {
			before(document)
		}
		change(document)
	}
}

// posts makes the client authenticate only in the form.
func (l *likeness) posts() {
	l.client.TokenEndpointAuthMethod = ClientSecretPost
	l.metadata(func(document map[string]any) {
		document["token_endpoint_auth_methods_supported"] = []string{ClientSecretPost}
	})
}

// knows refuses scopes that the provider does not know.
func (l *likeness) knows(scopes ...string) {
	l.metadata(func(document map[string]any) { document["scopes_supported"] = scopes })
	l.quirk.Authorize = func(r *http.Request) string {
		for _, scope := range strings.Fields(r.FormValue("scope")) {
			if !slices.Contains(scopes, scope) {
				return "some requested scopes were invalid: " + scope
			}
		}
		return ""
	}
}
