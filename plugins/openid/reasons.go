package main

import "github.com/doorward/doorward/sdk"

// The reasons of our refusals, besides those of package sdk and of package
// claims. They are stable: operators search their logs for them, and README.md
// says what each means. An authorization or token response with an error of the
// provider's is refused with the provider's own word.
const (
	// Reaching the provider.
	reasonNotInTime            sdk.Reason = "provider_not_in_time"
	reasonDiscoveryUnreachable sdk.Reason = "discovery_unreachable"
	reasonDiscoveryStatus      sdk.Reason = "discovery_status"
	reasonDiscoveryMalformed   sdk.Reason = "discovery_malformed"
	reasonDiscoveryIssuer      sdk.Reason = "discovery_issuer_mismatch"
	reasonDiscoveryEndpoint    sdk.Reason = "discovery_endpoint"
	reasonDiscoveryUnsupported sdk.Reason = "discovery_unsupported"
	reasonKeysUnreachable      sdk.Reason = "keys_unreachable"
	reasonKeysStatus           sdk.Reason = "keys_status"
	reasonKeysMalformed        sdk.Reason = "keys_malformed"

	// The authorization request.
	reasonRequestTooLong sdk.Reason = "request_too_long"

	// The authorization response.
	reasonUnsolicited       sdk.Reason = "unsolicited"
	reasonProviderChanged   sdk.Reason = "provider_changed"
	reasonResponseMode      sdk.Reason = "response_mode_mismatch"
	reasonResponseMalformed sdk.Reason = "response_malformed"
	reasonResponseDuplicate sdk.Reason = "response_duplicate"
	reasonResponseType      sdk.Reason = "response_type_mismatch"
	reasonStateMismatch     sdk.Reason = "state_mismatch"
	reasonIssMissing        sdk.Reason = "response_iss_missing"
	reasonIssMismatch       sdk.Reason = "response_iss_mismatch"
	reasonErrorAndCode      sdk.Reason = "error_and_code"
	reasonCodeMissing       sdk.Reason = "code_missing"
	reasonUnknownError      sdk.Reason = "unknown_error"

	// The token response.
	reasonTokenUnreachable sdk.Reason = "token_unreachable"
	reasonTokenStatus      sdk.Reason = "token_status"
	reasonTokenMalformed   sdk.Reason = "token_malformed"
	reasonTokenType        sdk.Reason = "token_type"
	reasonIDTokenMissing   sdk.Reason = "id_token_missing"
	reasonScopeReduced     sdk.Reason = "scope_reduced"

	// A signed token: the ID token, or a user-info response.
	reasonJWTMalformed sdk.Reason = "jwt_malformed"
	reasonJWTTooLarge  sdk.Reason = "jwt_too_large"
	reasonJWTEncrypted sdk.Reason = "jwt_encrypted"
	reasonJWTAlg       sdk.Reason = "jwt_alg"
	reasonJWTType      sdk.Reason = "jwt_typ"
	reasonJWTCritical  sdk.Reason = "jwt_crit"
	reasonJWTKeyID     sdk.Reason = "jwt_kid"
	reasonJWTClaims    sdk.Reason = "jwt_claims"
	reasonKeyUnknown   sdk.Reason = "key_unknown"
	reasonKeyAmbiguous sdk.Reason = "key_ambiguous"
	reasonSignature    sdk.Reason = "signature_invalid"

	// The claims of the ID token.
	reasonIssuerMismatch    sdk.Reason = "issuer_mismatch"
	reasonAudienceMismatch  sdk.Reason = "audience_mismatch"
	reasonAudienceUntrusted sdk.Reason = "audience_untrusted"
	reasonPartyMissing      sdk.Reason = "azp_missing"
	reasonPartyMismatch     sdk.Reason = "azp_mismatch"
	reasonExpired           sdk.Reason = "id_token_expired"
	reasonIssuedAt          sdk.Reason = "id_token_iat"
	reasonNotYetValid       sdk.Reason = "id_token_not_yet_valid"
	reasonNonceMismatch     sdk.Reason = "nonce_mismatch"
	reasonAuthTime          sdk.Reason = "auth_time"
	reasonACR               sdk.Reason = "acr_mismatch"
	reasonHostedDomain      sdk.Reason = "hosted_domain_mismatch"
	reasonAtHash            sdk.Reason = "at_hash_mismatch"
	reasonLogoutToken       sdk.Reason = "logout_token"
	reasonLibrary           sdk.Reason = "id_token_refused"

	// The user-info response and the identity.
	reasonUserInfoUnreachable sdk.Reason = "userinfo_unreachable"
	reasonUserInfoStatus      sdk.Reason = "userinfo_status"
	reasonUserInfoMalformed   sdk.Reason = "userinfo_malformed"
	reasonUserInfoUnsigned    sdk.Reason = "userinfo_unsigned"
	reasonUserInfoSigned      sdk.Reason = "userinfo_signed"
	reasonUserInfoSubject     sdk.Reason = "userinfo_sub_mismatch"
	reasonEmailNotVerified    sdk.Reason = "email_not_verified"
)
