package openidtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// endSession answers OpenID Connect RP-Initiated Logout section 2. It shows no page,
// because the provider keeps no session.
func (p *Provider) endSession(r *http.Request) *reply {
	query, err := requestParameters(r)
	if err != nil {
		return p.errorPage(err)
	}
	client, session, err := p.logoutClient(query)
	if err != nil {
		return p.errorPage(err)
	}
	p.grants.endSessions(func(l *login) bool { return session != "" && l.session == session })
	target := query.Get("post_logout_redirect_uri")
	if target == "" {
		return p.signedOutPage()
	}
	if !slices.Contains(client.PostLogoutRedirectURIs, target) {
		return p.errorPage(badRequest("invalid_request", "post_logout_redirect_uri is not registered, byte for byte"))
	}
	params := url.Values{}
	if query.Has("state") {
		params.Set("state", query.Get("state"))
	}
	return redirectReply(r, withQuery(target, params))
}

// logoutClient finds the client and the session by id_token_hint, otherwise only the
// client by client_id.
func (p *Provider) logoutClient(query url.Values) (client Client, session string, err error) {
	id := query.Get("client_id")
	if hint := query.Get("id_token_hint"); hint != "" {
		claims, err := p.ownClaims(hint)
		if err != nil {
			return Client{}, "", badRequest("invalid_request", "id_token_hint is not from this provider")
		}
		if id != "" && id != claims.Audience {
			return Client{}, "", badRequest("invalid_request", "client_id is not that of id_token_hint")
		}
		id, session = claims.Audience, claims.Session
	}
	client, _ = p.client(id)
	return client, session, nil
}

type hintClaims struct {
	Audience string `json:"aud"`
	Session  string `json:"sid"`
}

// ownClaims verifies a token that the provider signed. An expired one is
// accepted (section 2).
func (p *Provider) ownClaims(token string) (hintClaims, error) {
	parsed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return hintClaims{}, fmt.Errorf("parsing: %w", err)
	}
	for _, k := range p.keys.published() {
		if k.id != parsed.Signatures[0].Header.KeyID {
			continue
		}
		payload, err := parsed.Verify(k.private.Public())
		if err != nil {
			return hintClaims{}, fmt.Errorf("verifying: %w", err)
		}
		var claims hintClaims
		if err := json.Unmarshal(payload, &claims); err != nil {
			return hintClaims{}, fmt.Errorf("decoding: %w", err)
		}
		return claims, nil
	}
	return hintClaims{}, errors.New("unknown key")
}

const (
	logoutEvent     = "http://schemas.openid.net/event/backchannel-logout"
	logoutTokenType = "logout+jwt"
	logoutLifetime  = 120 // seconds; OpenID Connect Back-Channel Logout section 2.4 recommends at most two minutes
)

// LogoutToken makes a logout token (OpenID Connect Back-Channel Logout section
// 2.4) for a client. subject or session may be empty. Each alter may change the
// header and the claims before they are signed; setting alg to "none" leaves
// the signature out.
func (p *Provider) LogoutToken(clientID, subject, session string, alter ...func(header, claims map[string]any)) (string, error) {
	client, ok := p.client(clientID)
	if !ok {
		return "", fmt.Errorf("making logout token: no client %q", clientID)
	}
	claims := p.logoutClaims(client, subject, session)
	s := p.newSigning(nil, jose.SignatureAlgorithm(client.IDTokenSignedResponseAlg), nil)
	s.header["typ"] = logoutTokenType
	for _, change := range alter {
		change(s.header, claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("making logout token: %w", err)
	}
	s.payload = payload
	if s.header["alg"] == "none" {
		s.sign = signNothing
	}
	return s.token()
}

func (p *Provider) logoutClaims(client Client, subject, session string) map[string]any {
	now := p.Now().Unix()
	claims := map[string]any{
		"iss":    p.issuer,
		"aud":    client.ID,
		"iat":    now,
		"exp":    now + logoutLifetime,
		"jti":    randomText(16),
		"events": map[string]any{logoutEvent: map[string]any{}},
	}
	optional := map[string]any{"sub": subject, "sid": session}
	maps.DeleteFunc(optional, func(_ string, value any) bool { return value == "" })
	maps.Copy(claims, optional)
	return claims
}

func signNothing([]byte) ([]byte, error) { return nil, nil }
