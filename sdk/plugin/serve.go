package plugin

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
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

	// RegistersByDefault: people who sign in for the first time get an account, unless
	// the operator forbids it. It is for mechanisms whose providers belong to the
	// operator, such as a directory: everybody in it was admitted already.
	RegistersByDefault bool

	// RolesByGroupNameWith names options. If the operator sets one of them for a
	// provider, and no role_mapping, an end user gets the role that has the name of one
	// of their groups, unless the operator forbids it. It is for mechanisms that the
	// environment of Directus configures like this: group_dn of LDAP.
	RolesByGroupNameWith []string

	// MaxInbound is the largest number of bytes in the body or the query of a request
	// that a provider sends, or makes the browser send, counted as received: in base64
	// and urlencoded. The host refuses larger requests. 0 means [sdk.DefaultInbound],
	// which is enough for a prompt and for OAuth 2.0; values above [sdk.MaxInbound] are
	// cut to that.
	MaxInbound int64

	// Requires lists the features that the plugin cannot work without. A host that
	// lacks one of them says so and does not run the plugin. You need not list what
	// follows from StateParameters.
	Requires []sdk.Feature

	// StateParameters are the names under which providers return the state, in addition
	// to "state" and "RelayState": wctx in WS-Federation. At most four, and none that a
	// prompt of the mechanism uses as the name of a field.
	StateParameters []string

	// StateTokens are the names of parameters that contain a signed token (a JWT) with the
	// claim state, for protocols that have the state nowhere else: response in JWT
	// Secured Authorization Response Mode. The host reads the token only to find the
	// login. The mechanism must check that the token is valid and belongs to this login.
	// At most four.
	StateTokens []string

	// Presets are the kinds of providers that the plugin supports, each a value of its
	// option preset. With a preset, an operator need not write the driver, unless another
	// plugin has a preset of the same name.
	Presets []Preset
}

// requires returns the features that the plugin needs, including those that follow from
// the rest of the description.
func (d Description) requires() []sdk.Feature {
	list := slices.Clone(d.Requires)
	if len(d.StateParameters) > 0 && !slices.Contains(list, sdk.FeatureStateParameters) {
		list = append(list, sdk.FeatureStateParameters)
	}
	return list
}

// Preset is a kind of provider that a plugin supports.
type Preset struct {
	Name  string // lower-case letters, digits and hyphens, at most 63
	Title string // the name of the provider; the label on the sign-in page
	Icon  string // the name of an icon of the host; unknown icons are left out
}

// MaxPresets is how many presets of a plugin the host uses.
const MaxPresets = 256

// Serve is all that main of a plugin does. It serves until the host ends the
// process or is itself gone; then main should return. SIGTERM and SIGINT do
// not end it.
//
// The SDK decodes the options of each configured provider strictly into C (see
// package options) and calls open once for it. Open should check what it can
// without contacting the provider, so that a provider that is down does not keep
// the others from starting. The operator sees an error of open.
//
// If you run the binary yourself, it accepts the arguments "options" (prints the
// option table in Markdown), "version" and "help".
func Serve[C any](d Description, open func(ctx context.Context, env sdk.Env, opts C) (sdk.Mechanism, error)) {
	s, err := newServer(d, open, environment{})
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", d.Mechanism, err)
		os.Exit(1)
	}
	if len(os.Args) > 1 {
		os.Exit(runManually(s, os.Args[1:], os.Stdout, os.Stderr))
	}
	hideMemory()
	leaveSIGTERMToTheHost()
	collectSeldom()
	goplugin.Serve(serveConfig(s, nil))
}

// leaveSIGTERMToTheHost keeps the process running. A service manager that stops the host
// may signal all its processes (systemd does by default), but the host still needs its
// plugins for logins under way, and ends them afterwards. Unlike an ignored signal, this
// is not inherited by processes that the plugin starts.
func leaveSIGTERMToTheHost() { signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM) }

// Test says how ServeTest serves.
type Test struct {
	// Now is the clock that mechanisms get; nil means the real one.
	Now func() time.Time

	// Log receives the log, in JSON lines; nil means standard error.
	Log io.Writer

	// Unchecked sends everything that the mechanism returns, as a plugin that was
	// written without this package might. It is for tests of a host.
	Unchecked bool

	// Ready receives, once, the configuration with which a go-plugin client
	// connects. Done is closed when serving has ended.
	Ready chan<- *goplugin.ReattachConfig
	Done  chan<- struct{}
}

// ServeTest serves like Serve, but in the calling process and until ctx is done. It
// is meant for package plugintest.
func ServeTest[C any](ctx context.Context, d Description,
	open func(ctx context.Context, env sdk.Env, opts C) (sdk.Mechanism, error), test Test,
) error {
	s, err := newServer(d, open, environment{now: test.Now, log: test.Log})
	if err != nil {
		return err
	}
	s.unchecked = test.Unchecked
	go goplugin.Serve(serveConfig(s, &goplugin.ServeTestConfig{
		Context: ctx, ReattachConfigCh: test.Ready, CloseCh: test.Done,
	}))
	return nil
}

// streamWorkers is the number of goroutines that serve one call after the other. Their
// stacks are large enough already; growing the stack was a twentieth of the cost of a
// login. A call that finds no idle worker gets a new goroutine.
const streamWorkers = 16

func serveConfig(s *server, test *goplugin.ServeTestConfig) *goplugin.ServeConfig {
	return &goplugin.ServeConfig{
		HandshakeConfig:  Handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{ProtocolVersion: {pluginName: wire{server: s}}},
		Logger:           logTo(s.env.output(), hclog.Warn), // for go-plugin's own messages
		Test:             test,
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			interceptors := []grpc.UnaryServerInterceptor{s.answer}
			if test == nil { // a separate process
				interceptors = append(interceptors, discardOutput())
			}
			served := grpc.NewServer(append(opts,
				grpc.MaxRecvMsgSize(MaxMessage), grpc.MaxSendMsgSize(MaxMessage),
				// With windows that gRPC adapts itself, each call would cost a PING and its reply.
				grpc.StaticStreamWindowSize(streamWindow), grpc.StaticConnWindowSize(connectionWindow),
				grpc.NumStreamWorkers(streamWorkers), grpc.ChainUnaryInterceptor(interceptors...))...)
			if test == nil {
				go stopWithHost(served.Stop)
			}
			return served
		},
	}
}

func runManually(s *server, args []string, stdout, stderr io.Writer) int {
	name := "doorward-plugin-" + s.description.Mechanism
	switch args[0] {
	case "options":
		fmt.Fprint(stdout, s.schema.Markdown())
	case "version", "--version":
		fmt.Fprintf(stdout, "%s %s (protocol %d)\n", name, s.description.Version, ProtocolVersion)
	case "help", "--help", "-h":
		fmt.Fprintf(stdout, "%s is a sign-in plugin of Doorward, which starts it:\n"+
			"run \"doorward plugin add\" to copy the file into the plugin folder (PLUGIN_DIR) and trust it, and write %q as the driver of a provider.\n\n"+
			"If you run it yourself:\n  options   print the options of a provider, as a Markdown table\n  version   print the version of the plugin\n",
			name, s.description.Mechanism)
	default:
		fmt.Fprintf(stderr, "%s: unknown argument %q: try help\n", name, args[0])
		return 2
	}
	return 0
}
