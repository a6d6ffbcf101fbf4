package oauth2test

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Kind is the provider that a server simulates.
type Kind string

// The kinds have the names of the presets of the oauth2 plugin.
const (
	Generic          Kind = ""
	GitHub           Kind = "github"
	GitHubApp        Kind = "github-app"
	GitHubEnterprise Kind = "github-enterprise"
	Gitea            Kind = "gitea"
	Forgejo          Kind = "forgejo"
	Discord          Kind = "discord"
	Facebook         Kind = "facebook"
	X                Kind = "x"
	Bitbucket        Kind = "bitbucket"
	Spotify          Kind = "spotify"
	Yandex           Kind = "yandex"
	Nextcloud        Kind = "nextcloud"
	Atlassian        Kind = "atlassian"
	Reddit           Kind = "reddit"
	Mastodon         Kind = "mastodon"
)

// CodeLifetime is how long a code is valid. GitHub's codes are valid for ten minutes.
const CodeLifetime = time.Minute

// The client authentication methods at the token endpoint.
const (
	Basic    = "client_secret_basic"     // ID and secret percent-encoded (RFC 6749 section 2.3.1)
	BasicRaw = "client_secret_basic_raw" // not percent-encoded, as many servers expect
	Post     = "client_secret_post"
	Public   = "none"
	Any      = "any" // Basic or Post, but not both
)

// Config is the configuration of a server.
type Config struct {
	// Addr is the address to listen on; the default is 127.0.0.1:0. APIAddr is the address
	// of the API, for kinds with the API on another host.
	Addr, APIAddr string

	Kind Kind
	Name string // the name on the pages; the default depends on the kind

	Clients []Client
	People  []Person // the default is DefaultPeople

	// AutoApprove shows no page, and signs in the person whose login is the login_hint of
	// the request, or the first person.
	AutoApprove bool

	// IgnorePKCE neither requires nor verifies a code verifier, like many providers.
	IgnorePKCE bool

	// Issuer adds iss to authorization responses (RFC 9207).
	Issuer bool

	// Expires and Refresh apply to tokens of the kind Generic. The other kinds define
	// themselves whether tokens expire and can be refreshed.
	Expires time.Duration
	Refresh bool

	// LastingRefresh allows many uses of a refresh token: a renewal does not return a new
	// refresh token, and does not end the access token.
	LastingRefresh bool

	// PageSize is the maximum number of items of a page; the default is the number that the
	// client requests, or 30.
	PageSize int

	// Now is the clock. The default is time.Now.
	Now func() time.Time
}

// Client is a registered client.
type Client struct {
	ID, Secret   string
	RedirectURIs []string
	Auth         string // the default depends on the kind

	// Granted are the scopes that users grant; nil means all requested scopes.
	Granted []string
}

// Person is an end user.
type Person struct {
	Login     string // can pass to another person
	ID        string // digits; never passes to another person
	Name      string // null if empty
	Emails    []Email
	Orgs      []Org
	Suspended bool
}

// Email is an address.
type Email struct {
	Address           string
	Primary, Verified bool
}

// Org is an organization, a guild, or a group.
type Org struct {
	ID    string
	Login string
	Teams []Team

	// Restricted organizations have not approved the app, and the API does not list them.
	// With SAML, the API refuses requests because a session is missing.
	Restricted, SAML bool
}

// Team is a team of an organization.
type Team struct{ ID, Slug string }

// DefaultPeople returns alice, a member of the organization acme, and bob, who is in no
// organization.
func DefaultPeople() []Person {
	return []Person{
		{
			Login: "alice", ID: "4711", Name: "Alice Archer",
			Emails: []Email{
				{"alice@old.example.com", false, true},
				{"alice@example.com", true, true},
				{"4711+alice@users.noreply.example.com", false, true},
			},
			Orgs: []Org{{ID: "9919", Login: "acme", Teams: []Team{{"31", "devs"}, {"32", "ops"}}}},
		},
		{
			Login: "bob", ID: "2147483650", Name: "Bob Baker",
			Emails: []Email{{"bob@example.com", true, false}},
		},
	}
}

func (c Config) withDefaults() Config {
	if c.People == nil {
		c.People = DefaultPeople()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Name == "" {
		c.Name = flavours[c.Kind].name
	}
	return c
}

func (c Config) validate() error {
	if _, ok := flavours[c.Kind]; !ok {
		return fmt.Errorf("kind %q is not known", c.Kind)
	}
	for _, client := range c.Clients {
		if client.ID == "" || (client.Secret == "") != (client.Auth == Public) {
			return fmt.Errorf("client %q: a secret goes with every way to authenticate but %q", client.ID, Public)
		}
	}
	for _, person := range c.People {
		if person.Login == "" || person.ID == "" {
			return errors.New("a person without login or ID")
		}
	}
	return nil
}

func (p Person) primary() Email {
	at := slices.IndexFunc(p.Emails, func(e Email) bool { return e.Primary })
	if at < 0 {
		return Email{}
	}
	return p.Emails[at]
}

// orNull returns null for an empty text.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
