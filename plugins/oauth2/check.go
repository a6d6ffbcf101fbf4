package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/internal/fieldpath"
	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// clockTolerated can be generous: OAuth 2.0 signs no times, so a wrong clock affects only
// the lifetime of sessions.
const clockTolerated = 5 * time.Minute

// Check sends a request to each endpoint without signing anybody in. It sends an invalid
// code to the token endpoint: a server that accepts the client's credentials refuses the
// code, any other refuses the client.
func (m *mechanism) Check(ctx context.Context) ([]sdk.Finding, error) {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	findings := []sdk.Finding{upstream.Fine("callback", "register %s with the identity provider%s", m.callback, m.callbackRule())}
	findings = append(findings, m.checkEndpoints(ctx)...)
	if !sdk.IsUnattended(ctx) {
		findings = append(findings, m.checkClient(ctx))
	}
	findings = append(findings, m.checkPKCE(), m.checkIdentifier(), m.checkFields())
	findings = append(findings, m.checkEmail(), m.checkAllowed())
	if lacking := m.lackingScopes(); len(lacking) > 0 {
		findings = append(findings, upstream.Warning("scope", "lacks %q, which the preset needs to read groups: without it, or a scope that includes it, Doorward finds no groups", lacking))
	}
	if p := m.set.preset; p.Name != "" {
		findings = append(findings, upstream.Fine("preset", "%s, as of %s", p.Name, p.Dated))
	}
	return append(findings, m.options.HTTPOptions.Findings(m.now())...), nil
}

func (m *mechanism) callbackRule() string {
	if rule := m.set.preset.Manual.Callback; rule != "" {
		return ". " + rule
	}
	return ""
}

// checkEndpoints requests the endpoints without a token. Most responses show that the
// server is reachable.
func (m *mechanism) checkEndpoints(ctx context.Context) []sdk.Finding {
	var findings []sdk.Finding
	for _, endpoint := range []struct{ option, url string }{
		{"authorize_url", m.set.authorizeURL}, {"profile_url", m.set.profileURL},
	} {
		if endpoint.url == fromToken {
			continue
		}
		header := http.Header{}
		for name, value := range m.set.profileHeaders {
			// The other fields are for the API and can contain a key.
			if endpoint.option == "profile_url" || name == "User-Agent" {
				header.Set(name, value)
			}
		}
		answer, err := upstream.Get(ctx, m.client, endpoint.url, header)
		switch {
		case err != nil:
			findings = append(findings, upstream.Failed(endpoint.option, err))
		case answer.Status >= 500 || answer.Status == 404 && endpoint.option == "profile_url":
			findings = append(findings, upstream.Warning(endpoint.option, "%s %s", endpoint.url, answer.Problem()))
		case answer.Status == http.StatusOK && endpoint.option == "profile_url" && answer.IsHTML():
			findings = append(findings, upstream.Warning(endpoint.option, "%s is not an API: %s", endpoint.url, answer.HTMLText()))
		default:
			findings = append(findings, upstream.Fine(endpoint.option, "%s is reachable (status %d without a login)", endpoint.url, answer.Status))
		}
		if endpoint.option == "profile_url" && err == nil {
			findings = append(findings, upstream.Clock("the provider", m.now(), answer.Date(), clockTolerated, "sessions end too early or too late"))
		}
	}
	return findings
}

// invalidCode is a code that no server issues.
const invalidCode = "doorward-check-this-is-no-code"

func (m *mechanism) checkClient(ctx context.Context) sdk.Finding {
	const subject = "client_secret"
	verifier := ""
	if m.set.pkce != pkceOff {
		verifier = codeflow.NewVerifier()
	}
	_, err := m.exchange(ctx, m.callback, invalidCode, verifier)
	err = m.scrub(err, noTokens, verifier)
	refusal, ok := errors.AsType[*sdk.Error](err)
	switch {
	case err == nil:
		return upstream.Failed(subject, errors.New("the token endpoint issues tokens for a code that was never issued: do not use this provider"))
	case ok && slices.Contains([]sdk.Reason{"invalid_grant", "bad_verification_code"}, refusal.Reason):
		return upstream.Fine(subject, "the token endpoint accepts the client: it refuses only a code that was never issued")
	case ok && errors.Is(refusal.Kind, sdk.ErrMisconfigured) && (refusal.Reason != "unauthorized_client" || len(m.set.preset.CodeRefused) > 0):
		return upstream.Failed(subject, err)
	case ok && (errors.Is(refusal.Kind, sdk.ErrUnavailable) || slices.Contains([]sdk.Reason{upstream.ReasonHTML, codeflow.ReasonStatus}, refusal.Reason)):
		return upstream.Failed("access_url", err)
	default: // includes unauthorized_client, which some servers send for an invalid code
		return upstream.Warning(subject, "only a login can show whether client_id and client_secret are correct: %v", err)
	}
}

func (m *mechanism) checkPKCE() sdk.Finding {
	switch m.set.pkce {
	case codeflow.S256:
		return upstream.Fine("pkce", "S256 is sent; only the provider's documentation says whether the provider verifies it")
	case codeflow.Plain:
		return upstream.Warning("pkce", "plain is weak: remove the option if the provider supports S256")
	default:
		if m.set.preset.PKCE == pkceOff && m.options.PKCE == "" {
			return upstream.Fine("pkce", "off, as set by the preset: only the state protects the code")
		}
		return upstream.Warning("pkce", "off: only the state protects the code")
	}
}

func (m *mechanism) checkIdentifier() sdk.Finding {
	if warning := m.set.identifierWarning(); warning != "" {
		return upstream.Warning("identifier_key", "%s", warning)
	}
	return upstream.Fine("identifier_key", "%s, %s", m.set.identifier, m.set.identifierKind())
}

// checkFields lists the fields that are read, so that an operator can compare them with a
// profile.
func (m *mechanism) checkFields() sdk.Finding {
	f := m.set.fields
	var parts []string
	for _, field := range []struct {
		name string
		path fieldpath.Path
	}{
		{"user name", f.username}, {"e-mail", f.email}, {"verified", f.verified}, {"name", f.name}, {"first name", f.first}, {"last name", f.last},
	} {
		if !field.path.IsZero() {
			parts = append(parts, fmt.Sprintf("%s from %s", field.name, field.path))
		}
	}
	for _, g := range m.set.groupSources {
		parts = append(parts, fmt.Sprintf("%ss from %s", g.kind, g.path))
	}
	for _, c := range m.set.calls {
		parts = append(parts, fmt.Sprintf("%s from %s", c.Name, c.URL))
	}
	return upstream.Fine("fields", "%s", strings.Join(parts, "; "))
}

func (m *mechanism) checkEmail() sdk.Finding {
	if m.set.fields.verified.IsZero() && !m.set.fields.alwaysVerified {
		return upstream.Fine("email_verified_key", "no address counts as verified")
	}
	return upstream.Fine("email_verified_key", "an address counts as verified if %s", m.verifiedBy())
}

func (m *mechanism) verifiedBy() string {
	if m.set.fields.alwaysVerified {
		return "it is present: the provider releases only verified addresses"
	}
	return m.set.fields.verified.String() + " is " + strings.Join(m.set.fields.verifiedValues, " or ")
}

// lackingScopes returns the scopes that the preset needs for groups and that the option
// scope does not contain.
func (m *mechanism) lackingScopes() []string {
	if !m.set.groups {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(m.set.preset.GroupScopes), func(scope string) bool { return slices.Contains(m.set.scopes, scope) })
}

// checkAllowed warns of names in the allow-lists: another organization or team can take a
// name that was given up.
func (m *mechanism) checkAllowed() sdk.Finding {
	if names := m.set.allowed.nameEntries(); len(names) > 0 && slices.ContainsFunc(m.set.preset.Groups, func(g preset.Groups) bool { return g.ID != "" }) {
		return upstream.Warning("allowed", "%q: a name can be given up and taken by somebody else; write id: and the identifier", upstream.ShownList(names))
	}
	if !m.set.allowed.groupsDecide() && len(m.set.allowed.domains) == 0 {
		return upstream.Fine("allowed", "everybody with an account at the identity provider may sign in, unless a setting of the host prevents it")
	}
	return upstream.Fine("allowed", "sign-in is restricted by organization, team, group or e-mail domain")
}
