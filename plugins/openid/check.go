package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
)

var _ sdk.Checker = (*mechanism)(nil)

// Check reads the discovery document and the keys, and holds the options
// against what the provider lists. Nobody is signed in, so a wrong client
// secret does not show.
func (m *mechanism) Check(ctx context.Context) ([]sdk.Finding, error) {
	md, _, err := m.discover(ctx)
	if err != nil {
		return []sdk.Finding{failed("discovery", err)}, nil
	}
	findings := []sdk.Finding{
		{Severity: sdk.SeverityOK, Subject: "discovery", Text: "issuer " + md.issuer},
		m.checkClock(ctx),
		m.checkKeys(ctx, md),
		m.checkListedPKCE(md),
	}
	findings = append(findings, listed("client_token_endpoint_auth_method", md.authMethods, m.auth.methodFor(md)))
	params := m.options.params()
	findings = append(findings, listed("scope", md.scopes, strings.Fields(params.Get("scope"))...))
	findings = append(findings, listed("response_mode", md.responseModes, m.responseMode()))
	if m.options.UserInfoAlg != "" {
		findings = append(findings, listed("client_userinfo_signed_response_alg", md.userInfoAlgs, m.options.UserInfoAlg))
	}
	return findings, nil
}

func failed(subject string, err error) sdk.Finding {
	return sdk.Finding{Severity: sdk.SeverityError, Subject: subject, Text: err.Error()}
}

// checkClock compares our clock with the provider's Date header, because a wrong
// clock shows otherwise only as tokens that seem to be of another time.
func (m *mechanism) checkClock(ctx context.Context) sdk.Finding {
	doc, err := get(ctx, m.client, m.location.document, "application/json", "", reasonDiscoveryUnreachable)
	if err != nil {
		return failed("clock", err)
	}
	theirs, err := http.ParseTime(doc.header.Get("Date"))
	if err != nil {
		return sdk.Finding{Severity: sdk.SeverityWarning, Subject: "clock", Text: "the provider does not say what time it is"}
	}
	ahead := m.now().Sub(theirs).Truncate(time.Second)
	finding := sdk.Finding{Severity: sdk.SeverityOK, Subject: "clock", Text: fmt.Sprintf("ours is %v ahead of the provider's", ahead)}
	if ahead.Abs() >= clockSkew/2 {
		finding.Severity = sdk.SeverityWarning
		finding.Text += fmt.Sprintf("; from %v on, logins are refused: set both by NTP", clockSkew)
	}
	return finding
}

func (m *mechanism) checkKeys(ctx context.Context, md metadata) sdk.Finding {
	store := m.keys(md)
	set, _, err := store.loadKeys(ctx)
	if err != nil {
		return failed("keys", err)
	}
	fitting := 0
	for _, key := range set.keys {
		if key.fits(m.options.IDTokenAlg) {
			fitting++
		}
	}
	text := fmt.Sprintf("%d %s keys; %d others and %d unusable ones", fitting, m.options.IDTokenAlg, len(set.keys)-fitting, set.unusable)
	if fitting == 0 {
		return sdk.Finding{Severity: sdk.SeverityError, Subject: "keys", Text: text + ": does client_id_token_signed_response_alg fit the client's registration?"}
	}
	return sdk.Finding{Severity: sdk.SeverityOK, Subject: "keys", Text: text}
}

func (m *mechanism) checkListedPKCE(md metadata) sdk.Finding {
	if md.pkceMethods == nil {
		return sdk.Finding{Severity: sdk.SeverityWarning, Subject: "PKCE", Text: "the provider lists no method; " + m.pkceMethod() + " is sent, and the nonce protects the login should it be ignored"}
	}
	if m.options.PlainCodeChallenge {
		return sdk.Finding{Severity: sdk.SeverityWarning, Subject: "PKCE", Text: "plain is weak: leave out plain_code_challenge if the provider has S256"}
	}
	return sdk.Finding{Severity: sdk.SeverityOK, Subject: "PKCE", Text: m.pkceMethod()}
}

// listed warns of what the provider does not list. Lists are optional and often
// incomplete, so that this is no error.
func listed(option string, list []string, wanted ...string) sdk.Finding {
	if list == nil {
		return sdk.Finding{Severity: sdk.SeverityOK, Subject: option, Text: "the provider lists none"}
	}
	for _, name := range wanted {
		if !slices.Contains(list, name) {
			return sdk.Finding{Severity: sdk.SeverityWarning, Subject: option, Text: fmt.Sprintf("the provider does not list %q, but %q", name, shownList(list))}
		}
	}
	return sdk.Finding{Severity: sdk.SeverityOK, Subject: option, Text: strings.Join(wanted, " ")}
}
