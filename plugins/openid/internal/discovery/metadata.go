package discovery

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// How long a discovery document is fresh, and how long the last good one is used while the
// provider is down.
const (
	fresh = time.Hour
	Keep  = 24 * time.Hour
)

// Metadata is what a provider says about itself (OpenID Connect Discovery 1.0
// section 3), checked.
type Metadata struct {
	Issuer                string
	AuthorizationEndpoint string
	TokenEndpoint         string
	UserInfoEndpoint      string // empty if there is none
	JWKSURI               string

	// IssInResponse: the provider puts iss into each authorization response
	// (RFC 9207 section 3).
	IssInResponse bool

	// Algs are the algorithms that an ID token may have, by the names of package jose.
	Algs []string

	// The provider's lists; nil: absent.
	AuthMethods   []string
	PKCEMethods   []string
	IDTokenAlgs   []string
	UserInfoAlgs  []string
	Scopes        []string
	ResponseModes []string

	OptionalMetadata

	// Date is the provider's clock, or the zero Time.
	Date time.Time
}

// Requirements are what the options require of a provider.
type Requirements struct {
	Location          Location
	IDTokenAlg        string // the only one; empty: those that the provider lists
	PKCEMethod        string // empty: none is used
	AllowUnlistedPKCE bool
	Public            bool     // the client does not authenticate
	SkipUserInfo      bool     // the user-info endpoint is of no interest
	Reserved          []string // parameters that no endpoint may set itself
}

// Load loads and checks the discovery document.
func Load(ctx context.Context, client *http.Client, want Requirements) (upstream.Loaded[Metadata], error) {
	none := upstream.Loaded[Metadata]{}
	location := want.Location.Document
	answer, err := upstream.Get(ctx, client, location, http.Header{"Accept": {"application/json"}})
	if err != nil {
		return none, upstream.Unreachable(ReasonUnreachable, "", err)
	}
	if err := checkStatus(answer, location); err != nil {
		return none, err
	}
	object, err := claims.DecodeFor(answer.JSON(), names...)
	switch {
	case err != nil && answer.IsHTML():
		return none, sdk.Misconfigured(ReasonMalformed, "%s is not a discovery document: %s: check issuer_url", location, answer.HTMLText())
	case err != nil:
		return none, sdk.Misconfigured(ReasonMalformed, "%s is not a discovery document: %w: check issuer_url", location, err)
	}
	md, err := readMetadata(object, checkerFor(location))
	if err != nil {
		return none, sdk.Misconfigured(ReasonMalformed, "%s: %w", location, err)
	}
	md.Date = answer.Date()
	if want.SkipUserInfo {
		md.UserInfoEndpoint = ""
	}
	if err := check(&md, object, want); err != nil {
		return none, err
	}
	return upstream.Loaded[Metadata]{Value: md, Fresh: fresh, Keep: Keep}, nil
}

// checkStatus distinguishes a wrong URL from a provider that is temporarily unavailable. A
// redirect is not followed: the document must be at the URL that follows from its issuer.
func checkStatus(a upstream.Answer, location string) error {
	switch {
	case a.Status == http.StatusOK:
		return nil
	case a.Status < 300 || a.Passing():
		return sdk.Unavailable(ReasonStatus, "%s %s", location, a.Problem())
	default:
		return sdk.Misconfigured(ReasonStatus, "%s %s: check issuer_url", location, a.Problem())
	}
}

// names are the members that are read.
var names = slices.Concat(optionalNames, []string{
	"issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri",
	"token_endpoint_auth_methods_supported", "code_challenge_methods_supported", "id_token_signing_alg_values_supported",
	"userinfo_signing_alg_values_supported", "scopes_supported", "response_modes_supported", "response_types_supported",
	"authorization_response_iss_parameter_supported",
})

func readMetadata(object claims.Object, check endpointChecker) (Metadata, error) {
	var md Metadata
	for name, target := range map[string]*string{
		"issuer":                 &md.Issuer,
		"authorization_endpoint": &md.AuthorizationEndpoint,
		"token_endpoint":         &md.TokenEndpoint,
		"userinfo_endpoint":      &md.UserInfoEndpoint,
		"jwks_uri":               &md.JWKSURI,
	} {
		var err error
		if *target, err = object.String(name); err != nil {
			return Metadata{}, err
		}
	}
	for name, target := range map[string]*[]string{
		"token_endpoint_auth_methods_supported": &md.AuthMethods,
		"code_challenge_methods_supported":      &md.PKCEMethods,
		"id_token_signing_alg_values_supported": &md.IDTokenAlgs,
		"userinfo_signing_alg_values_supported": &md.UserInfoAlgs,
		"scopes_supported":                      &md.Scopes,
		"response_modes_supported":              &md.ResponseModes,
	} {
		*target = list(object, name)
	}
	md.IssInResponse = object.True("authorization_response_iss_parameter_supported")
	md.OptionalMetadata = readOptional(object, check)
	return md, nil
}

// list reads a list of names. Elements that are not texts are ignored, and a value that is
// not a list counts as absent.
func list(object claims.Object, name string) []string {
	if all, err := object.Strings(name); err == nil {
		return all
	}
	elements, ok := object[name].([]any)
	if !ok {
		return nil
	}
	texts := []string{}
	for _, element := range elements {
		if text, ok := element.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// check checks that the document belongs to the configured issuer, and that the provider has
// what the options require.
func check(md *Metadata, object claims.Object, want Requirements) error {
	if err := checkIssuer(md, want.Location); err != nil {
		return err
	}
	if err := checkEndpoints(*md, want); err != nil {
		return err
	}
	if types := list(object, "response_types_supported"); len(types) > 0 && !slices.Contains(types, "code") {
		return sdk.Misconfigured(ReasonUnsupported, "the provider lists the response types %q and not code", upstream.ShownList(types))
	}
	if err := checkPKCE(*md, want); err != nil {
		return err
	}
	var err error
	md.Algs, err = algs(md.IDTokenAlgs, want.IDTokenAlg)
	return err
}

// checkIssuer checks the issuer of the document. It replaces an alias by the preferred one,
// so that a login that is under way does not fail when the provider changes between them.
func checkIssuer(md *Metadata, location Location) error {
	if IsTemplate(md.Issuer) && !location.Template() {
		return sdk.Misconfigured(ReasonIssuer,
			"%s is for many tenants, because its issuer is %q: only Microsoft's …/common/v2.0 and …/organizations/v2.0 are supported. Set issuer_url to one of these, or to that of a single tenant", location.Document, upstream.Shown(md.Issuer))
	}
	if !slices.Contains(location.Issuers, md.Issuer) {
		return sdk.Misconfigured(ReasonIssuer,
			"%s says that its issuer is %q, not %q: if that is the provider you mean, set issuer_url to it, or set issuer if there is no document below it (Discovery section 4.3)",
			location.Document, upstream.Shown(md.Issuer), location.Issuers[0])
	}
	if names := aliasesOf(md.Issuer); len(names) > 1 {
		md.Issuer = names[0]
	}
	return nil
}

// algs are the algorithms that an ID token may have: the one of the option, or any asymmetric
// one that the provider lists. A provider without a list violates Discovery section 3; then
// its keys decide.
func algs(listed []string, option string) ([]string, error) {
	if option != "" {
		return []string{option}, nil
	}
	if listed == nil {
		return jose.Asymmetric, nil
	}
	known := jose.Known(listed)
	if len(known) == 0 {
		return nil, sdk.Misconfigured(ReasonUnsupported,
			"the provider lists only %q for ID tokens, which are not supported: configure it to use RS256, or set client_id_token_signed_response_alg to what it signs with", upstream.ShownList(listed))
	}
	return known, nil
}

// endpointChecker checks the URL of an endpoint.
type endpointChecker func(text string) error

// checkerFor returns the checker for the endpoints of a document. Plain http is otherwise
// allowed on loopback, but not in a document that came over TLS: with it, a remote provider
// could send requests to servers on this machine (RFC 9700 section 4.11).
func checkerFor(document string) endpointChecker {
	return func(text string) error {
		u, err := upstream.ParseEndpoint(text)
		if err == nil && u.Scheme == "http" && strings.HasPrefix(document, "https:") {
			return errors.New("is http to this machine, but the document has https")
		}
		return err
	}
}

func checkEndpoints(md Metadata, want Requirements) error {
	check := checkerFor(want.Location.Document)
	for _, endpoint := range []struct {
		name, url string
		optional  bool
	}{
		{"authorization_endpoint", md.AuthorizationEndpoint, false},
		{"token_endpoint", md.TokenEndpoint, false},
		{"jwks_uri", md.JWKSURI, false},
		{"userinfo_endpoint", md.UserInfoEndpoint, true},
	} {
		if endpoint.url == "" && endpoint.optional {
			continue
		}
		if endpoint.url == "" {
			return sdk.Misconfigured(ReasonEndpoint, "the discovery document has no %s", endpoint.name)
		}
		if err := check(endpoint.url); err != nil {
			return sdk.Misconfigured(ReasonEndpoint, "the %s in the discovery document %w", endpoint.name, err)
		}
	}
	return checkAuthorizationQuery(md.AuthorizationEndpoint, want.Reserved)
}

// checkAuthorizationQuery refuses an endpoint whose own query (allowed by RFC 6749 section
// 3.1) contains a reserved parameter, because a parameter that occurs twice can be read
// either way.
func checkAuthorizationQuery(endpoint string, reserved []string) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return sdk.Misconfigured(ReasonEndpoint, "the authorization_endpoint in the discovery document is not a URL")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return sdk.Misconfigured(ReasonEndpoint, "the authorization_endpoint in the discovery document has a query that cannot be read")
	}
	for name := range query {
		if slices.Contains(reserved, name) {
			return sdk.Misconfigured(ReasonEndpoint, "the authorization_endpoint in the discovery document contains the parameter %s, which Doorward sets", name)
		}
	}
	return nil
}

// checkPKCE refuses a provider that could ignore the code challenge unnoticed (RFC 9700
// section 4.8.2). If no method is listed, the nonce in the ID token also protects against an
// injected code, but only for a client that authenticates (RFC 9700 section 2.1.1).
func checkPKCE(md Metadata, want Requirements) error {
	method := want.PKCEMethod
	known := unlistedPKCE(md.Issuer)
	switch {
	case method == "" && !want.Public, slices.Contains(md.PKCEMethods, method):
		return nil
	case md.PKCEMethods == nil && !want.Public && (known || want.AllowUnlistedPKCE):
		return nil
	case md.PKCEMethods == nil:
		return sdk.Misconfigured(ReasonUnsupported,
			"the provider lists no PKCE method (code_challenge_methods_supported): if you know that it supports %s, set allow_unlisted_pkce", method)
	case method == codeflow.S256:
		return sdk.Misconfigured(ReasonUnsupported,
			"the provider lists the PKCE methods %q and not S256: switch on S256 there, or set plain_code_challenge", upstream.ShownList(md.PKCEMethods))
	default:
		return sdk.Misconfigured(ReasonUnsupported,
			"the provider lists the PKCE methods %q and not plain: leave plain_code_challenge out", upstream.ShownList(md.PKCEMethods))
	}
}
