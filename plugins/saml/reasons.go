package main

import "github.com/doorward/doorward/sdk"

// The reasons of our refusals, besides those of package sdk. They are stable:
// operators search their logs for them, and README.md says what each means.
const (
	// The provider's metadata.
	reasonMetadataUnreachable sdk.Reason = "metadata_unreachable"
	reasonMetadataStatus      sdk.Reason = "metadata_status"
	reasonMetadataMalformed   sdk.Reason = "metadata_malformed"
	reasonMetadataSignature   sdk.Reason = "metadata_signature"
	reasonMetadataExpired     sdk.Reason = "metadata_expired"
	reasonMetadataEntity      sdk.Reason = "metadata_entity"
	reasonMetadataEndpoint    sdk.Reason = "metadata_endpoint"
	reasonMetadataKeys        sdk.Reason = "metadata_keys"
	reasonNotInTime           sdk.Reason = "metadata_not_in_time"

	// Our requests.
	reasonKeyMissing sdk.Reason = "sp_private_key_missing"

	// The message and its binding.
	reasonUnsolicited      sdk.Reason = "unsolicited"
	reasonBinding          sdk.Reason = "binding"
	reasonMessageMissing   sdk.Reason = "message_missing"
	reasonMessageDuplicate sdk.Reason = "message_duplicate"
	reasonMessageEncoding  sdk.Reason = "message_encoding"
	reasonRelayState       sdk.Reason = "relay_state_mismatch"
	reasonXML              sdk.Reason = "xml_refused"
	reasonStructure        sdk.Reason = "structure"
	reasonProviderChanged  sdk.Reason = "provider_changed"

	// Signature and encryption.
	reasonUnsigned         sdk.Reason = "unsigned"
	reasonAlgorithm        sdk.Reason = "algorithm"
	reasonSignatureShape   sdk.Reason = "signature_shape"
	reasonSignature        sdk.Reason = "signature_invalid"
	reasonCertificateTime  sdk.Reason = "certificate_expired"
	reasonDecrypt          sdk.Reason = "decrypt"
	reasonNoDecryptionKey  sdk.Reason = "decryption_key_missing"
	reasonNotEncrypted     sdk.Reason = "not_encrypted"
	reasonCBCUnsigned      sdk.Reason = "cbc_unsigned"
	reasonAssertionMissing sdk.Reason = "assertion_missing"

	// The rules for responses.
	reasonVersion        sdk.Reason = "version"
	reasonID             sdk.Reason = "id"
	reasonIssuer         sdk.Reason = "issuer_mismatch"
	reasonDestination    sdk.Reason = "destination_mismatch"
	reasonInResponseTo   sdk.Reason = "in_response_to_mismatch"
	reasonTime           sdk.Reason = "time_malformed"
	reasonIssueInstant   sdk.Reason = "issue_instant"
	reasonNotYetValid    sdk.Reason = "not_yet_valid"
	reasonExpired        sdk.Reason = "expired"
	reasonAudience       sdk.Reason = "audience_mismatch"
	reasonConditions     sdk.Reason = "conditions"
	reasonSubject        sdk.Reason = "subject"
	reasonConfirmation   sdk.Reason = "subject_confirmation"
	reasonAuthnStatement sdk.Reason = "authn_statement"
	reasonSessionOver    sdk.Reason = "session_over"
	reasonAuthnContext   sdk.Reason = "authn_context"
	reasonForceAuthn     sdk.Reason = "authn_not_fresh"

	// The provider's status.
	reasonStatusMissing sdk.Reason = "status_missing"
	reasonNoPassive     sdk.Reason = "no_passive"
	reasonStatus        sdk.Reason = "status"

	// The identity.
	reasonTransient     sdk.Reason = "name_id_transient"
	reasonIdentifier    sdk.Reason = "identifier_missing"
	reasonAttributes    sdk.Reason = "attributes"
	reasonIdentityLimit sdk.Reason = "identity_limit"

	// Logout.
	reasonLogoutRequest sdk.Reason = "logout_request"
)
