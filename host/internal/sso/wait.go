package sso

import (
	"time"

	"github.com/doorward/doorward/sdk"
)

// Patience is how long a call may wait for a plugin that is about to run.
const Patience = 3 * time.Second

// wait is how long the domain waits for a call: as long as the plugin is told that
// it may take, and until the plugin is there.
func wait(call sdk.Call) time.Duration { return call.Deadline() + Patience }

func waitFor(capability sdk.Capability) time.Duration { return wait(sdk.Call(capability)) }
