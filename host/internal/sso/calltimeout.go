package sso

import (
	"time"

	"github.com/doorward/doorward/sdk"
)

// Patience is how long a call may wait for a plugin that is starting.
const Patience = 3 * time.Second

// callTimeout is how long the domain waits for a call: the deadline that the plugin gets,
// plus the time until the plugin is ready.
func callTimeout(call sdk.Call) time.Duration { return call.Deadline() + Patience }

func capabilityTimeout(capability sdk.Capability) time.Duration {
	return callTimeout(sdk.Call(capability))
}
