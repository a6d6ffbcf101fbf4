package plugintest

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk/plugin"
)

// endBound is how long a plugin may keep running after its host is gone. The
// documentation promises operators one second, but the machine may be busy with other
// tests.
const endBound = 5 * time.Second

// endsWithItsHost closes the lifeline of a plugin, as the death of a host does.
func (c *conformance) endsWithItsHost(t *testing.T) {
	path, err := filepath.Abs(c.suite.Binary)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path)
	cmd.Env = []string{
		plugin.Handshake.MagicCookieKey + "=" + plugin.Handshake.MagicCookieValue, "PLUGIN_PROTOCOL_VERSIONS=1",
		"PLUGIN_UNIX_SOCKET_DIR=" + t.TempDir(), plugin.LifelineVariable + "=stdin",
	}
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil || strings.Count(line, "|") < 3 {
		t.Errorf("handshake %q, %v", line, err)
	}
	late := time.AfterFunc(endBound, func() { _ = cmd.Process.Kill() })
	if err := lifeline.Close(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if !late.Stop() {
		t.Errorf("it still runs %s after the end of standard input, which means that the host is gone", endBound)
	}
}
