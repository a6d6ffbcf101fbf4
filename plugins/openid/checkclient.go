package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/dpop"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// badCode is a code that no provider issues.
const badCode = "doorward-check-this-is-no-code"

// checkClient sends the token endpoint a code that was never issued. A provider that
// accepts the client refuses the code; any other refuses the client (RFC 6749 section 5.2).
// Nothing is used up. The finding says if the response shows neither.
func (m *mechanism) checkClient(ctx context.Context, md discovery.Metadata) sdk.Finding {
	const subject = "client"
	err := m.redeemBadCode(ctx, md)
	if sdk.ReasonOf(err) == "invalid_client" && m.auth.Asserts(md.AuthMethods) {
		// Perhaps the audience was wrong; the next assertion has the other one.
		if again := m.redeemBadCode(ctx, md); sdk.ReasonOf(again) != "invalid_client" {
			err = again
		}
	}
	refusal, ok := errors.AsType[*sdk.Error](err)
	switch {
	case err == nil:
		return upstream.Failed(subject, errors.New("the token endpoint issues tokens for a code that was never issued: do not use this provider"))
	case ok && refusal.Reason == "invalid_grant", m.answers(refusal, m.preset.CodeRefused):
		return upstream.Fine(subject, "the token endpoint accepts the client: it refuses only a code that was never issued")
	case ok && refusal.Reason == "invalid_client", m.answers(refusal, m.preset.ClientRefused):
		return upstream.Failed(subject, err)
	case ok && refusal.Reason == codeflow.ReasonUnreachable:
		return upstream.Failed("token_endpoint", err)
	default: // unauthorized_client and invalid_request, too: some send these for any bad code
		return upstream.Warning(subject, "only a login can show whether client_id and client_secret are correct: %v", err)
	}
}

// answers reports whether the provider's error is one of these, which are specific to it.
func (m *mechanism) answers(refusal *sdk.Error, words []string) bool {
	return refusal != nil && refusal.Reason == codeflow.ReasonUnknownError && slices.ContainsFunc(words, func(word string) bool {
		rest, found := strings.CutPrefix(refusal.Detail, codeflow.Describe(word, ""))
		return found && (rest == "" || strings.HasPrefix(rest, ":"))
	})
}

func (m *mechanism) redeemBadCode(ctx context.Context, md discovery.Metadata) error {
	mem, err := m.newMemory(md)
	if err != nil {
		return err
	}
	key, err := dpop.ParseKey(mem.Key)
	if err != nil {
		return err
	}
	_, err = m.exchange(dpop.WithKey(ctx, key, false), md, m.callback, badCode, mem.Verifier)
	return err
}

// checkAuthorization makes an authorization request without interaction (prompt=none), as
// somebody who is not signed in. A provider that knows the client and the callback answers
// at the callback; any other must not (RFC 6749 section 4.1.2.1). Many providers answer any
// such request with a page, which shows nothing.
func (m *mechanism) checkAuthorization(ctx context.Context, md discovery.Metadata) sdk.Finding {
	const subject = "authorization"
	state := rand.Text()
	target, pushed, err := m.askingNobody(ctx, md, state)
	switch {
	case err != nil:
		return upstream.Failed(subject, err)
	case pushed:
		return upstream.Fine(subject, "the provider knows the client and the callback: it accepted a pushed request")
	}
	answer, err := upstream.Get(ctx, m.client, target, http.Header{"Accept": {"text/html"}})
	if err != nil {
		return upstream.Warning(subject, "the check cannot tell whether the callback is registered: the authorization endpoint does not answer this machine (only browsers need it to): %v", err)
	}
	if location := answer.Header.Get("Location"); answer.Status/100 == 3 && m.isCallback(location) {
		return answeredAtCallback(location, state)
	}
	return answeredElsewhere(answer)
}

// askingNobody returns the URL of the request.
func (m *mechanism) askingNobody(ctx context.Context, md discovery.Metadata, state string) (target string, pushed bool, err error) {
	mem, err := m.newMemory(md)
	if err != nil {
		return "", false, err
	}
	target, err = m.authorizationURL(ctx, md, sdk.BeginRequest{State: state}, mem)
	if err != nil {
		return "", false, err
	}
	u, err := url.Parse(target)
	if err != nil {
		return "", false, err
	}
	query := u.Query()
	if query.Has("request_uri") {
		return "", true, nil
	}
	query.Set("prompt", "none")
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return u.String(), false, nil
}

func (m *mechanism) isCallback(location string) bool {
	target, err := url.Parse(location)
	ours, err2 := url.Parse(m.callback)
	return err == nil && err2 == nil && target.Scheme == ours.Scheme && target.Host == ours.Host && target.Path == ours.Path
}

// answeredAtCallback reads the error, the only possible answer when nobody is signed in.
func answeredAtCallback(location, state string) sdk.Finding {
	const subject = "authorization"
	known := upstream.Fine(subject, "the provider knows the client and the callback")
	target, err := url.Parse(location)
	if err != nil || target.RawQuery == "" {
		return known
	}
	_, err = codeflow.ReadResponse(sdk.InboundRequest{Method: http.MethodGet, Query: target.Query()}, codeflow.Expectation{
		State: state, Mode: codeflow.ModeQuery, IssuerFits: func(string) bool { return true },
	})
	switch {
	case err == nil, errors.Is(err, sdk.ErrDenied), sdk.ReasonOf(err) == codeflow.ReasonResponseType:
		return known
	case errors.Is(err, sdk.ErrMisconfigured) && sdk.ReasonOf(err) != "invalid_request":
		return upstream.Failed(subject, err)
	default: // some do not support prompt=none
		return upstream.Warning(subject, "the provider knows the client and the callback, but answers with an error, perhaps because the request has prompt=none: %v", err)
	}
}

// answeredElsewhere is careful, because a page shows little. Microsoft's pages contain its
// error numbers whatever their status.
func answeredElsewhere(answer upstream.Answer) sdk.Finding {
	const subject = "authorization"
	said := answer.Header.Get("Location") + string(answer.Body)
	switch {
	case strings.Contains(said, "AADSTS50011"):
		return upstream.Failed(subject, errors.New("the callback is not registered at the provider (AADSTS50011)"))
	case strings.Contains(said, "AADSTS700016"):
		return upstream.Failed(subject, errors.New("the provider does not know client_id in this tenant (AADSTS700016)"))
	case answer.Status == http.StatusBadRequest:
		return upstream.Failed(subject, errors.New("the provider shows an error page (status 400) in place of an answer at the callback: the callback is not registered there, or client_id is wrong"))
	case answer.Status/100 == 4 && !answer.Passing():
		return upstream.Warning(subject, "the provider %s: perhaps the callback is not registered there, or client_id is wrong", answer.Problem())
	default:
		return upstream.Fine(subject, "only a login with a browser can show whether the callback is registered: the provider %s", answer.Problem())
	}
}

// checkRegistration says what to register.
func (m *mechanism) checkRegistration(md discovery.Metadata) []sdk.Finding {
	rule := ""
	if m.preset.Manual.Callback != "" {
		rule = ". " + m.preset.Manual.Callback
	}
	findings := []sdk.Finding{upstream.Fine("callback", "register %s at the provider%s", m.callback, rule)}
	if endpoint, _ := m.endSessionAt(md); m.logout != "" {
		use := "as the back-channel logout URI, if it has that"
		if endpoint != "" {
			use = "as the post-logout redirect URI, and " + use
		}
		findings = append(findings, upstream.Fine("logout", "register %s at the provider %s", m.logout, use))
	}
	if m.preset.Name != "" {
		findings = append(findings, upstream.Fine("preset", "%s, as of %s", m.preset.Name, m.preset.Dated))
	}
	return findings
}
