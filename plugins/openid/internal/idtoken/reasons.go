package idtoken

import "github.com/doorward/doorward/sdk"

// The reasons of refused claims.
const (
	ReasonAudienceMismatch  sdk.Reason = "audience_mismatch"
	ReasonAudienceUntrusted sdk.Reason = "audience_untrusted"
	ReasonPartyMismatch     sdk.Reason = "azp_mismatch"
	ReasonExpired           sdk.Reason = "id_token_expired"
	ReasonIssuedAt          sdk.Reason = "id_token_iat"
	ReasonNotYetValid       sdk.Reason = "id_token_not_yet_valid"
	ReasonNonceMismatch     sdk.Reason = "nonce_mismatch"
	ReasonSubjectMismatch   sdk.Reason = "sub_mismatch"
	ReasonAuthTime          sdk.Reason = "auth_time"
	ReasonACR               sdk.Reason = "acr_mismatch"
	ReasonAMR               sdk.Reason = "amr_mismatch"
	ReasonHostedDomain      sdk.Reason = "hosted_domain_mismatch"
	ReasonAtHash            sdk.Reason = "at_hash_mismatch"
	ReasonLogoutToken       sdk.Reason = "logout_token"
)
