package discovery

import "github.com/doorward/doorward/sdk"

// The reasons of refused discovery documents and issuers.
const (
	ReasonUnreachable    sdk.Reason = "discovery_unreachable"
	ReasonStatus         sdk.Reason = "discovery_status"
	ReasonMalformed      sdk.Reason = "discovery_malformed"
	ReasonIssuer         sdk.Reason = "discovery_issuer_mismatch"
	ReasonEndpoint       sdk.Reason = "discovery_endpoint"
	ReasonUnsupported    sdk.Reason = "discovery_unsupported"
	ReasonIssuerMismatch sdk.Reason = "issuer_mismatch"
	ReasonTenant         sdk.Reason = "tenant_not_allowed"
)
