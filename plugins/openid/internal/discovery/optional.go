package discovery

import (
	"slices"

	"github.com/doorward/doorward/sdk/claims"
)

// OptionalMetadata is metadata that not every login needs: how a client can secure its
// requests, and how sessions end. Members that cannot be read, or are URLs that must not be
// requested, count as absent: a login must not fail because of an endpoint that it may never
// use.
type OptionalMetadata struct {
	EndSessionEndpoint string // RP-Initiated Logout 1.0 section 2.1
	RevocationEndpoint string // RFC 8414 section 2
	PushEndpoint       string // pushed_authorization_request_endpoint (RFC 9126 section 5)

	PushRequired     bool // require_pushed_authorization_requests
	CertificateBound bool // tls_client_certificate_bound_access_tokens (RFC 8705 section 3.3)

	DPoPAlgs      []string // dpop_signing_alg_values_supported (RFC 9449 section 5.1)
	ResponseAlgs  []string // authorization_signing_alg_values_supported (JARM section 4)
	AssertionAlgs []string // token_endpoint_auth_signing_alg_values_supported

	// Aliases are the endpoints for clients with a certificate (RFC 8705 section 5), by the
	// names of the endpoints that they replace.
	Aliases map[string]string

	// Odd names the members that were ignored.
	Odd []string
}

// Aliased names the endpoints that can differ for a client with a certificate.
var Aliased = []string{
	"token_endpoint", "userinfo_endpoint", "revocation_endpoint", "pushed_authorization_request_endpoint",
}

// optionalNames are the members that are read here.
var optionalNames = slices.Concat(Aliased, []string{
	"end_session_endpoint", "require_pushed_authorization_requests", "tls_client_certificate_bound_access_tokens",
	"dpop_signing_alg_values_supported", "authorization_signing_alg_values_supported",
	"token_endpoint_auth_signing_alg_values_supported", "mtls_endpoint_aliases",
})

func readOptional(object claims.Object, check endpointChecker) OptionalMetadata {
	r := optionalReader{object: object, check: check}
	f := OptionalMetadata{
		EndSessionEndpoint: r.endpoint(object, "end_session_endpoint"),
		RevocationEndpoint: r.endpoint(object, "revocation_endpoint"),
		PushEndpoint:       r.endpoint(object, "pushed_authorization_request_endpoint"),
		PushRequired:       object.True("require_pushed_authorization_requests"),
		CertificateBound:   object.True("tls_client_certificate_bound_access_tokens"),
		DPoPAlgs:           r.list("dpop_signing_alg_values_supported"),
		ResponseAlgs:       r.list("authorization_signing_alg_values_supported"),
		AssertionAlgs:      r.list("token_endpoint_auth_signing_alg_values_supported"),
	}
	aliases, err := object.Object("mtls_endpoint_aliases")
	if err != nil {
		r.odd = append(r.odd, "mtls_endpoint_aliases")
	}
	for _, name := range Aliased {
		if alias := r.endpoint(aliases, name); alias != "" {
			if f.Aliases == nil {
				f.Aliases = map[string]string{}
			}
			f.Aliases[name] = alias
		}
	}
	f.Odd = r.odd
	return f
}

type optionalReader struct {
	object claims.Object
	check  endpointChecker
	odd    []string
}

func (r *optionalReader) endpoint(in claims.Object, name string) string {
	text, err := in.String(name)
	if err == nil && text == "" {
		return ""
	}
	if err == nil {
		err = r.check(text)
	}
	if err != nil {
		r.odd = append(r.odd, name)
		return ""
	}
	return text
}

func (r *optionalReader) list(name string) []string {
	list, err := r.object.Strings(name)
	if err != nil {
		r.odd = append(r.odd, name)
		return nil
	}
	return list
}

// WithAliases replaces the endpoints by those for a client with a certificate.
func (m Metadata) WithAliases() Metadata {
	for name, target := range map[string]*string{
		"token_endpoint":                        &m.TokenEndpoint,
		"userinfo_endpoint":                     &m.UserInfoEndpoint,
		"revocation_endpoint":                   &m.RevocationEndpoint,
		"pushed_authorization_request_endpoint": &m.PushEndpoint,
	} {
		if alias := m.Aliases[name]; alias != "" {
			*target = alias
		}
	}
	return m
}
