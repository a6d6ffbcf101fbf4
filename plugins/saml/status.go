package main

import (
	"strings"

	"github.com/doorward/doorward/plugins/saml/internal/wall"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// checkStatus turns the status of the provider into a refusal (core section
// 3.2.2.2). The second code says more where there is one.
func checkStatus(e *wall.Element) error {
	top, second, err := statusCodes(e)
	if err != nil || top == statusSuccess {
		return err
	}
	said := upstream.Shown(strings.TrimPrefix(top, statusPrefix)) + " " + upstream.Shown(strings.TrimPrefix(second, statusPrefix))
	if message := e.Child(nsProtocol, "Status").Child(nsProtocol, "StatusMessage"); message != nil {
		text, _ := message.Text()
		said += ": " + upstream.Shown(text)
	}
	return refusalOf(top, second, strings.TrimSpace(said))
}

// statusCodes returns the code of a status and the one inside of it, if any.
func statusCodes(e *wall.Element) (top, second string, err error) {
	status := e.Child(nsProtocol, "Status")
	if status == nil {
		return "", "", sdk.InvalidResponse(reasonStatusMissing, "the message has not one status")
	}
	code := status.Child(nsProtocol, "StatusCode")
	if code == nil {
		return "", "", sdk.InvalidResponse(reasonStatusMissing, "the message has not one status code")
	}
	if nested := code.Child(nsProtocol, "StatusCode"); nested != nil {
		second = nested.Value("Value")
	}
	return code.Value("Value"), second, nil
}

func refusalOf(top, second, said string) error {
	switch second {
	case statusAuthnFailed, statusUnknownPrincipal:
		return sdk.Denied(sdk.ReasonBadCredentials, "the provider could not authenticate the end user: %s", said)
	case statusRequestDenied:
		return sdk.Denied(sdk.ReasonNotAllowed, "the provider refuses: %s", said)
	case statusNoPassive:
		return sdk.Denied(reasonNoPassive, "the end user is not signed in at the provider, and is_passive is set: %s", said)
	case statusNoAuthnContext:
		return sdk.Denied(reasonAuthnContext, "the provider cannot meet authn_context: %s", said)
	case statusInvalidPolicy:
		return sdk.Misconfigured(reasonStatus, "the provider cannot meet name_id_format or sp_allow_create: %s", said)
	}
	switch top {
	case statusRequester, statusVersionMismatch:
		return sdk.Misconfigured(reasonStatus, "the provider does not like our request, see its log: %s", said)
	case statusResponder:
		return sdk.Unavailable(reasonStatus, "the provider fails, see its log: %s", said)
	}
	return sdk.InvalidResponse(reasonStatus, "the provider answers with a status that SAML does not have: %s", said)
}
