package web

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// maxState is more than the length of the state that this host sends, in bytes.
const maxState = 255

// stateOf finds the state in a response: exactly once, in the query or in the form, under
// the name that OAuth 2.0, SAML or the mechanism gives it. Two equal states are refused as
// well: nobody knows who sent the second one.
func stateOf(in sdk.InboundRequest, p sso.Provider) (string, error) {
	found := statesIn(in.Query, p)
	if in.Method == http.MethodPost {
		found = append(found, statesIn(in.Form, p)...)
	}
	if len(found) != 1 || found[0] == "" || len(found[0]) > maxState {
		return "", payloadError{"state is missing, given twice, or too long"}
	}
	return found[0], nil
}

func statesIn(values url.Values, p sso.Provider) []string {
	found := append(append([]string{}, values["state"]...), values["RelayState"]...)
	for _, name := range p.StateParameters {
		if name != "state" && name != "RelayState" {
			found = append(found, values[name]...)
		}
	}
	for _, name := range p.StateTokens {
		for _, token := range values[name] {
			found = append(found, stateInToken(token))
		}
	}
	return found
}

// stateInToken reads the claim state of a signed token without checking the signature: it only
// says which sealed attempt is meant, as a plain parameter would. It is empty if there is
// no readable claim.
func stateInToken(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	object, err := claims.DecodeFor(payload, "state")
	if err != nil {
		return ""
	}
	state, _ := object.String("state")
	return state
}
