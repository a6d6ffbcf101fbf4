package main

import (
	"cmp"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/doorward/doorward/plugins/openid/internal/clientauth"
	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/jarm"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/plugins/openid/internal/preset"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// Options are the options of one OpenID provider.
type Options struct {
	Preset string `option:"preset" doc:"A known provider, such as google. The preset fills in the options below, except those of the client. Options that you write take precedence."`

	IssuerURL    string         `option:"issuer_url" doc:"The issuer, or the URL of its discovery document, which contains /.well-known/ and is requested as it is written. Required, unless the preset sets it. The issuer in the document must be the same, or the part before /.well-known/, byte for byte."`
	Issuer       string         `option:"issuer" doc:"The issuer in the document and in the ID tokens, byte for byte, if it differs from issuer_url, as with Azure AD B2C and AD FS."`
	ClientID     string         `option:"client_id,required" doc:"The client identifier from the provider."`
	ClientSecret options.Secret `option:"client_secret" doc:"The client secret. Required unless client_token_endpoint_auth_method is private_key_jwt or none, or the secret is signed."`

	SecretKey    options.Secret `option:"client_secret_key" doc:"The private key that signs the client secret (PEM), for the preset apple: the file AuthKey_….p8."`
	SecretKeyID  string         `option:"client_secret_key_id" doc:"The ID of that key."`
	SecretTeamID string         `option:"client_secret_team_id" doc:"The ID of the team that owns the key."`

	TokenParams map[string]string `option:"token_params" doc:"More parameters of the token request, such as id_token_key_type."`

	Scope  string         `option:"scope" doc:"The scopes to request, separated by spaces. By default those of the preset, or openid profile email. openid is added if it is missing."`
	Params map[string]any `option:"params" doc:"More parameters of the authorization request, such as prompt, hd, acr_values, max_age, ui_locales, domain_hint, claims or response_mode (query or form_post). An empty value leaves a parameter out. The parameters that protect the login cannot be set."`

	OfflineAccess bool     `option:"offline_access" doc:"Request the scope offline_access, for which many providers issue a refresh token. It is left out if the provider lists its scopes without it, such as Google, which issues one for access_type=offline. Some providers also require prompt=consent in params."`
	ResponseIss   string   `option:"response_iss" oneof:"auto|required|off" default:"auto" doc:"How to check the iss of authorization responses, which protects against a provider that poses as another (RFC 9207). auto checks an iss that is present, and requires one if the provider says that it sends it. required always requires it. off ignores it, for a provider that sends a wrong one; signed responses are still checked."`
	RequiredAMR   []string `option:"required_amr" doc:"Authentication methods that must all be in the amr of the ID token, for example mfa (RFC 8176)."`

	IdentifierKey string `option:"identifier_key" default:"sub" doc:"The claim that identifies the end user; can be a path. Keep sub unless users exist already under another claim. If it is the claim of email_key, only users whose address the provider calls verified can sign in."`
	UsernameKey   string `option:"username_key" doc:"The claim with the login name; can be a path. By default that of the preset, or preferred_username."`
	EmailKey      string `option:"email_key" default:"email" doc:"The claim with the e-mail address; can be a path."`
	VerifiedKey   string `option:"email_verified_key" doc:"The claim that says whether the address belongs to the end user; can be a path. By default email_verified if email_key is email; otherwise no address counts as verified."`
	TextVerified  bool   `option:"email_verified_text" doc:"Treat the text \"true\" in that claim like true, for providers that are known to send it as text, such as Apple and Amazon Cognito."`
	NameKey       string `option:"name_key" default:"name" doc:"The claim with the full name; can be a path."`
	FirstNameKey  string `option:"first_name_key" default:"given_name" doc:"The claim with the first name; can be a path."`
	LastNameKey   string `option:"last_name_key" default:"family_name" doc:"The claim with the last name; can be a path."`

	GroupClaimName      string `option:"group_claim_name" doc:"The claim with the groups: a list, or an object with the groups as keys; can be a path such as realm_access.roles. By default that of the preset, or groups."`
	GroupClaimMember    string `option:"group_claim_member" doc:"The member with the name of a group, if each group is an object; can be a path."`
	GroupClaimSeparator string `option:"group_claim_separator" default:"none" oneof:"none|comma|space|semicolon" doc:"How to read a group claim that is one text: none treats it as one group, the others split it. Split only if users cannot choose the name of a group: a group called guests,admins would become two."`
	GroupsFromGraph     bool   `option:"groups_from_graph" doc:"Ask Microsoft Graph for the groups (by their IDs) if Entra ID sends a reference in their place. The scope must allow this, for example https://graph.microsoft.com/GroupMember.Read.All."`
	GraphURL            string `option:"graph_url" doc:"The URL of Microsoft Graph, such as https://dod-graph.microsoft.us. By default that of the cloud of issuer_url."`

	SkipUserInfo   bool     `option:"skip_userinfo" doc:"Do not ask the user-info endpoint: all claims are in the ID token."`
	AllowedTenants []string `option:"allowed_tenants" doc:"The IDs of the Microsoft tenants that are allowed to sign in (the claim tid). Without it, common and organizations admit every tenant in the world."`

	PKCE                       string `option:"pkce" oneof:"S256|plain|off" doc:"The PKCE method. By default that of the preset, or S256. plain is weak: anyone who reads the authorization request can redeem the code. With off, only the nonce protects the code, for a provider that refuses a code verifier; not for a client that does not authenticate."`
	PlainCodeChallenge         bool   `option:"plain_code_challenge" doc:"The same as pkce=plain."`
	AllowUnlistedPKCE          bool   `option:"allow_unlisted_pkce" doc:"Accept a provider whose discovery document lists no PKCE method at all. S256 is still sent; if the provider ignores it, only the nonce protects against injected codes. Microsoft (Entra ID, B2C), Amazon Cognito and Apple do not need this option. Not for a client that does not authenticate."`
	AllowMissingNonce          bool   `option:"allow_missing_nonce" doc:"Accept ID tokens without a nonce, which are then not bound to the login by it. A nonce that is present must still be right. Together with pkce=off, anyone who obtains an unused code can sign in with it. Part of the preset linkedin; not for a client that does not authenticate."`
	IssuerDiscoveryMustSucceed bool   `option:"issuer_discovery_must_succeed" doc:"Refuse to open the provider while its discovery document cannot be read. By default it is read at the first login, and retried until it succeeds."`

	AuthMethod     string       `option:"client_token_endpoint_auth_method" oneof:"client_secret_basic|client_secret_post|client_secret_jwt|private_key_jwt|tls_client_auth|self_signed_tls_client_auth|none" doc:"How the client authenticates. By default the first of these that the provider lists and for which you set the options: private_key_jwt (client_private_keys), tls_client_auth and self_signed_tls_client_auth (client_http_cert), client_secret_basic, client_secret_post, client_secret_jwt (client_secret)."`
	AuthSigningAlg string       `option:"client_token_endpoint_auth_signing_alg" oneof:"RS256|RS384|RS512|PS256|PS384|PS512|ES256|ES384|ES512|EdDSA|HS256|HS384|HS512" doc:"The algorithm of the client's assertion, for client_secret_jwt (default HS256) and private_key_jwt (default: that of the key)."`
	PrivateKeys    options.JSON `option:"client_private_keys,secret" doc:"The client's private keys, as a JSON array of JWKs, for private_key_jwt. The first key that fits the algorithm signs."`

	AssertionAudience string `option:"client_assertion_audience" oneof:"issuer|endpoint" doc:"The audience of the client's assertion: the issuer, or the endpoint that it is sent to. By default the issuer, except for Okta and Microsoft; if the provider then answers invalid_client, the next assertion is for the endpoint."`

	PushedRequests  string `option:"pushed_authorization_requests" default:"auto" oneof:"auto|required|off" doc:"Push authorization requests to the provider, so that the browser carries only a reference (RFC 9126). auto pushes them if the provider has an endpoint for it, and continues without if that fails, unless the provider requires it."`
	SignedResponses string `option:"signed_authorization_responses" default:"auto" oneof:"auto|required|off" doc:"Have the provider sign its authorization responses (JARM). auto requests it only if the provider supports no other response mode."`
	ResponseAlg     string `option:"client_authorization_signed_response_alg" oneof:"RS256|RS384|RS512|PS256|PS384|PS512|ES256|ES384|ES512|EdDSA" doc:"The only allowed signature algorithm of authorization responses. By default as for ID tokens."`
	DPoP            string `option:"dpop" default:"auto" oneof:"auto|required|off" doc:"Bind tokens to a key that belongs to the login (RFC 9449). auto does so if the provider lists ES256 for it and does not bind tokens to client_http_cert; it also accepts tokens that are not bound."`

	NoRefresh           bool `option:"no_refresh" doc:"Keep no refresh token and no access token. Refreshing a session then does not ask the provider, and somebody who is removed there stays signed in here."`
	KeepProviderSession bool `option:"keep_provider_session" doc:"Do not send the browser to the provider at a logout: only the session here ends."`
	KeepTokens          bool `option:"keep_tokens_at_logout" doc:"Do not revoke tokens at a logout."`

	TrustedAudiences []string `option:"trusted_audiences" doc:"Other audiences that an ID token may have in addition to client_id, such as the project of a Zitadel client. They have the token, too."`

	IDTokenAlg  string `option:"client_id_token_signed_response_alg" oneof:"RS256|RS384|RS512|PS256|PS384|PS512|ES256|ES384|ES512|EdDSA" doc:"The only allowed signature algorithm of ID tokens. By default any that the provider lists, but never one that signs with the client secret."`
	UserInfoAlg string `option:"client_userinfo_signed_response_alg" oneof:"RS256|RS384|RS512|PS256|PS384|PS512|ES256|ES384|ES512|EdDSA" doc:"The only allowed signature algorithm of user-info responses. If it is set, unsigned responses are refused. If not, signed responses are still verified."`

	upstream.HTTPOptions
}

// Validate checks what the types of the options cannot express. The host shows all problems
// to the operator at once.
func (o Options) Validate() error {
	o, p, problems := o.withPreset()
	location, err := discovery.Locate(o.IssuerURL, o.Issuer)
	if err != nil && o.IssuerURL != "" {
		problems.Addf("issuer_url", "%v", err)
	}
	if location.Template() && o.IdentifierKey != "sub" {
		problems.Addf("identifier_key", "must be sub when issuer_url is for many tenants: any other claim is unique at most within one tenant")
	}
	o.validateClaims(&problems)
	if !visible.MatchString(o.ClientID) {
		problems.Addf("client_id", "must contain only printable ASCII characters (RFC 6749 appendix A.1)")
	}
	_, found := o.clientAuth(p)
	problems = append(problems, found...)
	o.validateBinding(&problems)
	o.validateRequest(&problems)
	o.validateTokenParams(&problems)
	return problems.Err()
}

// validateBinding keeps a client that does not authenticate from giving up what binds a
// code to its login.
func (o Options) validateBinding(problems *options.Problems) {
	if o.AuthMethod != clientauth.None {
		return
	}
	for _, word := range []struct {
		option string
		given  bool
	}{{"allow_unlisted_pkce", o.AllowUnlistedPKCE}, {"pkce", o.PKCE == off}, {"allow_missing_nonce", o.AllowMissingNonce}} {
		if word.given {
			problems.Addf(word.option, "cannot have this value for a client that does not authenticate: only PKCE protects it")
		}
	}
}

// validateClaims checks the names of claims, and who can sign in by them.
func (o Options) validateClaims(problems *options.Problems) {
	for _, tenant := range o.AllowedTenants {
		if !discovery.IsTenant(tenant) {
			problems.Addf("allowed_tenants", "has %q: write the IDs of tenants, in lower case (00000000-0000-0000-0000-000000000000)", upstream.Shown(tenant))
		}
	}
	if o.Issuer != "" && (!visible.MatchString(o.Issuer) || discovery.IsTemplate(o.Issuer)) {
		problems.Addf("issuer", "must be an issuer as written in an ID token")
	}
	if o.IdentifierKey == claimEmail && o.EmailKey != claimEmail {
		problems.Addf("identifier_key", "must not be email if email_key is %s: nothing says that the address is verified", upstream.Shown(o.EmailKey))
	}
	if _, known := discovery.CloudOf(o.IssuerURL); o.GroupsFromGraph && o.GraphURL == "" && !known {
		problems.Addf("graph_url", "is missing: issuer_url is not in a known cloud of Microsoft")
	}
	if o.GraphURL != "" {
		if _, err := upstream.ParseEndpoint(o.GraphURL); err != nil {
			problems.Addf("graph_url", "%v", err)
		}
	}
}

var (
	visible    = regexp.MustCompile(`^[\x20-\x7e]+$`)              // VSCHAR of RFC 6749 appendix A
	scopeToken = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`) // RFC 6749 section 3.3
	paramName  = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)           // RFC 6749 section 8.2
)

// reservedParams are the parameters that bind the response to the login, or that can contain
// another value for one of them (request and request_uri).
var reservedParams = []string{
	"client_id", "response_type", "redirect_uri", "state", "nonce",
	"code_challenge", "code_challenge_method", "request", "request_uri",
}

func (o Options) validateRequest(problems *options.Problems) {
	for name, value := range o.Params {
		switch {
		case slices.Contains(reservedParams, name):
			problems.Addf("params", "cannot set %s, which protects the login", name)
		case !paramName.MatchString(name):
			problems.Addf("params", "has the parameter %q: names are letters, digits, dots, underscores and hyphens", name)
		case paramText(value) == nil:
			problems.Addf("params", "cannot write the value of %s as text", name)
		}
	}
	params := o.params()
	mode := params.Get("response_mode")
	if mode != "" && mode != codeflow.ModeQuery && mode != codeflow.ModeFormPost && !jarm.Signed(mode) {
		problems.Addf("params", "response_mode must be query or form_post, not %q", mode)
	}
	if jarm.Signed(mode) && o.SignedResponses == off {
		problems.Addf("signed_authorization_responses", "is off, but response_mode %s requests signed ones", mode)
	}
	if age := params.Get("max_age"); age != "" {
		if _, err := strconv.ParseUint(age, 10, 31); err != nil {
			problems.Addf("params", "max_age must be a number of seconds")
		}
	}
	if _, err := idtoken.EssentialACR(params.Get("claims")); err != nil {
		problems.Addf("params", "claims %v", err)
	}
	for _, token := range strings.Fields(params.Get("scope")) {
		if !scopeToken.MatchString(token) {
			problems.Addf("scope", "has the scope %q, which contains a character that is not allowed in a scope", token)
		}
	}
}

func (o Options) clientAuth(p preset.Preset) (clientauth.Auth, options.Problems) {
	return clientauth.New(clientauth.Settings{
		Signed:   clientauth.SignedSecret{Audience: p.SecretAudience, TeamID: o.SecretTeamID, KeyID: o.SecretKeyID, Key: o.SecretKey},
		ClientID: o.ClientID, Method: o.AuthMethod, Secret: o.ClientSecret, SigningAlg: o.AuthSigningAlg, PrivateKeys: o.PrivateKeys,
		Certificate: o.HTTPCert != "", Audience: o.AssertionAudience,
	})
}

// Values of options for protections that not every provider supports. The third value is
// auto.
const (
	required = "required"
	off      = "off"
)

// responseMode is the response mode to use with a provider that lists these modes. The
// default of the code flow is query.
func (o Options) responseMode(listed []string) string {
	mode := cmp.Or(o.params().Get("response_mode"), codeflow.ModeQuery)
	signed := jarm.Of(mode)
	onlySigned := slices.Contains(listed, signed) && !slices.Contains(listed, mode)
	if o.SignedResponses == required || o.SignedResponses != off && onlySigned {
		return signed
	}
	return mode
}

// responseAlgs are the algorithms with which an authorization response may be signed.
func (o Options) responseAlgs(md discovery.Metadata) []string {
	if alg := cmp.Or(o.ResponseAlg, o.IDTokenAlg); alg != "" {
		return []string{alg}
	}
	if known := jose.Known(md.ResponseAlgs); len(known) > 0 {
		return known
	}
	return md.Algs
}

// requirements are what the options require of a provider at that location.
func (o Options) requirements(location discovery.Location) discovery.Requirements {
	return discovery.Requirements{
		Location: location, IDTokenAlg: o.IDTokenAlg, PKCEMethod: o.pkceMethod(),
		AllowUnlistedPKCE: o.AllowUnlistedPKCE, Public: o.AuthMethod == clientauth.None, Reserved: reservedParams,
		SkipUserInfo: o.SkipUserInfo,
	}
}

// params are the operator's parameters, including scope, and defaults that they can
// replace.
func (o Options) params() url.Values {
	params := url.Values{
		"scope": {o.Scope},
		// Without it, Google issues no refresh token; others ignore it (OpenID Connect Core
		// section 3.1.2.1).
		"access_type": {"offline"},
	}
	for name, value := range o.Params {
		if text := paramText(value); text != nil {
			params.Set(name, *text)
		}
	}
	scopes := strings.Fields(params.Get("scope"))
	if !slices.Contains(scopes, "openid") {
		scopes = append([]string{"openid"}, scopes...)
	}
	params.Set("scope", strings.Join(scopes, " "))
	for name := range params {
		if params.Get(name) == "" {
			params.Del(name)
		}
	}
	return params
}

// paramText writes a value in the form of a request: objects, such as the claims parameter,
// as JSON.
func paramText(value any) *string {
	var text string
	switch v := value.(type) {
	case nil:
	case string:
		text = v
	case json.Number:
		text = v.String()
	case bool:
		text = strconv.FormatBool(v)
	default:
		encoded, err := json.Marshal(v)
		if err != nil {
			return nil
		}
		text = string(encoded)
	}
	return &text
}
