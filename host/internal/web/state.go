package web

import (
	"net/http"
	"net/url"

	"github.com/doorward/doorward/sdk"
)

// maxState is more than the state that we send has, in bytes.
const maxState = 255

// stateOf finds the state in what came back: exactly once, in the query or in the
// form, under the name that OAuth 2.0, SAML or the mechanism gives it. Two that
// are equal are refused as well: who sent the second one?
func stateOf(in sdk.InboundRequest, named []string) (string, error) {
	found := statesIn(in.Query, named)
	if in.Method == http.MethodPost {
		found = append(found, statesIn(in.Form, named)...)
	}
	if len(found) != 1 || found[0] == "" || len(found[0]) > maxState {
		return "", payloadError{"state is missing, given twice, or too long"}
	}
	return found[0], nil
}

func statesIn(values url.Values, named []string) []string {
	found := append(append([]string{}, values["state"]...), values["RelayState"]...)
	for _, name := range named {
		if name != "state" && name != "RelayState" {
			found = append(found, values[name]...)
		}
	}
	return found
}
