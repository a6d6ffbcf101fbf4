package main

import (
	"regexp"
	"time"

	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/upstream"
)

// Options are what an operator may set for one provider. What a preset knows is
// left out of them; what is written beside a preset wins. settings.go puts the two
// together.
type Options struct {
	Preset  string `option:"preset" doc:"A provider that is known, such as github: it fills in all that follows but client_id and client_secret. What is written beside it wins."`
	BaseURL string `option:"base_url" doc:"Where the provider of the preset is, if it is a server of your own: https://github.example.com."`
	APIURL  string `option:"api_url" doc:"Where the API of the provider of the preset is, if that is not where the preset expects it."`

	AuthorizeURL string `option:"authorize_url" doc:"The authorization endpoint, to which browsers are sent. Required without a preset."`
	AccessURL    string `option:"access_url" doc:"The token endpoint. Required without a preset."`
	ProfileURL   string `option:"profile_url" doc:"Where the profile of a token's owner is read. Required without a preset. token stands for the token response itself, where that carries the profile."`
	Issuer       string `option:"issuer" doc:"The issuer identifier that the provider sends as iss with its responses (RFC 9207). With it, a response without it is refused. By default an iss is accepted if it has the origin of authorize_url."`

	ClientID     string         `option:"client_id,required" doc:"The client identifier that the provider gave out."`
	ClientSecret options.Secret `option:"client_secret" doc:"The client secret. Required unless client_token_endpoint_auth_method is none."`
	AuthMethod   string         `option:"client_token_endpoint_auth_method" oneof:"client_secret_basic|client_secret_basic_raw|client_secret_post|none" doc:"How the client authenticates at the token endpoint: client_secret_basic (the default) percent-encodes ID and secret, as RFC 6749 says; client_secret_basic_raw does not, for servers that do not decode them."`

	Scope          string         `option:"scope" doc:"The scopes to ask for, separated by spaces or commas. By default those of the preset, or email."`
	ScopeSeparator string         `option:"scope_separator" oneof:"space|comma" doc:"What separates scopes in the request. By default space, or what the preset says."`
	RequiredScopes []string       `option:"required_scopes" doc:"Scopes without which nobody signs in, for providers where the end user can untick some."`
	Params         map[string]any `option:"params" doc:"More parameters of the authorization request, such as prompt. An empty value leaves a parameter out. The parameters that protect the login cannot be set."`
	PKCE           string         `option:"pkce" oneof:"S256|plain|off" doc:"The PKCE method. By default S256, or what the preset says. plain is weak, and off leaves the code unprotected: only for a provider that breaks otherwise."`
	PlainChallenge bool           `option:"plain_code_challenge" doc:"The same as pkce=plain."`

	TokenParams      map[string]string `option:"token_params" doc:"More parameters of the token request."`
	TokenHeaders     map[string]string `option:"token_headers,secret" doc:"Header fields of the token request, such as User-Agent."`
	MissingTokenType bool              `option:"allow_missing_token_type" doc:"Take a token response without token_type for one with Bearer."`

	ProfileMethod  string            `option:"profile_method" oneof:"GET|POST" doc:"The method of the request for the profile. By default GET. POST has an empty body."`
	ProfileScheme  string            `option:"profile_scheme" doc:"What stands before the token in the field Authorization. By default Bearer, or what the preset says."`
	ProfileHeaders map[string]string `option:"profile_headers,secret" doc:"Header fields of all requests to the API, such as Accept or User-Agent. {client_id} stands for the client identifier."`
	ProfileCalls   options.JSON      `option:"profile_calls" doc:"More requests for the profile, as a JSON array: [{\"name\":\"emails\",\"url\":\"https://…\",\"list\":true,\"pages\":\"link\"}]. See below."`
	AppSecretProof bool              `option:"appsecret_proof" doc:"Send appsecret_proof with requests to the API, as Facebook wants it. Part of the preset facebook."`
	ErrorWhen      []string          `option:"error_when" doc:"When an answer with status 200 is an error: rules such as error, ok=false or resultcode!=00. By default error, or what the preset says. Rules with != are about the API only; the others are about the token endpoint, too."`
	RefuseWhen     []string          `option:"refuse_when" doc:"Who may not sign in, by their profile: rules such as suspended or state!=active. They come on top of those of the preset."`

	IdentifierKey  string   `option:"identifier_key" doc:"The field that identifies the end user. Required without a preset. It must never be given to anybody else: a preset accepts its stable identifiers only, and names that look like a login, an address or a display name are warned of."`
	IdentifierType string   `option:"identifier_type" oneof:"string|integer" doc:"What the identifier is as JSON. By default either, or what the preset says: with it, 1 and \"1\" cannot be two spellings of one user."`
	TokenUserKey   string   `option:"token_user_key" doc:"A field of the token response that must be the identifier, where it is there."`
	UsernameKey    string   `option:"username_key" doc:"The field with the login name."`
	EmailKey       string   `option:"email_key" doc:"The field with the e-mail address. By default email, or what the preset says."`
	VerifiedKey    string   `option:"email_verified_key" doc:"The field that says whether the address is the end user's. Without it, no address counts as verified."`
	VerifiedValues []string `option:"email_verified_values" doc:"The values of email_verified_key that mean yes, as JSON: true (the default), or \"true\" with its quotes for a text."`
	NameKey        string   `option:"name_key" doc:"The field with the full name. By default name, or what the preset says."`
	FirstNameKey   string   `option:"first_name_key" doc:"The field with the first name."`
	LastNameKey    string   `option:"last_name_key" doc:"The field with the last name."`

	GroupClaimName      string   `option:"group_claim_name" doc:"The field with the groups, such as groups or orgs[]. By default groups, or what the preset says."`
	GroupClaimSeparator string   `option:"group_claim_separator" default:"comma" oneof:"comma|none" doc:"How to read groups that are one text: comma splits it, none takes it for one group. Write none where users may choose the name of a group."`
	GroupName           string   `option:"group_name" doc:"The name of a group that is an object, such as {organization.login}/{slug}."`
	GroupID             string   `option:"group_id" doc:"What identifies a group that is an object and is never given to another one, such as {id}."`
	ReadGroups          bool     `option:"read_groups" doc:"Read the groups that a preset reads only on demand: it then asks for more scopes. Needed for role_mapping; the allow-lists below turn it on by themselves."`
	AllowedOrgs         []string `option:"allowed_organizations" doc:"Who may sign in: members of one of these organizations of the preset's provider, by name, or by id: and the identifier, which nobody else can take over."`
	AllowedTeams        []string `option:"allowed_teams" doc:"Who may sign in: members of one of these teams, written ORGANIZATION/TEAM, or id: and the identifier."`
	AllowedGroups       []string `option:"allowed_groups" doc:"Who may sign in: members of one of these groups, by name, or by id: and the identifier. Who is in any of the three lists may."`
	AllowedDomains      []string `option:"allowed_email_domains" doc:"Who may sign in: those with a verified e-mail address in one of these domains."`

	NoRefresh       bool          `option:"no_refresh" doc:"Keep no token: a session's refresh then cannot ask the provider, and a logout revokes nothing."`
	RevokeURL       string        `option:"revoke_url" doc:"Where a logout gives the token back (RFC 7009). By default what the preset says."`
	KeepTokens      bool          `option:"keep_tokens_at_logout" doc:"Revoke nothing at a logout."`
	LoginHTTPBudget time.Duration `option:"client_http_total_timeout" default:"20s" doc:"The time limit of all requests of one login together. A plain number is milliseconds."`

	upstream.HTTPOptions
}

// The client authentication methods (RFC 6749 section 2.3.1). Raw is what many
// servers expect who read section 2.3.1 without its appendix B.
const (
	authBasic    = "client_secret_basic"
	authBasicRaw = "client_secret_basic_raw"
	authPost     = "client_secret_post"
	authNone     = "none"
)

const pkceOff = "off"

// maxLoginHTTPBudget: nobody waits longer in front of a browser.
const maxLoginHTTPBudget = 5 * time.Minute

// fromToken is the profile_url of a provider whose token response is the profile.
const fromToken = "token"

// Validate checks what the types of the options cannot say. The host shows the
// problems to the operator, all at once.
func (o Options) Validate() error {
	_, problems := settle(o)
	return problems.Err()
}

var (
	visible    = regexp.MustCompile(`^[\x20-\x7e]+$`)              // VSCHAR of RFC 6749 appendix A
	scopeToken = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`) // RFC 6749 section 3.3
	paramName  = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)           // RFC 6749 section 8.2
	callName   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
)

// guarded are the parameters that bind the response to this login, or that could
// carry another value for one of them (request and request_uri).
var guarded = []string{
	"client_id", "response_type", "response_mode", "redirect_uri", "state",
	"code_challenge", "code_challenge_method", "request", "request_uri",
}

// guardedToken are those of the token request.
var guardedToken = []string{
	"grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "refresh_token",
}
