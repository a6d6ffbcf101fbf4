package plugin

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/doorward/doorward/sdk"
)

// Description says what a plugin is.
type Description struct {
	// Mechanism is the value that operators write as the driver of a provider:
	// lower-case letters, digits, hyphens. The binary is called
	// doorward-plugin-<mechanism>.
	Mechanism string

	// Version of the plugin, as in semver.org.
	Version string
}

// Serve is the whole main of a plugin. It serves until the host ends the
// process and does not return.
//
// The SDK decodes the options of each configured provider strictly into C (see
// package options) and calls open once for it. Open should check what it can
// without asking the provider, so that a provider that is down does not keep
// the others from starting. An error of open is shown to the operator.
//
// Run by hand, the binary answers "options" (the option table in Markdown),
// "version" and "help".
func Serve[C any](d Description, open func(ctx context.Context, env sdk.Env, opts C) (sdk.Mechanism, error)) {
	s, err := newServer(d, open, environment{})
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", d.Mechanism, err)
		os.Exit(1)
	}
	if len(os.Args) > 1 {
		os.Exit(byHand(s, os.Args[1:], os.Stdout, os.Stderr))
	}
	goplugin.Serve(serveConfig(s, nil))
}

// ServeTest serves like Serve, but inside the calling process and until ctx is
// done. The reattach configuration for a go-plugin client is sent on ready.
// It is meant for package plugintest.
func ServeTest[C any](ctx context.Context, d Description,
	open func(ctx context.Context, env sdk.Env, opts C) (sdk.Mechanism, error),
	now func() time.Time, ready chan<- *goplugin.ReattachConfig,
) error {
	s, err := newServer(d, open, environment{now: now})
	if err != nil {
		return err
	}
	go goplugin.Serve(serveConfig(s, &goplugin.ServeTestConfig{Context: ctx, ReattachConfigCh: ready}))
	return nil
}

func serveConfig(s *server, test *goplugin.ServeTestConfig) *goplugin.ServeConfig {
	return &goplugin.ServeConfig{
		HandshakeConfig:  Handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{ProtocolVersion: {pluginName: wire{server: s}}},
		Logger:           hclog.NewNullLogger(),
		Test:             test,
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts,
				grpc.MaxRecvMsgSize(MaxMessage), grpc.MaxSendMsgSize(MaxMessage),
				grpc.ChainUnaryInterceptor(s.refuse, s.recoverPanic))...)
		},
	}
}

// recoverPanic keeps one bad message from ending the logins of everybody else:
// unlike net/http, grpc-go lets a panic in a handler end the process.
func (s *server) recoverPanic(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (resp any, err error) {
	defer func() {
		if r := recover(); r != nil {
			s.env.logger().Error("panic", "call", info.FullMethod, "what", panicText(r), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic in %s: %s", info.FullMethod, panicText(r))
		}
	}()
	return handle(ctx, req)
}

// refuse turns every error into a status that the host understands.
func (s *server) refuse(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	resp, err := handle(ctx, req)
	if err != nil {
		return nil, statusOf(err)
	}
	return resp, nil
}

// panicText shows errors of the runtime and hides everything else, because a
// panic may carry any value, a secret too.
func panicText(r any) string {
	if err, ok := r.(interface{ RuntimeError() }); ok {
		return fmt.Sprint(err)
	}
	return fmt.Sprintf("a value of type %T", r)
}

func byHand(s *server, args []string, stdout, stderr io.Writer) int {
	name := "doorward-plugin-" + s.description.Mechanism
	switch args[0] {
	case "options":
		fmt.Fprint(stdout, s.schema.Markdown())
	case "version", "--version":
		fmt.Fprintf(stdout, "%s %s (protocol %d)\n", name, s.description.Version, ProtocolVersion)
	case "help", "--help", "-h":
		fmt.Fprintf(stdout, "%s signs in for Doorward, which starts it by itself:\n"+
			"put the file into the plugin directory (PLUGIN_DIR) and write %q as the driver of a provider.\n\n"+
			"By hand:\n  options   the options of a provider, as a Markdown table\n  version   the version of the plugin\n",
			name, s.description.Mechanism)
	default:
		fmt.Fprintf(stderr, "%s: unknown argument %q: try help\n", name, args[0])
		return 2
	}
	return 0
}

// environment is what an Env is made of; the zero value is the real thing.
type environment struct {
	now func() time.Time
}

func (e environment) clock() func() time.Time {
	if e.now != nil {
		return e.now
	}
	return time.Now
}

func (environment) dial() func(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: dialTimeout}).DialContext
}

