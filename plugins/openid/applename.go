package main

import (
	"fmt"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/contract"
)

// withNameOf adds the name that Apple sends only once, with the first response about a
// person, in an unsigned parameter that passes through the browser (developer.apple.com,
// "Incorporating Sign in with Apple into other platforms"). The name is only shown, so it
// need not be verified. The address next to it could decide something, and is not read.
func withNameOf(response sdk.InboundRequest, identity sdk.Identity) sdk.Identity {
	raw := response.Form.Get("user")
	if raw == "" || identity.GivenName != "" || identity.FamilyName != "" || identity.Name != "" {
		return identity
	}
	given, family, err := nameIn(raw)
	if err != nil {
		identity.Warnings = append(identity.Warnings, fmt.Sprintf("the parameter user of the response cannot be read, so the name stays empty: %v", err))
		return identity
	}
	identity.GivenName, identity.FamilyName = given, family
	identity, warnings := contract.Tidy(identity)
	identity.Warnings = append(identity.Warnings, warnings...)
	return identity
}

func nameIn(raw string) (given, family string, err error) {
	object, err := claims.DecodeFor([]byte(raw), "name", "firstName", "lastName")
	if err != nil {
		return "", "", err
	}
	name, err := object.Object("name")
	if err != nil {
		return "", "", err
	}
	if given, err = name.String("firstName"); err != nil {
		return "", "", err
	}
	family, err = name.String("lastName")
	return given, family, err
}
