package plugin

import (
	"io"
	"os"
	"time"
)

// LifelineVariable is set to "stdin" in the environment of a plugin whose standard
// input is a pipe that the host holds open for as long as it lives.
const LifelineVariable = "DOORWARD_LIFELINE"

// hostPoll is how often a plugin without a lifeline checks whether its host still runs.
const hostPoll = 250 * time.Millisecond

// stopGrace is how long calls may continue after the host is gone.
const stopGrace = 300 * time.Millisecond

// stopWithHost stops the plugin when its host is gone: a host that was killed cannot
// stop its plugins, and they would run forever. If the host provides a lifeline, the end
// of standard input shows this at once. Otherwise the plugin polls its parent process.
func stopWithHost(stop func()) {
	if os.Getenv(LifelineVariable) == "stdin" {
		_, _ = io.Copy(io.Discard, os.Stdin)
	} else {
		awaitOrphaned()
	}
	// A call that does not end must not keep the process running: nobody waits for it.
	time.AfterFunc(stopGrace, func() { os.Exit(0) })
	stop()
}

func awaitOrphaned() {
	host := os.Getppid()
	for range time.Tick(hostPoll) {
		if os.Getppid() != host {
			return
		}
	}
}
