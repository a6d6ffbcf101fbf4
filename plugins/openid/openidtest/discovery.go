package openidtest

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// discovery answers OpenID Connect Discovery section 4.
func (p *Provider) discovery(*http.Request) *reply {
	document := p.metadata()
	for _, b := range p.active(nil) {
		if b.metadata != nil {
			b.metadata(p, document)
		}
	}
	rep := jsonReply(http.StatusOK, document)
	rep.stage = AtDiscovery
	return rep
}

func (p *Provider) metadata() map[string]any {
	document := map[string]any{
		"issuer":                 p.issuer,
		"authorization_endpoint": p.url("/authorize"),
		"token_endpoint":         p.url("/token"),
		"userinfo_endpoint":      p.url("/userinfo"),
		"jwks_uri":               p.url("/jwks"),
		"end_session_endpoint":   p.url("/end-session"),

		"scopes_supported":                      []string{"openid", "profile", "email", "address", "phone", "offline_access"},
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{modeQuery, modeFormPost},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": algorithms,
		"userinfo_signing_alg_values_supported": algorithms,
		"token_endpoint_auth_methods_supported": p.listedMethods(),
		"claim_types_supported":                 []string{"normal"},
		"claims_supported": []string{
			"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "acr", "amr",
			"name", "given_name", "family_name", "preferred_username", "email", "email_verified", "groups",
		},

		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,

		// request_uri is supported unless said otherwise (section 3).
		"request_parameter_supported":     false,
		"request_uri_parameter_supported": false,
		"claims_parameter_supported":      false,
	}
	p.addSecurity(document)
	return document
}

// listedMethods are the basic methods and those that the registered clients use.
func (p *Provider) listedMethods() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	methods := slices.Clone(authMethods)
	for _, client := range p.clients {
		if !slices.Contains(methods, client.TokenEndpointAuthMethod) {
			methods = append(methods, client.TokenEndpointAuthMethod)
		}
	}
	return methods
}

// keySet answers with the JWK set (RFC 7517 section 5).
func (p *Provider) keySet(*http.Request) *reply {
	keys, err := p.publicKeys()
	if err != nil {
		return faultReply(err)
	}
	for _, b := range p.active(nil) {
		if b.jwks == nil {
			continue
		}
		if keys, err = b.jwks(p, keys); err != nil {
			return faultReply(fmt.Errorf("%s: %w", b.name, err))
		}
	}
	rep := keySetReply(keys)
	rep.stage = AtKeySet
	return rep
}

func (p *Provider) publicKeys() ([]jwk, error) {
	var keys []jwk
	for _, k := range p.keys.published() {
		public, err := k.publicJWK()
		if err != nil {
			return nil, err
		}
		keys = append(keys, public)
	}
	return keys, nil
}

func keySetReply(keys []jwk) *reply {
	rep := jsonReply(http.StatusOK, map[string]any{"keys": keys})
	rep.header.Set("Content-Type", "application/jwk-set+json")
	rep.header.Set("Cache-Control", fmt.Sprintf("public, max-age=%.0f", KeySetMaxAge.Seconds()))
	return rep
}

// trap answers like a real endpoint, so that a faulty relying party is deceived and does
// not merely fail.
func (p *Provider) trap(r *http.Request) *reply {
	var rep *reply
	switch r.PathValue("bait") {
	case "discovery":
		rep = jsonReply(http.StatusOK, p.metadata())
	case "jwks":
		rep = p.keySet(r)
	case "token":
		// The endpoint that redirected here has used the code up.
		p.grants.restore(r.PostFormValue("code"))
		rep = p.token(r)
	case "userinfo":
		rep = p.userInfo(r)
	case "stranger-jwks":
		rep = p.strangerKeySet()
	default:
		rep = jsonReply(http.StatusOK, map[string]any{"sub": "mallory", "groups": []string{"admin"}})
	}
	rep.stage = ""
	return rep
}

// strangerKeySet contains the key with which an attacker signs, under the kid of the
// genuine key.
func (p *Provider) strangerKeySet() *reply {
	stranger, err := strangerKey(jose.RS256)
	if err != nil {
		return faultReply(err)
	}
	stranger.id = p.keys.signing(jose.RS256).id
	public, err := stranger.publicJWK()
	if err != nil {
		return faultReply(err)
	}
	return keySetReply([]jwk{public})
}
