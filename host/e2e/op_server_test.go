package e2e

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
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
	p := startPeer(t, "the OpenID provider", cmd)
	return &opServer{Issuer: p.URL, ClientSecret: clientSecret}
}

// newClientSecret makes a secret that is long enough for every method of authentication.
func newClientSecret() string { return rand.Text() + rand.Text() }
