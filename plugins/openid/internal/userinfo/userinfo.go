// Package userinfo asks the user-info endpoint of an OpenID provider (OpenID Connect
// Core section 5.3).
package userinfo

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// The reasons of refused answers.
const (
	ReasonUnreachable sdk.Reason = "userinfo_unreachable"
	ReasonStatus      sdk.Reason = "userinfo_status"
	ReasonMalformed   sdk.Reason = "userinfo_malformed"
	ReasonUnsigned    sdk.Reason = "userinfo_unsigned"
	ReasonSubject     sdk.Reason = "userinfo_sub_mismatch"
)

// ErrTokenRefused: the endpoint does not accept the access token (RFC 6750 section 3.1).
var ErrTokenRefused = errors.New("the access token is not accepted")

// Expectation is what an answer must fit.
type Expectation struct {
	Subject          string // of the ID token
	Issuer           string
	ClientID         string
	TrustedAudiences []string
	Alg              string // of the signature; empty: there need not be one
	AlgIfSigned      string // of a signature that need not be there
	Now              time.Time
}

// Ask asks the endpoint, with the access token, about the subject of the ID token.
func Ask(ctx context.Context, client *http.Client, endpoint, accessToken string, keys *jose.Store, want Expectation) (claims.Object, error) {
	header := http.Header{"Accept": {"application/json"}, "Authorization": {"Bearer " + accessToken}} // RFC 6750 section 2.1
	if want.Alg != "" {
		header.Set("Accept", "application/jwt")
	}
	answer, err := upstream.Get(ctx, client, endpoint, header)
	if err != nil {
		return nil, sdk.Unavailable(ReasonUnreachable, "%w", err)
	}
	if answer.Status == http.StatusUnauthorized {
		return nil, sdk.Unavailable(ReasonStatus, "%w: the user-info endpoint %s", ErrTokenRefused, answer.Problem())
	}
	if answer.Status != http.StatusOK {
		return nil, sdk.Unavailable(ReasonStatus, "the user-info endpoint %s", answer.Problem())
	}
	object, err := read(ctx, answer, keys, want)
	if err != nil {
		return nil, err
	}
	// Section 5.3.2: without this the answer could be about anybody, because an
	// access token is not bound to the ID token that it came with.
	got, err := object.String("sub")
	if err != nil || got != want.Subject {
		return nil, sdk.InvalidResponse(ReasonSubject, "the user info is not about the subject of the ID token")
	}
	return object, nil
}

// read takes a plain or a signed answer. Where the operator asks for a signature, none
// must not be up to whoever can alter the answer.
func read(ctx context.Context, answer upstream.Answer, keys *jose.Store, want Expectation) (claims.Object, error) {
	switch answer.MediaType() {
	case "application/json":
		if want.Alg != "" {
			return nil, sdk.InvalidResponse(ReasonUnsigned, "not signed, while client_userinfo_signed_response_alg asks for it")
		}
		object, err := claims.Decode(answer.Body)
		if err != nil {
			return nil, sdk.InvalidResponse(ReasonMalformed, "%w", err)
		}
		return object, nil
	case "application/jwt":
		want.Alg = cmp.Or(want.Alg, want.AlgIfSigned)
		return verify(ctx, strings.TrimSpace(string(answer.Body)), keys, want)
	default:
		return nil, sdk.InvalidResponse(ReasonMalformed, "content of type %q, neither application/json nor application/jwt", upstream.Shown(answer.MediaType()))
	}
}

// verify checks a signed answer. Section 5.3.2 wants iss and aud in it; times are
// checked if they are there.
func verify(ctx context.Context, raw string, keys *jose.Store, want Expectation) (claims.Object, error) {
	token, err := keys.Verify(ctx, raw, want.Alg)
	if err != nil {
		return nil, err
	}
	if err := discovery.CheckIssuer(want.Issuer, token.Claims, token.Key); err != nil {
		return nil, err
	}
	if err := idtoken.CheckAudience(token.Claims, want.ClientID, want.TrustedAudiences); err != nil {
		return nil, err
	}
	if token.Claims.Has("exp") {
		if err := idtoken.CheckExpires(token.Claims, want.Now); err != nil {
			return nil, err
		}
	}
	return token.Claims, idtoken.CheckNotBefore(token.Claims, want.Now)
}
