package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// assertionType is client_assertion_type (RFC 7523 section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

const (
	maxToken    = 16 << 10 // bytes of an access or refresh token
	maxLifetime = 10 * 365 * 24 * time.Hour
)

// tokens are what a code was exchanged for.
type tokens struct {
	idToken, accessToken, refreshToken string
}

// exchange redeems the code at the token endpoint, with exactly one request
// (OpenID Connect Core section 3.1.3). No error repeats anything of the request.
func (m *mechanism) exchange(ctx context.Context, md metadata, code, verifier string) (tokens, error) {
	config, assertion, err := m.auth.config(m.options.ClientID, md, m.now())
	if err != nil {
		return tokens{}, err
	}
	config.RedirectURL = m.callback
	opts := []oauth2.AuthCodeOption{oauth2.VerifierOption(verifier)}
	if assertion != "" {
		opts = append(opts, oauth2.SetAuthURLParam("client_assertion_type", assertionType),
			oauth2.SetAuthURLParam("client_assertion", assertion))
	}
	got, err := m.redeem(ctx, config, code, opts)
	return got, withoutSecrets(err, append(m.auth.secrets(m.options.ClientID), code, verifier, assertion)...)
}

func (m *mechanism) redeem(ctx context.Context, config oauth2.Config, code string, opts []oauth2.AuthCodeOption) (tokens, error) {
	answer := &tokenAnswer{next: m.client.Transport}
	client := *m.client
	client.Transport = answer
	_, refused := config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, &client), code, opts...)
	if !answer.complete {
		return tokens{}, sdk.Unavailable(reasonTokenUnreachable, "%s", quoted(refused.Error()))
	}
	got, err := answer.tokens()
	if err != nil {
		return tokens{}, err
	}
	if refused != nil {
		return tokens{}, sdk.InvalidResponse(reasonTokenMalformed, "the OAuth library refuses the token response")
	}
	return got, nil
}

// tokenAnswer is the transport of one token request. It reads the answer
// strictly before x/oauth2 reads it leniently: x/oauth2 takes form-encoded
// answers, any 2xx status and the last of two equal keys, and puts the body of
// an answer that it does not like into its error.
type tokenAnswer struct {
	next     http.RoundTripper
	sent     bool
	complete bool
	answer   document
}

// RoundTrip sends the first request only: a code is good for one.
func (t *tokenAnswer) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.sent {
		return nil, errors.New("a second token request")
	}
	t.sent = true
	req.Header.Set("Accept", "application/json")
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	t.answer = document{status: resp.StatusCode, header: resp.Header, body: body}
	t.complete = true
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// tokens reads the answer (RFC 6749 sections 5.1 and 5.2, OpenID Connect Core
// section 3.1.3.3).
func (t *tokenAnswer) tokens() (tokens, error) {
	isJSON := t.answer.mediaType() == "application/json"
	object, err := claims.Decode(t.answer.body)
	switch {
	case t.answer.status != http.StatusOK && (err != nil || !object.Has("error")):
		return tokens{}, t.statusError()
	case err != nil:
		return tokens{}, sdk.InvalidResponse(reasonTokenMalformed, "%w", err)
	case object.Has("error"):
		return tokens{}, tokenError(object)
	case !isJSON:
		return tokens{}, sdk.InvalidResponse(reasonTokenMalformed, "content of type %q, not application/json", shown(t.answer.mediaType()))
	}
	if err := checkScope(object); err != nil {
		return tokens{}, err
	}
	return readTokens(object)
}

// checkScope refuses a token that was not granted openid. A missing scope means
// all that was asked for (RFC 6749 section 5.1). Some providers separate with
// commas or send a list.
func checkScope(object claims.Object) error {
	granted, err := object.Strings("scope")
	if err != nil {
		return sdk.InvalidResponse(reasonTokenMalformed, "%w", err)
	}
	var scopes []string
	for _, s := range granted {
		scopes = append(scopes, strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })...)
	}
	if len(scopes) > 0 && !slices.Contains(scopes, "openid") {
		return sdk.InvalidResponse(reasonScopeReduced, "the provider granted %q and not openid: is the client allowed it?", shownList(scopes))
	}
	return nil
}

func (t *tokenAnswer) statusError() error {
	if status := t.answer.status; status >= 200 && status < 400 {
		return sdk.InvalidResponse(reasonTokenStatus, "the token endpoint answers with status %d, not 200", status)
	}
	return sdk.Unavailable(reasonTokenStatus, "the token endpoint answers with status %d", t.answer.status)
}

// tokenError reads an error response (RFC 6749 section 5.2).
func tokenError(object claims.Object) error {
	code, _ := object.String("error")
	description, _ := object.String("error_description")
	text := describe(code, description)
	switch code {
	case "invalid_client", "unauthorized_client":
		return sdk.Misconfigured(sdk.Reason(code), "%s: check client_id, client_secret and client_token_endpoint_auth_method", text)
	case "invalid_grant":
		return sdk.InvalidResponse(sdk.Reason(code), "%s", text)
	case "invalid_request", "unsupported_grant_type", "invalid_scope":
		return sdk.Misconfigured(sdk.Reason(code), "%s: compare the client's registration at the provider with the options", text)
	case "server_error", "temporarily_unavailable":
		return sdk.Unavailable(sdk.Reason(code), "%s", text)
	default:
		return sdk.InvalidResponse(reasonUnknownError, "%s", text)
	}
}

func readTokens(object claims.Object) (tokens, error) {
	var got tokens
	for name, target := range map[string]*string{
		"id_token": &got.idToken, "access_token": &got.accessToken, "refresh_token": &got.refreshToken,
	} {
		var err error
		if *target, err = object.String(name); err != nil {
			return tokens{}, sdk.InvalidResponse(reasonTokenMalformed, "%w", err)
		}
	}
	if kind, err := object.String("token_type"); err != nil || !strings.EqualFold(kind, "Bearer") {
		return tokens{}, sdk.InvalidResponse(reasonTokenType, "a token of type %q, not Bearer", shown(kind))
	}
	for _, token := range []string{got.accessToken, got.refreshToken} {
		if len(token) > maxToken || token != "" && !visible.MatchString(token) {
			return tokens{}, sdk.InvalidResponse(reasonTokenMalformed, "a token that is not at most %d printable ASCII characters", maxToken)
		}
	}
	lifetime, err := object.Int("expires_in")
	switch {
	case got.accessToken == "":
		return tokens{}, sdk.InvalidResponse(reasonTokenMalformed, "no access_token")
	case err != nil || lifetime < 0 || lifetime > int64(maxLifetime/time.Second):
		return tokens{}, sdk.InvalidResponse(reasonTokenMalformed, "expires_in is not a sensible number of seconds")
	case got.idToken == "":
		return tokens{}, sdk.InvalidResponse(reasonIDTokenMissing, "no id_token: is the client allowed the scope openid?")
	}
	return got, nil
}
