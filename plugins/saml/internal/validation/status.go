package validation

import (
	"strings"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// checkStatus converts the status in a message into a refusal (core section 3.2.2.2). The
// second-level code is more precise if it is present.
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

// StatusCodes returns the top-level status code and the second-level one, if any.
func StatusCodes(e *strictxml.Element) (top, second string, err error) {
	status := e.Child(saml2.Protocol, "Status")
	if status == nil {
		return "", "", sdk.InvalidResponse(ReasonStatusMissing, "the message does not have exactly one Status")
	}
	code := status.Child(saml2.Protocol, "StatusCode")
	if code == nil {
		return "", "", sdk.InvalidResponse(ReasonStatusMissing, "the message does not have exactly one StatusCode")
	}
	if nested := code.Child(saml2.Protocol, "StatusCode"); nested != nil {
		second = nested.Value("Value")
	}
	return code.Value("Value"), second, nil
}

func refusalOf(top, second, said string) error {
	switch second {
	case saml2.StatusAuthnFailed, saml2.StatusUnknownPrincipal:
		return sdk.Denied(sdk.ReasonBadCredentials, "the identity provider could not authenticate the user: %s", said)
	case saml2.StatusRequestDenied:
		return sdk.Denied(sdk.ReasonNotAllowed, "the identity provider refuses the user: %s", said)
	case saml2.StatusNoPassive:
		return sdk.Denied(ReasonNoPassive, "the user is not signed in at the identity provider, and is_passive is set: %s", said)
	case saml2.StatusNoAuthnContext:
		return sdk.Denied(ReasonAuthnContext, "the identity provider cannot satisfy authn_context: %s", said)
	case saml2.StatusInvalidPolicy:
		return sdk.Misconfigured(ReasonStatus, "the identity provider cannot satisfy name_id_format or sp_allow_create: %s", said)
	}
	switch top {
	case saml2.StatusRequester, saml2.StatusVersionMismatch:
		return sdk.Misconfigured(ReasonStatus, "the identity provider rejects the request of Doorward, see its log: %s", said)
	case saml2.StatusResponder:
		return sdk.Unavailable(ReasonStatus, "the identity provider failed, see its log: %s", said)
	}
	return sdk.InvalidResponse(ReasonStatus, "the identity provider answers with a status that SAML does not define: %s", said)
}
