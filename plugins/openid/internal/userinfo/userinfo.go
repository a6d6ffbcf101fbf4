// Package userinfo asks the user-info endpoint of an OpenID provider (OpenID Connect
// Core section 5.3).
package userinfo

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// The reasons of refused responses.
const (
	ReasonUnreachable sdk.Reason = "userinfo_unreachable"
	ReasonStatus      sdk.Reason = "userinfo_status"
	ReasonMalformed   sdk.Reason = "userinfo_malformed"
	ReasonUnsigned    sdk.Reason = "userinfo_unsigned"
	ReasonRefused     sdk.Reason = "userinfo_token_refused"
	ReasonSubject     sdk.Reason = "userinfo_sub_mismatch"
)

// Expectation is what a response must match.
type Expectation struct {
	Subject          string // of the ID token
	Issuer           string
	ClientID         string
	TrustedAudiences []string
	Alg              string   // of the signature; empty: the response need not be signed
	Names            []string // for claims.DecodeFor
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
		return nil, upstream.Unreachable(ReasonUnreachable, "", err)
	}
	if err := checkStatus(answer); err != nil {
		return nil, err
	}
	object, err := read(ctx, answer, keys, want)
	if err != nil {
		return nil, err
	}
	// Section 5.3.2: without this check the response could be about anybody, because an
	// access token is not bound to the ID token that came with it.
	switch {
	case object["sub"] == nil:
		return nil, sdk.InvalidResponse(ReasonSubject, "the user info has no sub, so it could be about anybody: if all claims are in the ID token, set skip_userinfo")
	case !isAbout(object["sub"], want.Subject):
		return nil, sdk.InvalidResponse(ReasonSubject, "the user info is not about the subject of the ID token")
	}
	return object, nil
}

// isAbout compares sub with that of the ID token, byte for byte. Some providers write it as
// a number in the user info, and as a text in the ID token.
func isAbout(sub any, subject string) bool {
	switch sub := sub.(type) {
	case string:
		return sub == subject
	case json.Number:
		return string(sub) == subject
	}
	return false
}

// checkStatus distinguishes wrong options from a provider that is temporarily unavailable.
func checkStatus(a upstream.Answer) error {
	reason := ReasonStatus
	switch {
	case a.Succeeded():
		return nil
	case a.Status < 300 || a.Passing():
		return sdk.Unavailable(ReasonStatus, "the user-info endpoint %s", a.Problem())
	case a.Status == http.StatusUnauthorized:
		reason = ReasonRefused
	}
	return sdk.Misconfigured(reason,
		"the user-info endpoint %s: is the client allowed the scopes, and is the access token for the right audience? If all claims are in the ID token, set skip_userinfo", a.Problem())
}

// read reads a plain or a signed response. The options say whether it must be signed, so
// that nobody who can change the response decides this. The content type is ignored: some
// providers send JSON as text/plain or text/html, and a JWT as application/json.
func read(ctx context.Context, answer upstream.Answer, keys *jose.Store, want Expectation) (claims.Object, error) {
	body := bytes.TrimSpace(answer.JSON())
	switch {
	case answer.IsHTML():
		return nil, sdk.InvalidResponse(upstream.ReasonHTML, "the user-info endpoint: %s", answer.HTMLText())
	case !bytes.HasPrefix(body, []byte("{")) && bytes.Count(body, []byte(".")) >= 2:
		return verify(ctx, string(body), keys, want)
	case want.Alg != "":
		return nil, sdk.InvalidResponse(ReasonUnsigned, "the user info is not signed, but client_userinfo_signed_response_alg requires it")
	}
	object, err := claims.DecodeFor(body, want.Names...)
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonMalformed, "content of type %q: %w", upstream.Shown(answer.MediaType()), err)
	}
	return object, nil
}

// verify checks a signed response. Section 5.3.2 requires iss and aud in it. If the options
// do not require a signature, a response without iss and aud is as good as an unsigned one,
// so these and the times are checked only if they are present.
func verify(ctx context.Context, raw string, keys *jose.Store, want Expectation) (claims.Object, error) {
	accept := jose.Accept{Algs: jose.Asymmetric, Option: "client_userinfo_signed_response_alg"}
	if want.Alg != "" {
		accept.Algs = []string{want.Alg}
	}
	token, err := keys.Verify(ctx, raw, accept, want.Names)
	if err != nil {
		return nil, err
	}
	if want.Alg != "" || token.Claims["iss"] != nil {
		if err := discovery.CheckIssuer(want.Issuer, token.Claims, token.Key); err != nil {
			return nil, err
		}
	}
	if want.Alg != "" || token.Claims["aud"] != nil {
		if err := idtoken.CheckAudience(token.Claims, want.ClientID, want.TrustedAudiences); err != nil {
			return nil, err
		}
	}
	if token.Claims["exp"] != nil {
		if err := idtoken.CheckExpires(token.Claims, want.Now); err != nil {
			return nil, err
		}
	}
	return token.Claims, idtoken.CheckNotBefore(token.Claims, want.Now)
}
