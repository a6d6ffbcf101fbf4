package jose

import "github.com/doorward/doorward/sdk"

// The reasons of refused tokens and key sets.
const (
	ReasonMalformed  sdk.Reason = "jwt_malformed"
	ReasonTooLarge   sdk.Reason = "jwt_too_large"
	ReasonEncrypted  sdk.Reason = "jwt_encrypted"
	ReasonAlg        sdk.Reason = "jwt_alg"
	ReasonType       sdk.Reason = "jwt_typ"
	ReasonCritical   sdk.Reason = "jwt_crit"
	ReasonKeyID      sdk.Reason = "jwt_kid"
	ReasonClaims     sdk.Reason = "jwt_claims"
	ReasonSignature  sdk.Reason = "signature_invalid"
	ReasonUnknown    sdk.Reason = "key_unknown"
	ReasonAmbiguous  sdk.Reason = "key_ambiguous"
	ReasonKeysAway   sdk.Reason = "keys_unreachable"
	ReasonKeysStatus sdk.Reason = "keys_status"
	ReasonKeysBroken sdk.Reason = "keys_malformed"
	ReasonNotInTime  sdk.Reason = "provider_not_in_time"
)
