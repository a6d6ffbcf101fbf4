package openidtest

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Lifetimes, by the clock of the Config.
const (
	CodeLifetime        = 60 * time.Second
	IDTokenLifetime     = 5 * time.Minute
	AccessTokenLifetime = time.Hour
	GrantLifetime       = 24 * time.Hour // of refresh tokens, from the login on
	KeySetMaxAge        = 10 * time.Minute
)

// The client authentication methods of OpenID Connect Core section 9 that the
// provider supports.
const (
	ClientSecretBasic = "client_secret_basic"
	ClientSecretPost  = "client_secret_post"
	ClientSecretJWT   = "client_secret_jwt"
	PrivateKeyJWT     = "private_key_jwt"
	TLSClientAuth     = "tls_client_auth"             // RFC 8705; the provider must be served with TLS
	SelfSignedTLS     = "self_signed_tls_client_auth" // the same
	PublicClient      = "none"
)

// Config configures a provider. The zero value is a provider without clients whose
// people are [DefaultPeople].
type Config struct {
	// Addr is where Listen and Start listen. The default is 127.0.0.1:0.
	Addr string

	// Issuer is the issuer identifier. The default is http:// and the listen
	// address, followed by IssuerPath. New does not listen, so it needs an Issuer.
	Issuer string

	// IssuerPath is the path of the default issuer, such as "/" or "/realms/demo".
	// Real providers have both forms.
	IssuerPath string

	// Name is the provider's name on its pages. The default is "Example ID".
	Name string

	// Clients are the registered relying parties. AddClient adds more.
	Clients []Client

	// People are the end users. The default is DefaultPeople.
	People []Person

	// AutoApprove shows no page and signs in the person whose subject is the
	// request's login_hint, or the first of People if there is no hint.
	AutoApprove bool

	// Quirk is how the provider always deviates from the good one.
	Quirk Quirk

	// Now is the clock. The default is time.Now.
	Now func() time.Time

	// Security are the optional security features of the provider.
	Security Security
}

// Client is a registered relying party, in the terms of OpenID Connect Dynamic
// Client Registration section 2.
type Client struct {
	ID     string
	Secret string
	Name   string // on the sign-in page; the default is ID

	RedirectURIs           []string
	PostLogoutRedirectURIs []string

	// TokenEndpointAuthMethod is the only authentication method that the client
	// may use. The default is ClientSecretBasic.
	TokenEndpointAuthMethod string

	// Keys verify assertions of PrivateKeyJWT. Certificate, in DER, and
	// CertificateSubject, as pkix.Name writes it, are for the two methods with TLS.
	Keys               []jose.JSONWebKey
	Certificate        []byte
	CertificateSubject string

	// IDTokenSignedResponseAlg is RS256 (the default), PS256, ES256 or EdDSA.
	IDTokenSignedResponseAlg string

	// UserInfoSignedResponseAlg makes UserInfo responses JWTs that are signed with
	// this algorithm. The default is plain JSON.
	UserInfoSignedResponseAlg string

	// ClaimsInIDToken puts the person's claims into the ID token too, as many
	// real providers do. By default only the UserInfo endpoint releases them
	// (OpenID Connect Core section 5.4).
	ClaimsInIDToken bool
}

// Person is an end user.
type Person struct {
	// Subject is the sub claim, at most 255 ASCII characters. In a login hint with
	// misbehaviours it must not contain a plus sign or a space.
	Subject string

	// Claims are released according to their scope (OpenID Connect Core section
	// 5.4). Claims of no standard scope, such as groups, are always released. acr
	// and amr are in the ID token.
	Claims map[string]any
}

// DefaultPeople returns alice and bob, with the claims of the scopes profile and
// email, and groups.
func DefaultPeople() []Person {
	return []Person{
		{Subject: "alice", Claims: map[string]any{
			"name": "Alice Archer", "given_name": "Alice", "family_name": "Archer",
			"preferred_username": "alice", "email": "alice@example.com", "email_verified": true,
			"groups": []string{"archers", "staff"},
		}},
		{Subject: "bob", Claims: map[string]any{
			"name": "Bob Baker", "given_name": "Bob", "family_name": "Baker",
			"preferred_username": "bob", "email": "bob@example.com", "email_verified": false,
			"groups": []string{"bakers"},
		}},
	}
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "Example ID"
	}
	if c.People == nil {
		c.People = DefaultPeople()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) validate() error {
	issuer, err := url.Parse(c.Issuer)
	if err != nil || issuer.Host == "" || (issuer.Scheme != "http" && issuer.Scheme != "https") {
		return fmt.Errorf("issuer %q: write an http or https URL", c.Issuer)
	}
	if strings.ContainsAny(c.Issuer, "?#") {
		return fmt.Errorf("issuer %q: leave out query and fragment", c.Issuer)
	}
	seen := map[string]bool{}
	for _, person := range c.People {
		if person.Subject == "" || seen[person.Subject] {
			return fmt.Errorf("person %q: give each person a different subject", person.Subject)
		}
		seen[person.Subject] = true
	}
	return nil
}

func (c Client) withDefaults() Client {
	if c.Name == "" {
		c.Name = c.ID
	}
	if c.TokenEndpointAuthMethod == "" {
		c.TokenEndpointAuthMethod = ClientSecretBasic
	}
	if c.IDTokenSignedResponseAlg == "" {
		c.IDTokenSignedResponseAlg = string(jose.RS256)
	}
	return c
}

func (c Client) validate() error {
	if c.ID == "" {
		return errors.New("client without ID")
	}
	if !slices.Contains(allAuthMethods, c.TokenEndpointAuthMethod) {
		return fmt.Errorf("client %q: authentication method %q: choose one of %v", c.ID, c.TokenEndpointAuthMethod, allAuthMethods)
	}
	withoutSecret := slices.Contains([]string{PublicClient, PrivateKeyJWT, TLSClientAuth, SelfSignedTLS}, c.TokenEndpointAuthMethod)
	if (c.Secret == "") != withoutSecret {
		return fmt.Errorf("client %q: a secret is needed for, and only for, the authentication methods %q", c.ID, []string{ClientSecretBasic, ClientSecretPost, ClientSecretJWT})
	}
	for _, alg := range []string{c.IDTokenSignedResponseAlg, c.UserInfoSignedResponseAlg} {
		if alg != "" && !slices.Contains(algorithms, jose.SignatureAlgorithm(alg)) {
			return fmt.Errorf("client %q: algorithm %q: choose one of %v", c.ID, alg, algorithms)
		}
	}
	for _, uri := range slices.Concat(c.RedirectURIs, c.PostLogoutRedirectURIs) {
		if u, err := url.Parse(uri); err != nil || !u.IsAbs() || strings.Contains(uri, "#") {
			return fmt.Errorf("client %q: redirect URI %q: write an absolute URI without fragment", c.ID, uri)
		}
	}
	return nil
}

// authMethods are the methods of a provider without optional security features.
var authMethods = []string{ClientSecretBasic, ClientSecretPost, PublicClient}

var allAuthMethods = append(slices.Clone(authMethods), ClientSecretJWT, PrivateKeyJWT, TLSClientAuth, SelfSignedTLS)

// displayName is the person's name on the sign-in page.
func (p Person) displayName() string {
	if name, ok := p.Claims["name"].(string); ok {
		return name
	}
	return p.Subject
}

func (p Person) email() string {
	email, _ := p.Claims["email"].(string)
	return email
}

func (p Person) ownClaims() map[string]any {
	if p.Claims == nil {
		return map[string]any{}
	}
	return maps.Clone(p.Claims)
}
