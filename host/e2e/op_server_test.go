package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	opReadyBound = 60 * time.Second
	opStopBound  = 5 * time.Second
)

// opServer is the certified OpenID provider.
type opServer struct {
	Issuer       string
	ClientSecret string
}

// startOP runs the OpenID provider until the test ends. Port 0 is a free one.
func startOP(t *testing.T, port int, clientSecret string, redirectURIs ...string) *opServer {
	t.Helper()
	return startOPWith(t, opSetup{}, port, clientSecret, redirectURIs...)
}

// opSetup is OP_SETUP of op.mjs.
type opSetup struct {
	Clients  []map[string]any  `json:"clients,omitempty"`
	Features map[string]any    `json:"features,omitempty"`
	Nonce    bool              `json:"nonce,omitempty"`
	TLS      map[string]string `json:"tls,omitempty"`
}

func startOPWith(t *testing.T, setup opSetup, port int, clientSecret string, redirectURIs ...string) *opServer {
	t.Helper()
	encoded, err := json.Marshal(setup)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "op.mjs")
	cmd.Dir = needOpenIDProvider(t)
	cmd.Env = append(os.Environ(),
		"OP_PORT="+strconv.Itoa(port), "OP_CLIENT_SECRET="+clientSecret, "OP_REDIRECT_URIS="+strings.Join(redirectURIs, " "),
		"OP_SETUP="+string(encoded))
	// It ends when its input does: should this test be killed, it goes along.
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	process, err := StartProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Stop(opStopBound); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("output of the OpenID provider:\n%s", process.Output())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), opReadyBound)
	defer cancel()
	line, err := process.WaitForLine(ctx, "ready ")
	if err != nil {
		t.Fatal(err)
	}
	return &opServer{Issuer: strings.TrimPrefix(line, "ready "), ClientSecret: clientSecret}
}

// newClientSecret is long enough for every way to authenticate with it.
func newClientSecret() string { return rand.Text() + rand.Text() }
