package directory

import "github.com/doorward/doorward/sdk"

// The reasons for refusals in this package.
const (
	ReasonServerLookup  sdk.Reason = "server_lookup"
	ReasonUnreachable   sdk.Reason = "directory_unreachable"
	ReasonServiceBind   sdk.Reason = "service_bind_refused"
	ReasonSearchRefused sdk.Reason = "search_refused"
	ReasonGroups        sdk.Reason = "groups_unusable"
)
