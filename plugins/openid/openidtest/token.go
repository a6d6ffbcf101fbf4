package openidtest

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// token answers a token request (RFC 6749 sections 4.1.3 and 6, OpenID Connect
// Core sections 3.1.3 and 12).
func (p *Provider) token(r *http.Request) *reply {
	body, l, err := p.exchange(r)
	rep := p.withNonce(tokenReply(body, err))
	rep.login, rep.stage = l, AtToken
	if l != nil && l.refreshed {
		rep.stage = AtRefresh
	}
	return rep
}

func tokenReply(body map[string]any, err error) *reply {
	var refusal *protocolError
	switch {
	case errors.As(err, &refusal):
		rep := refusal.reply()
		if refusal.status == http.StatusUnauthorized {
			rep.header.Set("WWW-Authenticate", `Basic realm="openidtest"`)
		}
		return rep
	case err != nil:
		return faultReply(err)
	}
	return jsonReply(http.StatusOK, body)
}

func (p *Provider) exchange(r *http.Request) (map[string]any, *login, error) {
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/x-www-form-urlencoded" {
		return nil, nil, badRequest("invalid_request", "the body must be a form")
	}
	if err := r.ParseForm(); err != nil {
		return nil, nil, badRequest("invalid_request", "the form cannot be read")
	}
	client, err := p.authenticate(r, p.url("/token"))
	if err != nil {
		return nil, nil, err
	}
	thumbprint, err := p.checkProof(r, p.url("/token"), "")
	if err == nil && thumbprint == "" && p.config.Security.DPoP == Required {
		err = badRequest("invalid_dpop_proof", "a proof is required")
	}
	if err != nil {
		return nil, nil, err
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, nil, badRequest("invalid_request", name+" is there twice")
		}
	}
	if refuse := p.config.Quirk.Redeem; refuse != nil {
		if code := refuse(r.PostForm); code != "" {
			return nil, nil, refusalOf(code)
		}
	}
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		return p.exchangeCode(client, r.PostForm, thumbprint)
	case "refresh_token":
		return p.exchangeRefreshToken(client, r.PostForm, thumbprint)
	}
	return nil, nil, badRequest("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")
}

// authenticate accepts only the client's registered method (RFC 6749 section
// 2.3, OpenID Connect Core section 9).
func (p *Provider) authenticate(r *http.Request, endpoint string) (Client, error) {
	method, id, secret := credentials(r)
	p.mu.Lock()
	p.lastToken = TokenRequest{AuthMethod: method, ClientID: id, Form: r.PostForm}
	p.mu.Unlock()

	client, ok := p.client(id)
	switch {
	case !ok:
		return Client{}, &protocolError{http.StatusUnauthorized, "invalid_client", "no such client"}
	case !p.fits(client, r, method, endpoint):
		return Client{}, &protocolError{http.StatusUnauthorized, "invalid_client", "the assertion or the certificate is wrong"}
	case method != client.TokenEndpointAuthMethod && !withoutSecretInRequest(client):
		return Client{}, &protocolError{http.StatusUnauthorized, "invalid_client", "this client is registered for " + client.TokenEndpointAuthMethod}
	case !withoutSecretInRequest(client) && !p.isSecret(client, secret):
		return Client{}, &protocolError{http.StatusUnauthorized, "invalid_client", "wrong secret"}
	}
	return client, nil
}

func refusalOf(code string) *protocolError {
	if code == "invalid_client" {
		return &protocolError{http.StatusUnauthorized, code, "the client is not accepted"}
	}
	return badRequest(code, "the request is not accepted")
}

func (p *Provider) isSecret(client Client, secret string) bool {
	if is := p.config.Quirk.Secret; is != nil {
		return is(secret, p.Now())
	}
	return subtle.ConstantTimeCompare([]byte(secret), []byte(client.Secret)) == 1
}

// fits checks the assertion or the certificate of a client that needs one, and that no
// other client sends an assertion.
func (p *Provider) fits(client Client, r *http.Request, method, endpoint string) bool {
	switch client.TokenEndpointAuthMethod {
	case ClientSecretJWT, PrivateKeyJWT:
		return method == assertionMethod && p.checkAssertion(client, r.PostForm.Get("client_assertion"), endpoint)
	case TLSClientAuth, SelfSignedTLS:
		return method == PublicClient && checkCertificate(client, r)
	}
	return method != assertionMethod
}

func withoutSecretInRequest(client Client) bool {
	return !slices.Contains(authMethods, client.TokenEndpointAuthMethod)
}

// assertionMethod stands for any kind of assertion in a request.
const assertionMethod = "assertion"

func credentials(r *http.Request) (method, id, secret string) {
	user, password, basic := r.BasicAuth()
	post := r.PostForm.Has("client_secret")
	switch {
	case r.PostForm.Has("client_assertion") && (basic || post || r.PostForm.Get("client_assertion_type") != jwtBearer):
		return "both", r.PostForm.Get("client_id"), ""
	case r.PostForm.Has("client_assertion"):
		return assertionMethod, assertionClient(r.PostForm.Get("client_assertion")), ""
	case basic && post:
		return "both", r.PostForm.Get("client_id"), ""
	case basic:
		// Both halves are form-encoded before base64 (RFC 6749 section 2.3.1).
		id, idErr := url.QueryUnescape(user)
		secret, secretErr := url.QueryUnescape(password)
		if idErr != nil || secretErr != nil {
			return ClientSecretBasic, "", ""
		}
		return ClientSecretBasic, id, secret
	case post:
		return ClientSecretPost, r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	return PublicClient, r.PostForm.Get("client_id"), ""
}

func (p *Provider) exchangeCode(client Client, form url.Values, thumbprint string) (map[string]any, *login, error) {
	g, err := p.grants.spend(codeTicket, form.Get("code"), p.Now(), func(l *login) error {
		switch {
		case l.client.ID != client.ID:
			return badRequest("invalid_grant", "the code belongs to another client")
		case l.request.redirectURI != form.Get("redirect_uri"):
			return badRequest("invalid_grant", "redirect_uri is not that of the authentication request")
		case !p.config.Quirk.WithoutPKCE && s256(form.Get("code_verifier")) != l.request.challenge:
			return badRequest("invalid_grant", "code_verifier does not match (RFC 7636 section 4.6)")
		case l.request.keyThumbprint != "" && l.request.keyThumbprint != thumbprint:
			return badRequest("invalid_dpop_proof", "dpop_jkt names another key")
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	now := *g.login
	now.form = form
	body, err := p.issueTokens(g, &now, thumbprint)
	return body, g.login, err
}

func (p *Provider) exchangeRefreshToken(client Client, form url.Values, thumbprint string) (map[string]any, *login, error) {
	bound := p.grants.boundTo(form.Get("refresh_token"))
	g, err := p.grants.spend(refreshTicket, form.Get("refresh_token"), p.Now(), func(l *login) error {
		if l.client.ID != client.ID {
			return badRequest("invalid_grant", "the refresh token belongs to another client")
		}
		if bound != "" && bound != thumbprint {
			return badRequest("invalid_grant", "the refresh token is bound to another key")
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	again := *g.login
	again.refreshed, again.form = true, form
	body, err := p.issueTokens(g, &again, thumbprint)
	if body != nil && body["refresh_token"] == nil {
		// A client that gets no new refresh token keeps the old one (RFC 6749 section 6).
		p.grants.restore(form.Get("refresh_token"))
	}
	return body, &again, err
}

// issueTokens makes a token response (OpenID Connect Core sections 3.1.3.3 and
// 12.2).
func (p *Provider) issueTokens(g *grant, l *login, thumbprint string) (map[string]any, error) {
	now := p.Now()
	accessToken := randomText(32)
	for _, b := range p.active(l) {
		if b.accessToken != nil {
			accessToken = b.accessToken(accessToken)
		}
	}
	idToken, err := p.idToken(l, accessToken)
	if err != nil {
		return nil, fmt.Errorf("making ID token: %w", err)
	}
	p.grants.put(accessToken, &ticket{grant: g, kind: accessTicket, expires: now.Add(AccessTokenLifetime), thumbprint: thumbprint}, now)
	body := map[string]any{
		"access_token": accessToken,
		"token_type":   "Bearer",
		"expires_in":   int(AccessTokenLifetime / time.Second),
		"scope":        strings.Join(l.request.scope, " "),
		"id_token":     idToken,
	}
	if thumbprint != "" {
		body["token_type"] = "DPoP"
	}
	if p.offline(l) {
		refreshToken := randomText(32)
		t := &ticket{grant: g, kind: refreshTicket, expires: g.expires}
		if l.client.TokenEndpointAuthMethod == PublicClient {
			t.thumbprint = thumbprint
		}
		p.grants.put(refreshToken, t, now)
		body["refresh_token"] = refreshToken
	}
	for _, b := range p.active(l) {
		if b.token != nil {
			b.token(l, body)
		}
	}
	return body, nil
}

// s256 is the code challenge of a verifier (RFC 7636 section 4.2), or nothing
// if the verifier is not one: 43 to 128 characters.
func s256(verifier string) string {
	if len(verifier) < 43 || len(verifier) > 128 {
		return ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return encode(sum[:])
}
