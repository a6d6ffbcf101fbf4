package openidtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Security are the optional security features of a provider. The zero value has none.
type Security struct {
	// PushedRequests and DPoP are Offered or Required (RFC 9126, RFC 9449).
	PushedRequests Offer
	DPoP           Offer

	// DPoPNonce requires the provider's nonce in proofs, a new one for each token response
	// (RFC 9449 sections 8 and 9).
	DPoPNonce bool

	// SignedResponses offers the response modes of JARM.
	SignedResponses bool

	// Revocation offers the endpoint of RFC 7009.
	Revocation bool

	// AssertionForEndpoint accepts only client assertions for the endpoint to which they
	// are sent, as Okta does. Otherwise the audience must be the issuer, as a string
	// (draft-ietf-oauth-rfc7523bis).
	AssertionForEndpoint bool
}

// Offer says whether clients can or must use a feature.
type Offer string

// The offers.
const (
	Offered  Offer = "offered"
	Required Offer = "required"
)

func (p *Provider) addSecurity(metadata map[string]any) {
	s := p.config.Security
	if s.PushedRequests != "" {
		metadata["pushed_authorization_request_endpoint"] = p.url("/par")
		metadata["require_pushed_authorization_requests"] = s.PushedRequests == Required
	}
	if s.DPoP != "" {
		metadata["dpop_signing_alg_values_supported"] = []string{"ES256"}
	}
	if s.SignedResponses {
		metadata["response_modes_supported"] = []string{modeQuery, modeFormPost, modeQueryJWT, modeFormPostJWT, modeJWT}
		metadata["authorization_signing_alg_values_supported"] = algorithms
	}
	if s.Revocation {
		metadata["revocation_endpoint"] = p.url("/revoke")
	}
}

// Pushed requests (RFC 9126).

const (
	requestURIPrefix   = "urn:ietf:params:oauth:request_uri:"
	requestURILifetime = time.Minute
)

type pushedRequest struct {
	params  url.Values
	expires time.Time
}

// push answers RFC 9126 section 2.
func (p *Provider) push(r *http.Request) *reply {
	if p.config.Security.PushedRequests == "" {
		return newReply(http.StatusNotFound, "text/plain", nil)
	}
	if err := r.ParseForm(); err != nil {
		return tokenReply(nil, badRequest("invalid_request", "the form cannot be read"))
	}
	client, err := p.authenticate(r, p.url("/par"))
	if err != nil {
		return tokenReply(nil, err)
	}
	params := url.Values{}
	for name, values := range r.PostForm {
		if name != "client_secret" && name != "client_assertion" && name != "client_assertion_type" {
			params[name] = values
		}
	}
	params.Set("client_id", client.ID)
	if params.Has("request_uri") {
		return tokenReply(nil, badRequest("invalid_request", "request_uri cannot be pushed"))
	}
	_, request, err := p.checkClient(params)
	if err == nil {
		err = p.checkRequest(params, &request)
	}
	if err != nil {
		return tokenReply(nil, err)
	}
	reference := requestURIPrefix + randomText(16)
	p.mu.Lock()
	p.pushed[reference] = pushedRequest{params, p.Now().Add(requestURILifetime)}
	p.mu.Unlock()
	return jsonReply(http.StatusCreated, map[string]any{"request_uri": reference, "expires_in": int(requestURILifetime / time.Second)})
}

// resolve returns the parameters to which a request refers (section 4), once. The request
// must contain no others.
func (p *Provider) resolve(query url.Values) (url.Values, error) {
	reference := query.Get("request_uri")
	switch {
	case p.config.Security.PushedRequests == "":
		return query, nil
	case reference == "" && p.config.Security.PushedRequests == Required:
		return nil, badRequest("invalid_request", "the request must be pushed")
	case reference == "":
		return query, nil
	}
	for name := range query {
		if name != "client_id" && name != "request_uri" && name != "login_hint" { // SignIn adds the hint
			return nil, badRequest("invalid_request", name+" must not accompany request_uri")
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	pushed, ok := p.pushed[reference]
	delete(p.pushed, reference)
	if !ok || !p.Now().Before(pushed.expires) || pushed.params.Get("client_id") != query.Get("client_id") {
		return nil, badRequest("invalid_request_uri", "no such request")
	}
	if query.Has("login_hint") {
		pushed.params.Set("login_hint", query.Get("login_hint"))
	}
	return pushed.params, nil
}

// Signed responses (JARM).

const (
	modeQueryJWT    = "query.jwt"
	modeFormPostJWT = "form_post.jwt"
	modeJWT         = "jwt"
)

// ResponseAlter changes the header and the claims of signed authorization
// responses before they are signed; alg none leaves the signature out.
type ResponseAlter func(header, claims map[string]any)

// AlterResponses sets a function that changes signed authorization responses; nil: none.
func (p *Provider) AlterResponses(alter ResponseAlter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alterResponse = alter
}

// signResponse puts the parameters into one JWT (JARM section 2.1).
func (p *Provider) signResponse(l *login, params url.Values) (url.Values, error) {
	claims := map[string]any{"iss": p.issuer, "aud": l.client.ID, "exp": p.Now().Add(10 * time.Minute).Unix()}
	for name := range params {
		if name != "iss" {
			claims[name] = params.Get(name)
		}
	}
	s := p.newSigning(l, jose.SignatureAlgorithm(l.client.IDTokenSignedResponseAlg), nil)
	p.mu.Lock()
	alter := p.alterResponse
	p.mu.Unlock()
	if alter != nil {
		alter(s.header, claims)
	}
	if s.header["alg"] == "none" {
		s.sign = signNothing
	}
	var err error
	if s.payload, err = json.Marshal(claims); err != nil {
		return nil, fmt.Errorf("encoding the response: %w", err)
	}
	token, err := s.token()
	return url.Values{"response": {token}}, err
}

func isSignedMode(mode string) bool { return mode == modeJWT || strings.HasSuffix(mode, ".jwt") }

// Revocation (RFC 7009).

// revoke answers RFC 7009 section 2: an unknown token counts as revoked.
func (p *Provider) revoke(r *http.Request) *reply {
	if !p.config.Security.Revocation {
		return newReply(http.StatusNotFound, "text/plain", nil)
	}
	if err := r.ParseForm(); err != nil {
		return tokenReply(nil, badRequest("invalid_request", "the form cannot be read"))
	}
	client, err := p.authenticate(r, p.url("/revoke"))
	if err != nil {
		return tokenReply(nil, err)
	}
	p.grants.revokeToken(r.PostForm.Get("token"), client.ID)
	return newReply(http.StatusOK, "text/plain", nil)
}

// Revoke revokes all grants of an end user, as if an administrator locked them out.
func (p *Provider) Revoke(subject string) {
	p.grants.endSessions(func(l *login) bool { return l.subject == subject })
}

// Sessions returns the session IDs (sid) of an end user's logins.
func (p *Provider) Sessions(subject string) []string {
	return p.grants.sessions(func(l *login) bool { return l.subject == subject })
}

// SetClaims replaces the claims of a person from now on.
func (p *Provider) SetClaims(subject string, claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed[subject] = claims
}

// released are the person's current claims that the login's scope covers.
func (p *Provider) released(l *login) map[string]any {
	p.mu.Lock()
	claims, ok := p.changed[l.subject]
	p.mu.Unlock()
	if !ok {
		return l.released()
	}
	again := *l
	again.claims = claims
	return again.released()
}
