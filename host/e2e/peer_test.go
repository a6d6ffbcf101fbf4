package e2e

import (
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Limits for a peer: a server of another project, in another language. On a busy machine,
// one took more than 20 s to start.
const (
	peerReadyBound = 60 * time.Second
	peerStopBound  = 10 * time.Second
)

// peer is such a server, which runs until the test ends.
type peer struct {
	*Process

	URL   string // that it printed when it was ready
	input io.Writer
}

// startPeer runs a program that prints "ready URL" and ends when its input does, so that
// it does not outlive a test that is killed. Its output is shown if the test fails.
func startPeer(t *testing.T, name string, cmd *exec.Cmd) *peer {
	t.Helper()
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	process, err := StartProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{Process: process, input: input}
	t.Cleanup(func() {
		if err := process.Stop(peerStopBound); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("output of %s:\n%s", name, process.Output())
		}
	})
	p.URL = strings.TrimPrefix(p.waitFor(t, "ready "), "ready ")
	return p
}

// waitFor returns the first line that begins with the prefix.
func (p *peer) waitFor(t *testing.T, prefix string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peerReadyBound)
	defer cancel()
	line, err := p.WaitForLine(ctx, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return line
}
