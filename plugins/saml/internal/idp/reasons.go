package idp

import "github.com/doorward/doorward/sdk"

// The reasons for refusals in this package.
const (
	reasonMetadataUnreachable sdk.Reason = "metadata_unreachable"
	ReasonMetadataStatus      sdk.Reason = "metadata_status"
	reasonMetadataMalformed   sdk.Reason = "metadata_malformed"
	reasonMetadataSignature   sdk.Reason = "metadata_signature"
	reasonMetadataExpired     sdk.Reason = "metadata_expired"
	reasonMetadataEntity      sdk.Reason = "metadata_entity"
	ReasonMetadataEndpoint    sdk.Reason = "metadata_endpoint"
	reasonMetadataKeys        sdk.Reason = "metadata_keys"
	reasonNotInTime           sdk.Reason = "metadata_not_in_time"
	ReasonAlgorithm           sdk.Reason = "algorithm"
	ReasonSignatureShape      sdk.Reason = "signature_shape"
	ReasonSignature           sdk.Reason = "signature_invalid"
	ReasonCertificateTime     sdk.Reason = "certificate_expired"
)
