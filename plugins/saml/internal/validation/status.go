package validation

import (
	"strings"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// checkStatus turns the status of the provider into a refusal (core section
// 3.2.2.2). The second code says more where there is one.
func checkStatus(e *strictxml.Element) error {
	top, second, err := StatusCodes(e)
	if err != nil || top == saml2.StatusSuccess {
		return err
	}
	said := upstream.Shown(strings.TrimPrefix(top, saml2.StatusPrefix)) + " " + upstream.Shown(strings.TrimPrefix(second, saml2.StatusPrefix))
	if message := e.Child(saml2.Protocol, "Status").Child(saml2.Protocol, "StatusMessage"); message != nil {
		text, _ := message.Text()
		said += ": " + upstream.Shown(text)
	}
	return refusalOf(top, second, strings.TrimSpace(said))
}

// StatusCodes returns the code of a status and the one inside of it, if any.
func StatusCodes(e *strictxml.Element) (top, second string, err error) {
	status := e.Child(saml2.Protocol, "Status")
	if status == nil {
		return "", "", sdk.InvalidResponse(ReasonStatusMissing, "the message has not one status")
	}
	code := status.Child(saml2.Protocol, "StatusCode")
	if code == nil {
		return "", "", sdk.InvalidResponse(ReasonStatusMissing, "the message has not one status code")
	}
	if nested := code.Child(saml2.Protocol, "StatusCode"); nested != nil {
		second = nested.Value("Value")
	}
	return code.Value("Value"), second, nil
}

func refusalOf(top, second, said string) error {
	switch second {
	case saml2.StatusAuthnFailed, saml2.StatusUnknownPrincipal:
		return sdk.Denied(sdk.ReasonBadCredentials, "the provider could not authenticate the end user: %s", said)
	case saml2.StatusRequestDenied:
		return sdk.Denied(sdk.ReasonNotAllowed, "the provider refuses: %s", said)
	case saml2.StatusNoPassive:
		return sdk.Denied(ReasonNoPassive, "the end user is not signed in at the provider, and is_passive is set: %s", said)
	case saml2.StatusNoAuthnContext:
		return sdk.Denied(ReasonAuthnContext, "the provider cannot meet authn_context: %s", said)
	case saml2.StatusInvalidPolicy:
		return sdk.Misconfigured(ReasonStatus, "the provider cannot meet name_id_format or sp_allow_create: %s", said)
	}
	switch top {
	case saml2.StatusRequester, saml2.StatusVersionMismatch:
		return sdk.Misconfigured(ReasonStatus, "the provider does not like our request, see its log: %s", said)
	case saml2.StatusResponder:
		return sdk.Unavailable(ReasonStatus, "the provider fails, see its log: %s", said)
	}
	return sdk.InvalidResponse(ReasonStatus, "the provider answers with a status that SAML does not have: %s", said)
}
