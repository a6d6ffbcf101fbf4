package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// How long a discovery document is fresh, and how long the last good one serves
// while the provider is down.
const (
	discoveryFresh = time.Hour
	discoveryKeep  = 24 * time.Hour
)

// metadata is what a provider says about itself (OpenID Connect Discovery 1.0
// section 3), checked.
type metadata struct {
	issuer                string
	authorizationEndpoint string
	tokenEndpoint         string
	userInfoEndpoint      string // empty if there is none
	jwksURI               string

	// issInResponse: the provider puts iss into each authorization response
	// (RFC 9207 section 3).
	issInResponse bool

	// Lists, nil where the provider does not say.
	authMethods   []string
	pkceMethods   []string
	idTokenAlgs   []string
	userInfoAlgs  []string
	scopes        []string
	responseModes []string
}

// discover loads and checks the discovery document.
func (m *mechanism) discover(ctx context.Context) (metadata, time.Duration, error) {
	location := m.location.document
	doc, err := get(ctx, m.client, location, "application/json", "", reasonDiscoveryUnreachable)
	if err != nil {
		return metadata{}, 0, err
	}
	if err := checkDiscoveryStatus(doc.status, location); err != nil {
		return metadata{}, 0, err
	}
	object, err := claims.Decode(doc.body)
	if err != nil {
		return metadata{}, 0, sdk.Misconfigured(reasonDiscoveryMalformed, "%s is no discovery document: %w: check issuer_url", location, err)
	}
	md, err := readMetadata(object)
	if err != nil {
		return metadata{}, 0, sdk.Misconfigured(reasonDiscoveryMalformed, "%s: %w", location, err)
	}
	return md, discoveryFresh, m.checkMetadata(md, object)
}

// checkDiscoveryStatus tells a wrong URL from a provider in trouble. A redirect
// is not followed: the document must stand where its issuer says.
func checkDiscoveryStatus(status int, location string) error {
	switch {
	case status == http.StatusOK:
		return nil
	case status >= 300 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests:
		return sdk.Misconfigured(reasonDiscoveryStatus, "%s answers with status %d: check issuer_url", location, status)
	default:
		return sdk.Unavailable(reasonDiscoveryStatus, "%s answers with status %d", location, status)
	}
}

func readMetadata(object claims.Object) (metadata, error) {
	var md metadata
	for name, target := range map[string]*string{
		"issuer":                 &md.issuer,
		"authorization_endpoint": &md.authorizationEndpoint,
		"token_endpoint":         &md.tokenEndpoint,
		"userinfo_endpoint":      &md.userInfoEndpoint,
		"jwks_uri":               &md.jwksURI,
	} {
		var err error
		if *target, err = object.String(name); err != nil {
			return metadata{}, err
		}
	}
	for name, target := range map[string]*[]string{
		"token_endpoint_auth_methods_supported": &md.authMethods,
		"code_challenge_methods_supported":      &md.pkceMethods,
		"id_token_signing_alg_values_supported": &md.idTokenAlgs,
		"userinfo_signing_alg_values_supported": &md.userInfoAlgs,
		"scopes_supported":                      &md.scopes,
		"response_modes_supported":              &md.responseModes,
	} {
		var err error
		if *target, err = object.Strings(name); err != nil {
			return metadata{}, err
		}
	}
	md.issInResponse = object.True("authorization_response_iss_parameter_supported")
	return md, nil
}

// checkMetadata checks that the document speaks for the configured issuer and
// that we can work with the provider.
func (m *mechanism) checkMetadata(md metadata, object claims.Object) error {
	if !slices.Contains(m.location.issuers, md.issuer) {
		return sdk.Misconfigured(reasonDiscoveryIssuer,
			"%s says that its issuer is %q, not %q: if that is the provider you mean, set issuer_url to it (Discovery section 4.3)",
			m.location.document, shown(md.issuer), m.location.issuers[0])
	}
	if err := checkEndpoints(md); err != nil {
		return err
	}
	types, err := object.Strings("response_types_supported")
	if err != nil || !slices.Contains(types, "code") {
		return sdk.Misconfigured(reasonDiscoveryUnsupported, "the provider does not list the response type code")
	}
	if err := m.checkPKCE(md); err != nil {
		return err
	}
	if alg := m.options.IDTokenAlg; md.idTokenAlgs != nil && !slices.Contains(md.idTokenAlgs, alg) {
		return sdk.Misconfigured(reasonDiscoveryUnsupported,
			"the provider signs ID tokens with %q, not with %s: set client_id_token_signed_response_alg", shownList(md.idTokenAlgs), alg)
	}
	return nil
}

func checkEndpoints(md metadata) error {
	for _, endpoint := range []struct {
		name, url string
		optional  bool
	}{
		{"authorization_endpoint", md.authorizationEndpoint, false},
		{"token_endpoint", md.tokenEndpoint, false},
		{"jwks_uri", md.jwksURI, false},
		{"userinfo_endpoint", md.userInfoEndpoint, true},
	} {
		if endpoint.url == "" && endpoint.optional {
			continue
		}
		if endpoint.url == "" {
			return sdk.Misconfigured(reasonDiscoveryEndpoint, "the discovery document has no %s", endpoint.name)
		}
		if err := checkURL(endpoint.url); err != nil {
			return sdk.Misconfigured(reasonDiscoveryEndpoint, "the %s in the discovery document %w", endpoint.name, err)
		}
	}
	return checkAuthorizationQuery(md.authorizationEndpoint)
}

// checkAuthorizationQuery refuses an endpoint whose own query (allowed by RFC
// 6749 section 3.1) holds a parameter that we set, because a parameter that is
// there twice can be read either way.
func checkAuthorizationQuery(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return sdk.Misconfigured(reasonDiscoveryEndpoint, "the authorization_endpoint in the discovery document is not a URL")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return sdk.Misconfigured(reasonDiscoveryEndpoint, "the authorization_endpoint in the discovery document has a query that cannot be read")
	}
	for name := range query {
		if slices.Contains(guarded, name) {
			return sdk.Misconfigured(reasonDiscoveryEndpoint, "the authorization_endpoint in the discovery document sets the parameter %s itself", name)
		}
	}
	return nil
}

// unlistedPKCE are providers that list no PKCE method, known to do well without:
// Microsoft documents S256, and leaves it out of its documents; Apple binds the
// code to the nonce.
var unlistedPKCE = []string{
	"https://login.microsoftonline.com/", "https://login.microsoftonline.us/", "https://login.partner.microsoftonline.cn/",
	"https://appleid.apple.com/",
}

// checkPKCE keeps a provider from ignoring the code challenge unnoticed (RFC
// 9700 section 4.8.2). Where none is listed, the nonce in the ID token is the
// other protection against an injected code, but only for a client that
// authenticates (RFC 9700 section 2.1.1).
func (m *mechanism) checkPKCE(md metadata) error {
	method := m.pkceMethod()
	known := slices.ContainsFunc(unlistedPKCE, func(prefix string) bool { return strings.HasPrefix(md.issuer+"/", prefix) })
	switch {
	case slices.Contains(md.pkceMethods, method):
		return nil
	case md.pkceMethods == nil && m.options.AuthMethod != authNone && (known || m.options.AllowUnlistedPKCE):
		return nil
	case md.pkceMethods == nil:
		return sdk.Misconfigured(reasonDiscoveryUnsupported,
			"the provider lists no PKCE method (code_challenge_methods_supported): if you know that it has %s, set allow_unlisted_pkce", method)
	case method == pkceS256:
		return sdk.Misconfigured(reasonDiscoveryUnsupported,
			"the provider lists the PKCE methods %q and not S256: have S256 switched on there, or set plain_code_challenge", shownList(md.pkceMethods))
	default:
		return sdk.Misconfigured(reasonDiscoveryUnsupported,
			"the provider lists the PKCE methods %q and not plain: leave plain_code_challenge out", shownList(md.pkceMethods))
	}
}

func shownList(list []string) []string {
	const most = 16
	var short []string
	for _, s := range list[:min(len(list), most)] {
		short = append(short, shown(s))
	}
	return short
}
