package codeflow

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// Limits of an answer.
const (
	MaxToken    = 16 << 10 // bytes of an access or refresh token
	maxLifetime = 10 * 365 * 24 * time.Hour
)

// TypeDPoP is the type of tokens that are bound to a key. It is accepted only in answer
// to a request with a proof of that key (RFC 9449 section 5).
const TypeDPoP = "DPoP"

var visible = regexp.MustCompile(`^[\x20-\x7e]+$`) // VSCHAR of RFC 6749 appendix A

// read reads an answer of a token endpoint (RFC 6749 sections 5.1 and 5.2). An error
// counts whatever its status and type; tokens must come as the specification says.
func read(a upstream.Answer, bound bool) (claims.Object, error) {
	object, err := claims.Decode(a.Body)
	switch {
	case a.Status != http.StatusOK && (err != nil || !object.Has("error")):
		return nil, statusError(a)
	case err != nil:
		return nil, sdk.InvalidResponse(ReasonMalformed, "%w", err)
	case object.Has("error"):
		return nil, tokenError(object)
	case a.MediaType() != "application/json":
		return nil, sdk.InvalidResponse(ReasonMalformed, "content of type %q, not application/json", upstream.Shown(a.MediaType()))
	}
	return object, checkTokens(object, bound)
}

func statusError(a upstream.Answer) error {
	if a.Status >= 200 && a.Status < 400 {
		return sdk.InvalidResponse(ReasonStatus, "the token endpoint %s", a.Problem())
	}
	return sdk.Unavailable(ReasonStatus, "the token endpoint %s", a.Problem())
}

func checkTokens(object claims.Object, bound bool) error {
	for _, name := range []string{"access_token", "refresh_token"} {
		token, err := object.String(name)
		if err != nil {
			return sdk.InvalidResponse(ReasonMalformed, "%w", err)
		}
		if len(token) > MaxToken || token != "" && !visible.MatchString(token) {
			return sdk.InvalidResponse(ReasonMalformed, "%s is not at most %d printable ASCII characters", name, MaxToken)
		}
	}
	if kind, err := object.String("token_type"); err != nil || !strings.EqualFold(kind, "Bearer") && !(bound && strings.EqualFold(kind, TypeDPoP)) {
		return sdk.InvalidResponse(ReasonType, "a token of type %q, not Bearer", upstream.Shown(kind))
	}
	if token, _ := object.String("access_token"); token == "" {
		return sdk.InvalidResponse(ReasonMalformed, "no access_token")
	}
	lifetime, err := object.Int("expires_in")
	if err != nil || lifetime < 0 || lifetime > int64(maxLifetime/time.Second) {
		return sdk.InvalidResponse(ReasonMalformed, "expires_in is not a sensible number of seconds")
	}
	return nil
}

// canonical writes what x/oauth2 looks at, and nothing else: it would take another
// member for one of these if its name differs in case only.
func canonical(object claims.Object) ([]byte, error) {
	members := map[string]any{}
	for _, name := range []string{"access_token", "token_type", "refresh_token", "expires_in"} {
		if object[name] != nil {
			members[name] = object[name]
		}
	}
	data, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("encoding the answer of the token endpoint: %w", err)
	}
	return data, nil
}
