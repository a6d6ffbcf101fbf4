package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

var _ sdk.Checker = (*mechanism)(nil)

// Check reads the discovery document and the keys, compares the options with what the
// provider lists, and asks each endpoint without signing anybody in.
func (m *mechanism) Check(ctx context.Context) ([]sdk.Finding, error) {
	findings := m.options.HTTPOptions.Findings(m.now())
	loaded, err := m.discover(ctx)
	if err != nil {
		return append(findings, upstream.Failed("discovery", err)), nil
	}
	md := loaded.Value
	findings = append(findings,
		upstream.Fine("discovery", "issuer %s", md.Issuer),
		checkClock(m.now(), md.Date),
		checkKeys(ctx, m.keys(md), md.Algs),
		m.checkBinding(md),
		listed("client_token_endpoint_auth_method", md.AuthMethods, m.auth.MethodFor(md.AuthMethods)),
		listed("scope", md.Scopes, strings.Fields(m.asked.Get("scope"))...),
		listed("response_mode", md.ResponseModes, m.options.responseMode(md.ResponseModes)),
	)
	findings = append(findings, m.checkRegistration(md)...)
	if !sdk.IsUnattended(ctx) {
		findings = append(findings, m.tryClient(ctx, md)...)
	}
	if alg := m.options.IDTokenAlg; alg != "" {
		findings = append(findings, listed("client_id_token_signed_response_alg", jose.Known(md.IDTokenAlgs), alg))
	}
	if len(md.Odd) > 0 {
		findings = append(findings, upstream.Warning("discovery", "the document's %q cannot be read or must not be requested, and is ignored", md.Odd))
	}
	if alg := m.options.UserInfoAlg; alg != "" {
		findings = append(findings, listed("client_userinfo_signed_response_alg", md.UserInfoAlgs, alg))
	}
	return findings, nil
}

// tryClient finds out whether the provider accepts the client.
func (m *mechanism) tryClient(ctx context.Context, md discovery.Metadata) []sdk.Finding {
	if m.options.HTTPCert != "" {
		md = md.WithAliases()
	}
	return []sdk.Finding{m.checkAuthorization(ctx, md), m.checkClient(ctx, md)}
}

func checkClock(ours, theirs time.Time) sdk.Finding {
	f := upstream.Clock("the provider", ours, theirs, idtoken.ClockSkew, fmt.Sprintf("from %v on, logins are refused", idtoken.ClockSkew))
	// The provider sends whole seconds, from before the response arrived.
	if !theirs.IsZero() && ours.Sub(theirs).Abs() > idtoken.ClockSkew+time.Second {
		f.Severity = sdk.SeverityError
	}
	return f
}

func checkKeys(ctx context.Context, keys *jose.Store, algs []string) sdk.Finding {
	const subject = "keys"
	set, err := keys.Load(ctx)
	if err != nil {
		return upstream.Failed(subject, err)
	}
	fitting := 0
	for _, key := range set.Keys {
		if slices.ContainsFunc(algs, key.Fits) {
			fitting++
		}
	}
	text := fmt.Sprintf("%d keys for %s; %d others and %d unusable ones", fitting, strings.Join(algs, ", "), len(set.Keys)-fitting, set.Unusable)
	if fitting == 0 {
		return upstream.Failed(subject, errors.New(text+": does client_id_token_signed_response_alg fit the client's registration?"))
	}
	return upstream.Fine(subject, "%s", text)
}

// checkBinding checks what binds a code to its login.
func (m *mechanism) checkBinding(md discovery.Metadata) sdk.Finding {
	const subject = "PKCE"
	method := m.options.pkceMethod()
	switch {
	case method == "" && m.options.AllowMissingNonce:
		return upstream.Warning(subject, "off, and ID tokens need no nonce: anyone who obtains an unused code can sign in with it")
	case method == "":
		return upstream.Warning(subject, "off: only the nonce protects the login")
	case md.PKCEMethods == nil && m.options.AllowMissingNonce:
		return upstream.Warning(subject, "the provider lists no method, and ID tokens need no nonce: if the provider ignores %s, anyone who obtains an unused code can sign in with it", method)
	case md.PKCEMethods == nil:
		return upstream.Warning(subject, "the provider lists no method; %s is sent, and if the provider ignores it, only the nonce protects the login", method)
	case method == codeflow.Plain:
		return upstream.Warning(subject, "plain is weak: leave it out if the provider has S256")
	}
	return upstream.Fine(subject, "%s", method)
}

// listed warns of values that the provider does not list. This is not an error, because
// lists are optional and often incomplete.
func listed(option string, list []string, wanted ...string) sdk.Finding {
	if list == nil {
		return upstream.Fine(option, "the provider lists no values")
	}
	for _, name := range wanted {
		if !slices.Contains(list, name) {
			return upstream.Warning(option, "the provider does not list %q; it lists %q", name, upstream.ShownList(list))
		}
	}
	return upstream.Fine(option, "%s", strings.Join(wanted, " "))
}
