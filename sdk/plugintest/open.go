package plugintest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// Request returns the request to open a provider called "test" with these
// options and URLs on a host at http://localhost:8055.
func Request(options map[string]any) plugin.OpenRequest {
	const base = "http://localhost:8055/auth/login/test"
	return plugin.OpenRequest{
		Provider: "test", Options: options,
		CallbackURL: base + "/callback", MetadataURL: base + "/metadata", LogoutURL: base + "/logout",
	}
}

// Serve serves a mechanism from inside the test, over a unix socket and gRPC,
// until the test ends. A nil now means the real clock.
func Serve[C any](t testing.TB, d plugin.Description,
	open func(ctx context.Context, env sdk.Env, options C) (sdk.Mechanism, error), now func() time.Time,
) *plugin.Client {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	ready := make(chan *goplugin.ReattachConfig, 1)
	if err := plugin.ServeTest(ctx, d, open, now, ready); err != nil {
		t.Fatalf("serving the mechanism: %v", err)
	}
	select {
	case reattach := <-ready:
		return connect(t, &goplugin.ClientConfig{Reattach: reattach})
	case <-time.After(startTimeout):
		t.Fatal("serving the mechanism: not ready in time")
		return nil
	}
}

// Open is Serve, and opens one provider with the options.
func Open[C any](t testing.TB, d plugin.Description,
	open func(ctx context.Context, env sdk.Env, options C) (sdk.Mechanism, error), options map[string]any, now func() time.Time,
) *plugin.Provider {
	t.Helper()
	p, err := Serve(t, d, open, now).Open(t.Context(), Request(options))
	if err != nil {
		t.Fatalf("opening the provider: %v", err)
	}
	return p
}

// Start runs the plugin binary as the host does, until the test ends.
func Start(t testing.TB, binary string) *plugin.Client {
	t.Helper()
	path, err := filepath.Abs(binary)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("finding the plugin binary: %v; build it first", err)
	}
	return connect(t, &goplugin.ClientConfig{Cmd: exec.Command(path), AutoMTLS: true, SkipHostEnv: true})
}

const startTimeout = 10 * time.Second

func connect(t testing.TB, config *goplugin.ClientConfig) *plugin.Client {
	t.Helper()
	config.HandshakeConfig = plugin.Handshake
	config.VersionedPlugins = plugin.Plugins()
	config.Plugins = plugin.Plugins()[plugin.ProtocolVersion]
	config.AllowedProtocols = []goplugin.Protocol{goplugin.ProtocolGRPC}
	config.GRPCDialOptions = plugin.DialOptions()
	config.StartTimeout = startTimeout
	config.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Off})
	client := goplugin.NewClient(config)
	t.Cleanup(client.Kill)
	protocol, err := client.Client()
	if err != nil {
		t.Fatalf("starting the plugin: %v", err)
	}
	wire, err := plugin.Dispense(protocol)
	if err != nil {
		t.Fatalf("connecting to the plugin: %v", err)
	}
	return wire
}
