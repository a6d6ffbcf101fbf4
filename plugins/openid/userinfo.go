package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// userInfo asks the user-info endpoint, if the provider has one (OpenID Connect
// Core section 5.3). The result is nil if it has none.
func (m *mechanism) userInfo(ctx context.Context, md metadata, accessToken, subject string) (claims.Object, error) {
	if md.userInfoEndpoint == "" {
		return nil, nil
	}
	accept := "application/json"
	if m.options.UserInfoAlg != "" {
		accept = "application/jwt"
	}
	doc, err := get(ctx, m.client, md.userInfoEndpoint, accept, accessToken, reasonUserInfoUnreachable)
	if err != nil {
		return nil, err
	}
	if doc.status != http.StatusOK {
		return nil, sdk.Unavailable(reasonUserInfoStatus, "the user-info endpoint answers with status %d", doc.status)
	}
	object, err := m.readUserInfo(ctx, md, doc)
	if err != nil {
		return nil, err
	}
	// Section 5.3.2: without this the answer could be about anybody, because an
	// access token is not bound to the ID token that it came with.
	got, err := object.String("sub")
	if err != nil || got != subject {
		return nil, sdk.InvalidResponse(reasonUserInfoSubject, "the user info is not about the subject of the ID token")
	}
	return object, nil
}

// readUserInfo takes a plain or a signed answer, as the operator said. Which of
// the two must not be up to whoever can alter the answer.
func (m *mechanism) readUserInfo(ctx context.Context, md metadata, doc document) (claims.Object, error) {
	switch doc.mediaType() {
	case "application/json":
		if m.options.UserInfoAlg != "" {
			return nil, sdk.InvalidResponse(reasonUserInfoUnsigned, "not signed, while client_userinfo_signed_response_alg asks for it")
		}
		object, err := claims.Decode(doc.body)
		if err != nil {
			return nil, sdk.InvalidResponse(reasonUserInfoMalformed, "%w", err)
		}
		return object, nil
	case "application/jwt":
		if m.options.UserInfoAlg == "" {
			return nil, sdk.InvalidResponse(reasonUserInfoSigned, "signed: set client_userinfo_signed_response_alg to the algorithm")
		}
		return m.verifyUserInfo(ctx, md, strings.TrimSpace(string(doc.body)))
	default:
		return nil, sdk.InvalidResponse(reasonUserInfoMalformed, "content of type %q, neither application/json nor application/jwt", shown(doc.mediaType()))
	}
}

// verifyUserInfo checks a signed answer. Section 5.3.2 wants iss and aud in it;
// times are checked if they are there.
func (m *mechanism) verifyUserInfo(ctx context.Context, md metadata, raw string) (claims.Object, error) {
	header, err := parseCompact(raw, m.options.UserInfoAlg)
	if err != nil {
		return nil, err
	}
	payload, key, err := m.keys(md).verify(ctx, raw, header)
	if err != nil {
		return nil, err
	}
	object, err := claims.Decode(payload)
	if err != nil {
		return nil, sdk.InvalidResponse(reasonJWTClaims, "%w", err)
	}
	if err := checkIssuer(md.issuer, object, key); err != nil {
		return nil, err
	}
	if err := m.checkAudience(object); err != nil {
		return nil, err
	}
	if object.Has("exp") {
		if err := checkExpires(object, m.now()); err != nil {
			return nil, err
		}
	}
	return object, checkNotBefore(object, m.now())
}
