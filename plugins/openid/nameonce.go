package main

import (
	"fmt"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/contract"
)

// withNameOf reads the name that Apple tells once, with the first response about a
// person, in a parameter that the browser carries and nobody has signed
// (developer.apple.com, "Incorporating Sign in with Apple into other platforms"). It is
// shown, so that it may be what people say of themselves; the address beside it, which
// could decide something, is not read.
func withNameOf(response sdk.InboundRequest, identity sdk.Identity) sdk.Identity {
	raw := response.Form.Get("user")
	if raw == "" || identity.GivenName != "" || identity.FamilyName != "" || identity.Name != "" {
		return identity
	}
	given, family, err := nameIn(raw)
	if err != nil {
		identity.Warnings = append(identity.Warnings, fmt.Sprintf("the parameter user of the response cannot be read: %v: the name stays empty", err))
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
