// Package jarm reads authorization responses that the provider has signed (JWT Secured
// Authorization Response Mode for OAuth 2.0).
package jarm

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// The response modes (section 2.3). JWT is QueryJWT for a code.
const (
	QueryJWT    = "query.jwt"
	FormPostJWT = "form_post.jwt"
	JWT         = "jwt"
)

// Parameter holds the response (section 2.2).
const Parameter = "response"

// The reasons of refused responses, in addition to those of signed tokens.
const (
	ReasonUnsigned  sdk.Reason = "response_unsigned"
	ReasonMalformed sdk.Reason = "response_jwt_malformed"
	ReasonLifetime  sdk.Reason = "response_jwt_lifetime"
)

// maxLifetime is how long a response may be valid; section 2.1 recommends at most ten
// minutes.
const maxLifetime = time.Hour

// Signed reports whether a response mode is one of those above.
func Signed(mode string) bool {
	return slices.Contains([]string{QueryJWT, FormPostJWT, JWT}, mode)
}

// Of returns the signed mode that delivers responses in the same way as a plain mode.
func Of(mode string) string {
	switch mode {
	case codeflow.ModeFormPost:
		return FormPostJWT
	case codeflow.ModeQuery:
		return QueryJWT
	}
	return mode
}

// Token returns the signed response from where the mode puts it. An unsigned response is
// refused, because otherwise the mode would protect nothing.
func Token(in sdk.InboundRequest, mode string) (string, error) {
	method, params, other := http.MethodGet, in.Query, in.Form
	if mode == FormPostJWT {
		method, params, other = http.MethodPost, in.Form, in.Query
	}
	if in.Method != method || len(other) > 0 {
		return "", sdk.InvalidResponse(codeflow.ReasonResponseMode, "the response did not arrive as response_mode %s says", mode)
	}
	for _, name := range []string{"code", "error", "state", "iss", "id_token", "access_token"} {
		if params.Has(name) {
			return "", sdk.InvalidResponse(ReasonUnsigned, "the response has %s outside of the signature: if the provider does not sign its responses, leave signed_authorization_responses out", name)
		}
	}
	values := params[Parameter]
	if len(values) != 1 {
		return "", sdk.InvalidResponse(codeflow.ReasonResponseDuplicate, "the parameter response occurs %d times instead of once", len(values))
	}
	return values[0], nil
}

// Expectation is what a signed response must match.
type Expectation struct {
	Issuer   string
	ClientID string
	Now      time.Time
}

// Read checks a response whose signature was verified, in the order of section 2.4, and
// returns its parameters as if they had arrived in the query. The caller must compare the
// state with that of the login.
func Read(token jose.Token, want Expectation) (sdk.InboundRequest, error) {
	object := token.Claims
	if err := discovery.CheckIssuer(want.Issuer, object, token.Key); err != nil {
		return sdk.InboundRequest{}, err
	}
	if err := idtoken.CheckAudience(object, want.ClientID, nil); err != nil {
		return sdk.InboundRequest{}, err
	}
	if err := idtoken.CheckExpires(object, want.Now); err != nil {
		return sdk.InboundRequest{}, err
	}
	if expires, _ := object.Time("exp"); expires.Sub(want.Now) > maxLifetime {
		return sdk.InboundRequest{}, sdk.InvalidResponse(ReasonLifetime, "the response is valid for another %v, at most %v are accepted", expires.Sub(want.Now), maxLifetime)
	}
	if err := idtoken.CheckNotBefore(object, want.Now); err != nil {
		return sdk.InboundRequest{}, err
	}
	params, err := parameters(object)
	return sdk.InboundRequest{Method: http.MethodGet, Query: params}, err
}

// The claims that are about the token and not parameters, and the parameters that must be
// text.
var (
	tokenClaims = []string{"aud", "exp", "iat", "nbf", "jti", "sub", "azp"}
	decisive    = []string{"iss", "state", "code", "error"}
)

// Names are the claims that decide something.
var Names = slices.Concat(tokenClaims, decisive, []string{"id_token", "access_token", "token_type", "response", "tid"})

func parameters(object claims.Object) (url.Values, error) {
	params := url.Values{}
	for name, value := range object {
		if value == nil || slices.Contains(tokenClaims, name) {
			continue
		}
		text, ok := value.(string)
		if !ok && slices.Contains(decisive, name) {
			return nil, sdk.InvalidResponse(ReasonMalformed, "the claim %s of the signed response is not a string", upstream.Shown(name))
		}
		if ok {
			params.Set(name, strings.ToValidUTF8(text, ""))
		}
	}
	return params, nil
}
