package plugin

import (
	"io"
	"os"
	"time"
)

// LifelineVariable is set to "stdin" in the environment of a plugin whose standard
// input is a pipe that the host holds open for as long as it lives.
const LifelineVariable = "DOORWARD_LIFELINE"

// hostPoll is how often a plugin without a lifeline looks for its host.
const hostPoll = 250 * time.Millisecond

// stopGrace is how long calls may go on when there is no host to answer any more.
const stopGrace = 300 * time.Millisecond

// stopWithHost stops the plugin when its host is gone: one that was killed cannot
// stop its plugins, and they would stay for ever. The end of standard input shows
// it at once, if the host promised that; else the parent process is asked for
// again and again.
func stopWithHost(stop func()) {
	if os.Getenv(LifelineVariable) == "stdin" {
		_, _ = io.Copy(io.Discard, os.Stdin)
	} else {
		awaitOrphaned()
	}
	// A call that does not end must not keep the process: nobody waits for it.
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
