package validation

import "github.com/doorward/doorward/sdk"

// The reasons for refusals in this package.
const (
	ReasonStructure      sdk.Reason = "structure"
	ReasonVersion        sdk.Reason = "version"
	ReasonID             sdk.Reason = "id"
	ReasonIssuer         sdk.Reason = "issuer_mismatch"
	ReasonDestination    sdk.Reason = "destination_mismatch"
	ReasonInResponseTo   sdk.Reason = "in_response_to_mismatch"
	ReasonTime           sdk.Reason = "time_malformed"
	ReasonIssueInstant   sdk.Reason = "issue_instant"
	ReasonNotYetValid    sdk.Reason = "not_yet_valid"
	ReasonExpired        sdk.Reason = "expired"
	ReasonAudience       sdk.Reason = "audience_mismatch"
	ReasonConditions     sdk.Reason = "conditions"
	ReasonSubject        sdk.Reason = "subject"
	ReasonConfirmation   sdk.Reason = "subject_confirmation"
	ReasonAuthnStatement sdk.Reason = "authn_statement"
	ReasonSessionOver    sdk.Reason = "session_over"
	ReasonAuthnContext   sdk.Reason = "authn_context"
	ReasonForceAuthn     sdk.Reason = "authn_not_fresh"
	ReasonStatusMissing  sdk.Reason = "status_missing"
	ReasonNoPassive      sdk.Reason = "no_passive"
	ReasonStatus         sdk.Reason = "status"
	ReasonAttributes     sdk.Reason = "attributes"
)
