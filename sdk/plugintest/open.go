package plugintest

import (
	"context"
	"io"
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

// Serve serves a mechanism inside the test, over a unix socket and gRPC, until the
// test ends. A nil now means the real clock. The log of the mechanism goes to the
// output of the test.
func Serve[C any](t testing.TB, d plugin.Description,
	open func(ctx context.Context, env sdk.Env, options C) (sdk.Mechanism, error), now func() time.Time,
) *plugin.Client {
	t.Helper()
	return serve(t, d, open, plugin.Test{Now: now, Log: outputOf(t)})
}

// ServeLogged is like Serve, but writes the log of the mechanism to log, in JSON lines.
func ServeLogged[C any](t testing.TB, d plugin.Description,
	open func(ctx context.Context, env sdk.Env, options C) (sdk.Mechanism, error), log io.Writer,
) *plugin.Client {
	t.Helper()
	return serve(t, d, open, plugin.Test{Log: log})
}

// ServeUnchecked is like Serve, but for tests of a host: the results of the mechanism
// cross the wire even if they break the contract, like those of a plugin that was written
// without package plugin.
func ServeUnchecked[C any](t testing.TB, d plugin.Description,
	open func(ctx context.Context, env sdk.Env, options C) (sdk.Mechanism, error),
) *plugin.Client {
	t.Helper()
	return serve(t, d, open, plugin.Test{Log: outputOf(t), Unchecked: true})
}

func serve[C any](t testing.TB, d plugin.Description,
	open func(ctx context.Context, env sdk.Env, options C) (sdk.Mechanism, error), test plugin.Test,
) *plugin.Client {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan *goplugin.ReattachConfig, 1), make(chan struct{})
	test.Ready, test.Done = ready, done
	err := plugin.ServeTest(ctx, d, open, test)
	if err != nil {
		cancel()
		t.Fatalf("serving the mechanism: %v", err)
	}
	connected := false
	t.Cleanup(func() {
		if !connected { // otherwise the client has told the server to stop; go-plugin cannot handle both
			cancel()
		}
		<-done
		cancel()
	})
	select {
	case reattach := <-ready:
		client, _ := connect(t, &goplugin.ClientConfig{Reattach: reattach})
		connected = true
		return client
	case <-done:
		t.Fatal("serving the mechanism failed, see the log")
		return nil
	}
}

// Open serves a mechanism like Serve, and opens one provider with the options.
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

// Start runs the plugin binary as the host does, with an empty environment and
// mutual TLS, until the test ends. Its log goes to the output of the test.
func Start(t testing.TB, binary string) *plugin.Client {
	t.Helper()
	client, _ := connect(t, processConfig(t, binary))
	return client
}

func processConfig(t testing.TB, binary string) *goplugin.ClientConfig {
	t.Helper()
	path, err := filepath.Abs(binary)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("finding the plugin binary: %v; build it first", err)
	}
	// Not the context of the test: it is done before go-plugin has shut down.
	cmd := exec.CommandContext(context.Background(), path)
	config := &goplugin.ClientConfig{Cmd: cmd, SkipHostEnv: true, Stderr: outputOf(t)}
	certificate, err := plugin.MutualTLS(config)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = []string{certificate}
	return config
}

// hostVersion is the version that the plugins under test are told.
const hostVersion = "0.0.0-test"

// startTimeout is long because the machine may be busy with other tests.
const startTimeout = 60 * time.Second

// connect returns a client, and a function that ends its process. The process also
// ends with the test.
func connect(t testing.TB, config *goplugin.ClientConfig) (client *plugin.Client, kill func()) {
	t.Helper()
	config.HandshakeConfig = plugin.Handshake
	config.VersionedPlugins = plugin.Plugins()
	config.Plugins = plugin.Plugins()[plugin.ProtocolVersion]
	config.AllowedProtocols = []goplugin.Protocol{goplugin.ProtocolGRPC}
	config.GRPCDialOptions = plugin.DialOptions()
	config.StartTimeout = startTimeout
	config.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Off})
	process := goplugin.NewClient(config)
	t.Cleanup(process.Kill)
	protocol, err := process.Client()
	if err != nil {
		t.Fatalf("starting the plugin: %v", err)
	}
	if config.Reattach != nil {
		t.Cleanup(func() { protocol.Close() }) // Kill only stops what it has started
	}
	client, err = plugin.Dispense(protocol)
	if err != nil {
		t.Fatalf("connecting to the plugin: %v", err)
	}
	client.IntroduceAs(hostVersion)
	// As the host does: only then does the plugin know the features of the host.
	if _, _, err := client.Describe(t.Context()); err != nil {
		t.Fatalf("asking the plugin what it is: %v", err)
	}
	return client, process.Kill
}
