package main

import "github.com/doorward/doorward/sdk"

// The reasons for refusals in this package, in addition to those of package sdk.
// internal/bindings, internal/idp and internal/validation have their own. They are stable:
// operators search their logs for them, and README.md explains each.
const (
	reasonKeyMissing       sdk.Reason = "sp_private_key_missing"
	reasonUnsolicited      sdk.Reason = "unsolicited"
	reasonRelayState       sdk.Reason = "relay_state_mismatch"
	reasonXML              sdk.Reason = "xml_refused"
	reasonProviderChanged  sdk.Reason = "provider_changed"
	reasonUnsigned         sdk.Reason = "unsigned"
	reasonDecrypt          sdk.Reason = "decrypt"
	reasonNoDecryptionKey  sdk.Reason = "decryption_key_missing"
	reasonNotEncrypted     sdk.Reason = "not_encrypted"
	reasonCBCUnsigned      sdk.Reason = "cbc_unsigned"
	reasonAssertionMissing sdk.Reason = "assertion_missing"
	reasonTransient        sdk.Reason = "name_id_transient"
	reasonNameIDFormat     sdk.Reason = "name_id_format"
	reasonSPNameQualifier  sdk.Reason = "sp_name_qualifier"
	reasonIdentifier       sdk.Reason = "identifier_missing"
	reasonLogoutRequest    sdk.Reason = "logout_request"
)
