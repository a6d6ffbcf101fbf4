package oauth2test

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Kind is the provider that a server plays.
type Kind string

// The kinds. Their names are those of the presets of the oauth2 plugin.
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

// CodeLifetime is how long a code is good. GitHub's live ten minutes.
const CodeLifetime = time.Minute

// How a client authenticates at the token endpoint.
const (
	Basic    = "client_secret_basic"     // both halves percent-encoded (RFC 6749 section 2.3.1)
	BasicRaw = "client_secret_basic_raw" // as many servers read it
	Post     = "client_secret_post"
	Public   = "none"
	Any      = "any" // Basic or Post, but not both
)

// Config is what a server starts with.
type Config struct {
	// Addr is where Listen and Start listen; the default is 127.0.0.1:0. APIAddr is
	// the same for the API, of kinds that have it on another host.
	Addr, APIAddr string

	Kind Kind
	Name string // on its pages; the default is that of the kind

	Clients []Client
	People  []Person // the default is DefaultPeople

	// AutoApprove signs in without a page the person whose login is the request's
	// login_hint, or the first.
	AutoApprove bool

	// IgnorePKCE neither compares nor wants a code verifier, as many providers.
	IgnorePKCE bool

	// Issuer adds iss to authorization responses (RFC 9207).
	Issuer bool

	// Expires and Refresh are about tokens of the kind Generic. Of the others, some
	// expire and some can be refreshed.
	Expires time.Duration
	Refresh bool

	// LastingRefresh makes a refresh token good for many uses: a renewal brings no
	// new one, and ends no access token.
	LastingRefresh bool

	// PageSize is how many items a page of a list has at most; the default is what
	// the client asks for, or 30.
	PageSize int

	// Now is the clock. The default is time.Now.
	Now func() time.Time
}

// Client is a registered client.
type Client struct {
	ID, Secret   string
	RedirectURIs []string
	Auth         string // the default is that of the kind

	// Granted are the scopes that end users leave of those asked for; nil: all.
	Granted []string
}

// Person is an end user, as all kinds know them.
type Person struct {
	Login     string // changes hands
	ID        string // digits; does not
	Name      string // null if it is empty
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

	// Restricted organizations have not approved the app: they do not show. SAML
	// makes the API refuse for want of a session.
	Restricted, SAML bool
}

// Team is a team of an organization.
type Team struct{ ID, Slug string }

// DefaultPeople returns alice, of the organization acme, and bob, of none.
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

// orNull is what JSON has for a text that may be missing.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
