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

// The reasons of refused responses, beside those of signed tokens.
const (
	ReasonUnsigned  sdk.Reason = "response_unsigned"
	ReasonMalformed sdk.Reason = "response_jwt_malformed"
	ReasonLifetime  sdk.Reason = "response_jwt_lifetime"
)

// maxLifetime is how long a response may be good; section 2.1 recommends ten minutes at
// most.
const maxLifetime = time.Hour

// Names are the claims that are read, see claims.DecodeFor.
var Names = []string{
	"iss", "aud", "azp", "exp", "nbf", "iat", "tid", "code", "state", "error", "error_description", "response",
	"id_token", "access_token", "token_type",
}

// Signed reports whether a response mode is one of these.
func Signed(mode string) bool {
	return slices.Contains([]string{QueryJWT, FormPostJWT, JWT}, mode)
}

// Of is the signed mode that delivers as the plain one does.
func Of(mode string) string {
	switch mode {
	case codeflow.ModeFormPost:
		return FormPostJWT
	case codeflow.ModeQuery:
		return QueryJWT
	}
	return mode
}

// Token takes the signed response from the one place where the mode puts it. A
// response that is not signed is refused: that it must be is all that the mode is for.
func Token(in sdk.InboundRequest, mode string) (string, error) {
	method, params, other := http.MethodGet, in.Query, in.Form
	if mode == FormPostJWT {
		method, params, other = http.MethodPost, in.Form, in.Query
	}
	if in.Method != method || len(other) > 0 {
		return "", sdk.InvalidResponse(codeflow.ReasonResponseMode, "a response by another way than response_mode %s means", mode)
	}
	for _, name := range []string{"code", "error", "state", "iss", "id_token", "access_token"} {
		if params.Has(name) {
			return "", sdk.InvalidResponse(ReasonUnsigned, "a response with %s outside of the signature: if the provider does not sign its responses, leave signed_authorization_responses out", name)
		}
	}
	values := params[Parameter]
	if len(values) != 1 {
		return "", sdk.InvalidResponse(codeflow.ReasonResponseDuplicate, "the parameter response %d times", len(values))
	}
	return values[0], nil
}

// Expectation is what a signed response must fit.
type Expectation struct {
	Issuer   string
	ClientID string
	Now      time.Time
}

// Read checks a response whose signature was verified, in the order of section 2.4, and
// returns its parameters as if they had come in the query. State is for whoever knows
// the login.
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
		return sdk.InboundRequest{}, sdk.InvalidResponse(ReasonLifetime, "a response that is good for another %v, at most %v are accepted", expires.Sub(want.Now), maxLifetime)
	}
	if err := idtoken.CheckNotBefore(object, want.Now); err != nil {
		return sdk.InboundRequest{}, err
	}
	params, err := parameters(object)
	return sdk.InboundRequest{Method: http.MethodGet, Query: params}, err
}

// ofTheToken are the claims that are about the token, and no parameters.
var ofTheToken = []string{"aud", "exp", "iat", "nbf", "jti", "sub", "azp"}

func parameters(object claims.Object) (url.Values, error) {
	params := url.Values{}
	for name, value := range object {
		if value == nil || slices.Contains(ofTheToken, name) {
			continue
		}
		text, ok := value.(string)
		if !ok && slices.Contains([]string{"code", "state", "error", "iss"}, name) {
			return nil, sdk.InvalidResponse(ReasonMalformed, "the claim %s of the signed response is no string", upstream.Shown(name))
		}
		if ok {
			params.Set(name, strings.ToValidUTF8(text, ""))
		}
	}
	return params, nil
}
