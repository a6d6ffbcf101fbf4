package rules

import (
	"strings"

	"github.com/doorward/doorward/plugins/saml/internal/names"
	"github.com/doorward/doorward/plugins/saml/internal/wall"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// checkStatus turns the status of the provider into a refusal (core section
// 3.2.2.2). The second code says more where there is one.
func checkStatus(e *wall.Element) error {
	top, second, err := StatusCodes(e)
	if err != nil || top == names.StatusSuccess {
		return err
	}
	said := upstream.Shown(strings.TrimPrefix(top, names.StatusPrefix)) + " " + upstream.Shown(strings.TrimPrefix(second, names.StatusPrefix))
	if message := e.Child(names.Protocol, "Status").Child(names.Protocol, "StatusMessage"); message != nil {
		text, _ := message.Text()
		said += ": " + upstream.Shown(text)
	}
	return refusalOf(top, second, strings.TrimSpace(said))
}

// StatusCodes returns the code of a status and the one inside of it, if any.
func StatusCodes(e *wall.Element) (top, second string, err error) {
	status := e.Child(names.Protocol, "Status")
	if status == nil {
		return "", "", sdk.InvalidResponse(ReasonStatusMissing, "the message has not one status")
	}
	code := status.Child(names.Protocol, "StatusCode")
	if code == nil {
		return "", "", sdk.InvalidResponse(ReasonStatusMissing, "the message has not one status code")
	}
	if nested := code.Child(names.Protocol, "StatusCode"); nested != nil {
		second = nested.Value("Value")
	}
	return code.Value("Value"), second, nil
}

func refusalOf(top, second, said string) error {
	switch second {
	case names.StatusAuthnFailed, names.StatusUnknownPrincipal:
		return sdk.Denied(sdk.ReasonBadCredentials, "the provider could not authenticate the end user: %s", said)
	case names.StatusRequestDenied:
		return sdk.Denied(sdk.ReasonNotAllowed, "the provider refuses: %s", said)
	case names.StatusNoPassive:
		return sdk.Denied(ReasonNoPassive, "the end user is not signed in at the provider, and is_passive is set: %s", said)
	case names.StatusNoAuthnContext:
		return sdk.Denied(ReasonAuthnContext, "the provider cannot meet authn_context: %s", said)
	case names.StatusInvalidPolicy:
		return sdk.Misconfigured(ReasonStatus, "the provider cannot meet name_id_format or sp_allow_create: %s", said)
	}
	switch top {
	case names.StatusRequester, names.StatusVersionMismatch:
		return sdk.Misconfigured(ReasonStatus, "the provider does not like our request, see its log: %s", said)
	case names.StatusResponder:
		return sdk.Unavailable(ReasonStatus, "the provider fails, see its log: %s", said)
	}
	return sdk.InvalidResponse(ReasonStatus, "the provider answers with a status that SAML does not have: %s", said)
}
