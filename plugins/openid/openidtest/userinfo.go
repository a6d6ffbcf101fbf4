package openidtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

// userInfo answers OpenID Connect Core section 5.3.
func (p *Provider) userInfo(r *http.Request) *reply {
	token, bound, ok := bearer(r)
	if !ok {
		// RFC 6750 section 3.1: a request without credentials learns no more.
		return unauthorized(`Bearer realm="openidtest"`)
	}
	l, thumbprint, ok := p.grants.access(token, p.Now())
	if !ok || bound != (thumbprint != "") {
		return unauthorized(`Bearer realm="openidtest", error="invalid_token"`)
	}
	if bound {
		shown, err := p.checkProof(r, p.url("/userinfo"), token)
		if err == nil && shown != thumbprint {
			err = badRequest("invalid_dpop_proof", "another key")
		}
		var refusal *protocolError
		if errors.As(err, &refusal) {
			return p.withNonce(unauthorized(`DPoP error="` + refusal.code + `", algs="ES256"`))
		}
	}
	rep, err := p.userInfoReply(l)
	if err != nil {
		return faultReply(fmt.Errorf("making UserInfo response: %w", err))
	}
	rep.stage, rep.login = AtUserInfo, l
	return rep
}

func unauthorized(challenge string) *reply {
	rep := jsonReply(http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
	rep.header.Set("WWW-Authenticate", challenge)
	rep.stage = AtUserInfo
	return rep
}

func (p *Provider) userInfoReply(l *login) (*reply, error) {
	claims := p.released(l)
	claims["sub"] = l.subject
	alg := jose.SignatureAlgorithm(l.client.UserInfoSignedResponseAlg)
	for _, b := range p.active(l) {
		if b.userInfo != nil {
			b.userInfo(l, claims)
		}
		if b.userInfoJWS != nil && alg == "" {
			alg = jose.RS256
		}
	}
	if alg == "" {
		return jsonReply(http.StatusOK, claims), nil
	}
	return p.signedUserInfoReply(l, alg, claims)
}

// signedUserInfoReply is a JWT with issuer and client (section 5.3.2).
func (p *Provider) signedUserInfoReply(l *login, alg jose.SignatureAlgorithm, claims map[string]any) (*reply, error) {
	for name, value := range map[string]any{"iss": p.issuer, "aud": l.client.ID} {
		if _, changed := claims[name]; !changed {
			claims[name] = value
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("encoding claims: %w", err)
	}
	s := p.newSigning(l, alg, payload)
	for _, b := range p.active(l) {
		if b.userInfoJWS == nil {
			continue
		}
		if err := b.userInfoJWS(s); err != nil {
			return nil, fmt.Errorf("%s: %w", b.name, err)
		}
	}
	token, err := s.token()
	if err != nil {
		return nil, err
	}
	return newReply(http.StatusOK, "application/jwt", []byte(token)), nil
}
