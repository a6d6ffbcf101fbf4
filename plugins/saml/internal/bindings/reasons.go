package bindings

import "github.com/doorward/doorward/sdk"

// The reasons for refusals in this package.
const (
	ReasonBinding          sdk.Reason = "binding"
	ReasonMessageMissing   sdk.Reason = "message_missing"
	ReasonMessageDuplicate sdk.Reason = "message_duplicate"
	ReasonMessageEncoding  sdk.Reason = "message_encoding"
)
