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

// The reasons of refused answers.
const (
	ReasonUnreachable sdk.Reason = "userinfo_unreachable"
	ReasonStatus      sdk.Reason = "userinfo_status"
	ReasonMalformed   sdk.Reason = "userinfo_malformed"
	ReasonUnsigned    sdk.Reason = "userinfo_unsigned"
	ReasonRefused     sdk.Reason = "userinfo_token_refused"
	ReasonSubject     sdk.Reason = "userinfo_sub_mismatch"
)

// Expectation is what an answer must fit.
type Expectation struct {
	Subject          string // of the ID token
	Issuer           string
	ClientID         string
	TrustedAudiences []string
	Alg              string   // of the signature; empty: there need be none
	Names            []string // that are read, see claims.DecodeFor
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
	// Section 5.3.2: without this the answer could be about anybody, because an
	// access token is not bound to the ID token that it came with.
	switch {
	case object["sub"] == nil:
		return nil, sdk.InvalidResponse(ReasonSubject, "the user info has no sub, so that it could be about anybody: if all claims stand in the ID token, set skip_userinfo")
	case !isAbout(object["sub"], want.Subject):
		return nil, sdk.InvalidResponse(ReasonSubject, "the user info is not about the subject of the ID token")
	}
	return object, nil
}

// isAbout compares sub with that of the ID token, byte for byte. Some providers write a
// number here, and the same digits as a text there.
func isAbout(sub any, subject string) bool {
	switch sub := sub.(type) {
	case string:
		return sub == subject
	case json.Number:
		return string(sub) == subject
	}
	return false
}

// checkStatus tells what the operator must change from a provider in trouble.
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
		"the user-info endpoint %s: is the client allowed the scopes, or does the provider know another audience for it? If all claims stand in the ID token, set skip_userinfo", a.Problem())
}

// read takes a plain or a signed answer. Whether it must be signed is for the operator
// to say, and not for whoever can alter the answer. What it is, its first byte tells:
// JSON is called text/plain and text/html in the wild, and a JWT application/json.
func read(ctx context.Context, answer upstream.Answer, keys *jose.Store, want Expectation) (claims.Object, error) {
	body := bytes.TrimSpace(answer.JSON())
	switch {
	case answer.IsHTML():
		return nil, sdk.InvalidResponse(upstream.ReasonHTML, "the user-info endpoint: %s", answer.HTMLText())
	case !bytes.HasPrefix(body, []byte("{")) && bytes.Count(body, []byte(".")) >= 2:
		return verify(ctx, string(body), keys, want)
	case want.Alg != "":
		return nil, sdk.InvalidResponse(ReasonUnsigned, "not signed, while client_userinfo_signed_response_alg asks for it")
	}
	object, err := claims.DecodeFor(body, want.Names...)
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonMalformed, "content of type %q: %w", upstream.Shown(answer.MediaType()), err)
	}
	return object, nil
}

// verify checks a signed answer. Section 5.3.2 wants iss and aud in it. Where nobody
// asks for a signature, an answer without them says as much as one that is not signed, and
// is as good; they, and times, are checked if they are there.
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
