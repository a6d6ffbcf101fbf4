package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// revokeTime limits how long a logout waits for the provider.
const revokeTime = 5 * time.Second

// BeginLogout revokes the token if the provider supports that (RFC 7009, or GitHub's own
// way). It never redirects the browser, because OAuth 2.0 has no logout at the provider. A
// provider that does not respond delays the logout only briefly and does not prevent it.
func (r refreshing) BeginLogout(ctx context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	var g grantContent
	if r.options.KeepTokens || r.set.revocation.URL == "" || json.Unmarshal(req.Grant, &g) != nil || g.AccessToken == "" || g.Server != r.set.serverKey() {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, revokeTime)
	defer cancel()
	if err := r.revoke(ctx, g); err != nil {
		r.logger.Warn("cannot revoke the token at the provider", "error", r.scrub(err, noTokens, g.AccessToken, g.RefreshToken))
	}
	return nil, nil
}

func (m *mechanism) revoke(ctx context.Context, g grantContent) error {
	req, err := m.revocationRequest(ctx, g)
	if err != nil {
		return err
	}
	resp, err := m.client.Do(req)
	if err != nil {
		return upstream.Unreachable(reasonRevocation, "", err)
	}
	defer resp.Body.Close()
	answer := upstream.Answer{Status: resp.StatusCode, Header: resp.Header}
	if resp.StatusCode/100 != 2 {
		return sdk.Unavailable(reasonRevocation, "the revocation endpoint %s", answer.Problem())
	}
	return nil
}

func (m *mechanism) revocationRequest(ctx context.Context, g grantContent) (*http.Request, error) {
	id, secret := m.options.ClientID, m.options.ClientSecret.Reveal()
	if m.set.revocation.Style == preset.GitHubDelete {
		body, err := json.Marshal(map[string]string{"access_token": g.AccessToken})
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodDelete, m.set.revocation.URL, strings.NewReader(string(body)))
		if err != nil {
			return nil, err
		}
		setHeaders(req, m.set.profileHeaders)
		req.Header.Set("Content-Type", "application/json")
		req.SetBasicAuth(id, secret)
		return req, nil
	}
	// Revoking the refresh token, if there is one, also revokes the access tokens (RFC
	// 7009 section 2.1).
	form := url.Values{"token": {g.AccessToken}, "token_type_hint": {"access_token"}}
	if g.RefreshToken != "" {
		form = url.Values{"token": {g.RefreshToken}, "token_type_hint": {"refresh_token"}}
	}
	switch m.set.authMethod {
	case authPost:
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	case authNone:
		form.Set("client_id", id)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.set.revocation.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	setHeaders(req, m.set.tokenHeaders)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	switch m.set.authMethod {
	case authBasic:
		req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	case authBasicRaw:
		req.SetBasicAuth(id, secret)
	}
	return req, nil
}

func setHeaders(req *http.Request, header map[string]string) {
	for name, value := range header {
		req.Header.Set(name, value)
	}
}
