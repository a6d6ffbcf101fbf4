package main

import (
	"regexp"
	"time"

	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/upstream"
)

// Options are the options of one provider. A preset supplies defaults for most of them; an
// option that is set overrides the preset. settings.go combines the two.
type Options struct {
	Preset  string `option:"preset" doc:"The name of a built-in preset, such as github. It supplies the other options except client_id, client_secret and, for a server of your own, base_url. Options that you set override it."`
	BaseURL string `option:"base_url" doc:"The URL of your own server, for a preset of software that you host: https://github.example.com."`
	APIURL  string `option:"api_url" doc:"The URL of the provider's API, if it is not where the preset expects it."`

	AuthorizeURL string `option:"authorize_url" doc:"The authorization endpoint, to which browsers are sent. Required without a preset."`
	AccessURL    string `option:"access_url" doc:"The token endpoint. Required without a preset."`
	ProfileURL   string `option:"profile_url" doc:"The URL that returns the profile of the token's owner. Required without a preset. Set it to token if the token response itself contains the profile."`
	Issuer       string `option:"issuer" doc:"The issuer identifier that the provider sends as iss in its responses (RFC 9207). If set, a response without iss is refused. By default, an iss is accepted if it has the same origin as authorize_url."`

	ClientID     string         `option:"client_id,required" doc:"The client ID that the provider issued."`
	ClientSecret options.Secret `option:"client_secret" doc:"The client secret. Required unless client_token_endpoint_auth_method is none."`
	AuthMethod   string         `option:"client_token_endpoint_auth_method" oneof:"client_secret_basic|client_secret_basic_raw|client_secret_post|none" doc:"How Doorward authenticates at the token endpoint. client_secret_basic percent-encodes the ID and the secret, as RFC 6749 requires; client_secret_basic_raw does not, for servers that do not decode them. The default is client_secret_basic, or the method of the preset."`

	Scope          string         `option:"scope" doc:"The scopes to request, separated by spaces or commas. The default is the scopes of the preset, or email without a preset."`
	ScopeSeparator string         `option:"scope_separator" oneof:"space|comma" doc:"The separator of scopes in the request. The default is space, or the separator of the preset."`
	RequiredScopes []string       `option:"required_scopes" doc:"Scopes that the provider must grant; otherwise the login is refused. For providers that let people deselect scopes."`
	Params         map[string]any `option:"params" doc:"Additional parameters of the authorization request, such as prompt. An empty value removes a parameter. You cannot set the parameters that protect the login."`
	PKCE           string         `option:"pkce" oneof:"S256|plain|off" doc:"The PKCE method. The default is S256, or the method of the preset. plain is weak, and off leaves the code unprotected: use them only for a provider that does not work otherwise."`
	PlainChallenge bool           `option:"plain_code_challenge" doc:"The same as pkce=plain."`

	TokenParams      map[string]string `option:"token_params" doc:"Additional parameters of the token request."`
	TokenHeaders     map[string]string `option:"token_headers,secret" doc:"Header fields of the token request, such as User-Agent."`
	MissingTokenType bool              `option:"allow_missing_token_type" doc:"Treat a token response without token_type as if it had the type Bearer."`

	ProfileMethod  string            `option:"profile_method" oneof:"GET|POST" doc:"The HTTP method of the profile request. The default is GET. POST has an empty body."`
	ProfileScheme  string            `option:"profile_scheme" doc:"The scheme before the token in the Authorization header field. The default is Bearer, or the scheme of the preset."`
	ProfileHeaders map[string]string `option:"profile_headers,secret" doc:"Header fields of all requests to the API, such as Accept or User-Agent. {client_id} is replaced by the client ID."`
	ProfileCalls   options.JSON      `option:"profile_calls" doc:"Additional API requests, as a JSON array: [{\"name\":\"emails\",\"url\":\"https://…\",\"list\":true,\"pages\":\"link\"}]. See below."`
	AppSecretProof bool              `option:"appsecret_proof" doc:"Send appsecret_proof with requests to the API, as Facebook requires. The preset facebook always sends it."`
	ErrorWhen      []string          `option:"error_when" doc:"Rules that make a response with status 200 an error, such as error, ok=false or resultcode!=00. The default is error, or the rules of the preset. Rules with != apply to the API only; the others also apply to the token endpoint."`
	RefuseWhen     []string          `option:"refuse_when" doc:"Rules about the profile that refuse the login, such as suspended or state!=active. They are added to those of the preset."`

	IdentifierKey  string   `option:"identifier_key" doc:"The field that identifies the user. Required without a preset. Its value must never be given to another user. A preset accepts only its stable identifiers. Without a preset, Doorward warns of fields that look like a login name, an address or a display name."`
	IdentifierType string   `option:"identifier_type" oneof:"string|integer" doc:"The JSON type of the identifier. The default is the type that the preset requires; without a preset, both types are accepted. Set it so that 1 and \"1\" cannot be two spellings of one user."`
	TokenUserKey   string   `option:"token_user_key" doc:"A field of the token response that must equal the identifier, if it is present."`
	UsernameKey    string   `option:"username_key" doc:"The field with the user name."`
	EmailKey       string   `option:"email_key" doc:"The field with the e-mail address. The default is email, or the field of the preset."`
	VerifiedKey    string   `option:"email_verified_key" doc:"The field that says whether the e-mail address is verified. Without it, no address counts as verified."`
	VerifiedValues []string `option:"email_verified_values" doc:"The values of email_verified_key that mean verified, as JSON: true (the default), or \"true\" with quotes for a string."`
	NameKey        string   `option:"name_key" doc:"The field with the full name. The default is name, or the field of the preset."`
	FirstNameKey   string   `option:"first_name_key" doc:"The field with the first name."`
	LastNameKey    string   `option:"last_name_key" doc:"The field with the last name."`

	GroupClaimName      string   `option:"group_claim_name" doc:"The field with the groups, such as groups or orgs[]. The default is groups, or the fields of the preset."`
	GroupClaimSeparator string   `option:"group_claim_separator" default:"comma" oneof:"comma|none" doc:"How to read groups that are a single string: comma splits it, none reads it as one group. Use none if users can choose the name of a group."`
	GroupName           string   `option:"group_name" doc:"A template for the name of a group that is an object, such as {organization.login}/{slug}."`
	GroupID             string   `option:"group_id" doc:"A template for the identifier of a group that is an object, such as {id}. The identifier must never be given to another group."`
	ReadGroups          bool     `option:"read_groups" doc:"Read the groups that a preset does not read by default, which requires additional scopes. Needed for role_mapping. The allow-lists below turn it on."`
	AllowedOrgs         []string `option:"allowed_organizations" doc:"Only members of one of these organizations may sign in. Write names, or id: and the identifier, which nobody else can take over. For presets that support organizations."`
	AllowedTeams        []string `option:"allowed_teams" doc:"Only members of one of these teams may sign in. Write ORGANIZATION/TEAM, or id: and the identifier. For presets that support teams."`
	AllowedGroups       []string `option:"allowed_groups" doc:"Only members of one of these groups may sign in. Write names, or id: and the identifier. A member of any entry in any of the three lists may sign in."`
	AllowedDomains      []string `option:"allowed_email_domains" doc:"Only people with a verified e-mail address in one of these domains may sign in."`

	NoRefresh       bool          `option:"no_refresh" doc:"Do not keep tokens. The refresh of a session then cannot ask the provider, and a logout does not revoke a token."`
	RevokeURL       string        `option:"revoke_url" doc:"The revocation endpoint, used at a logout (RFC 7009). The default is the endpoint of the preset, if it has one."`
	KeepTokens      bool          `option:"keep_tokens_at_logout" doc:"Do not revoke tokens at a logout."`
	LoginHTTPBudget time.Duration `option:"client_http_total_timeout" default:"20s" doc:"The time limit for all requests of one login together. A plain number is milliseconds."`

	upstream.HTTPOptions
}

// The client authentication methods (RFC 6749 section 2.3.1). Raw is for the many
// servers that ignore appendix B.
const (
	authBasic    = "client_secret_basic"
	authBasicRaw = "client_secret_basic_raw"
	authPost     = "client_secret_post"
	authNone     = "none"
)

const pkceOff = "off"

// maxLoginHTTPBudget: nobody waits longer for a login.
const maxLoginHTTPBudget = 5 * time.Minute

// fromToken is the profile_url of a provider whose token response is the profile.
const fromToken = "token"

// Validate checks what the option types cannot express. The host shows all problems to the
// operator at once.
func (o Options) Validate() error {
	_, problems := newSettings(o)
	return problems.Err()
}

var (
	visible    = regexp.MustCompile(`^[\x20-\x7e]+$`)              // VSCHAR of RFC 6749 appendix A
	scopeToken = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`) // RFC 6749 section 3.3
	paramName  = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)           // RFC 6749 section 8.2
	callName   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
)

// reservedParams are the parameters that bind the response to this login, or that could
// contain another value for one of them (request and request_uri).
var reservedParams = []string{
	"client_id", "response_type", "response_mode", "redirect_uri", "state",
	"code_challenge", "code_challenge_method", "request", "request_uri",
}

// reservedTokenParams are the reserved parameters of the token request.
var reservedTokenParams = []string{
	"grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "refresh_token",
}
