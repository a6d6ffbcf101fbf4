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

	// RegistersByDefault: who signs in for the first time gets an account, unless
	// the operator says no. It is for mechanisms whose providers are the
	// operator's own, such as a directory: who is in it was let in already.
	RegistersByDefault bool

	// RolesByGroupNameWith names options. Where the operator gives a provider one of
	// them, and no role_mapping, an end user gets the role with the name of a group of
	// theirs, unless the operator says no. It is for mechanisms that the environment of
	// Directus configures so: group_dn of LDAP.
	RolesByGroupNameWith []string

	// MaxInbound is how many bytes the body or the query of a request may have
	// that a provider sends, or has the browser send, as it comes: in base64 and
	// urlencoded. The host refuses more. 0 means [sdk.DefaultInbound], which is
	// enough for a prompt and for OAuth 2.0; more than [sdk.MaxInbound] is that.
	MaxInbound int64

	// Requires lists the features without which the plugin is of no use: a host
	// that lacks one is told so and does not run it. What follows from
	// StateParameters need not be listed.
	Requires []sdk.Feature

	// StateParameters are the names under which providers return the state, besides
	// "state" and "RelayState": wctx in WS-Federation. At most four, and none that
	// a prompt of the mechanism has as the name of a field.
	StateParameters []string

	// StateTokens are the names of parameters that hold a signed token (a JWT) with the
	// claim state, where a protocol has the state in nothing else: response in JWT
	// Secured Authorization Response Mode. The host looks there only to find the login;
	// whether the token holds, and is of this login, is for the mechanism to check. At
	// most four.
	StateTokens []string

	// Presets are the kinds of providers that the plugin knows, each a value of its
	// option preset. With one of them, an operator need not write the driver, where
	// no other plugin has a preset of that name.
	Presets []Preset
}

// requires are the features that the plugin needs, with those that follow from
// the rest of the description.
func (d Description) requires() []sdk.Feature {
	list := slices.Clone(d.Requires)
	if len(d.StateParameters) > 0 && !slices.Contains(list, sdk.FeatureStateParameters) {
		list = append(list, sdk.FeatureStateParameters)
	}
	return list
}

// Preset is a kind of provider that a plugin knows.
type Preset struct {
	Name  string // lower-case letters, digits and hyphens, at most 63
	Title string // what the provider is called; the label on the sign-in page
	Icon  string // the name of an icon of the host's; one that it lacks is left out
}

// MaxPresets is how many presets of a plugin the host heeds.
const MaxPresets = 256

// Serve is the whole main of a plugin. It serves until the host ends the
// process, or is itself no more; then main should return. SIGTERM and SIGINT do
// not end it.
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
	hideMemory()
	leaveSIGTERMToTheHost()
	collectSeldom()
	goplugin.Serve(serveConfig(s, nil))
}

// leaveSIGTERMToTheHost has the process go on. A service manager that ends the host may
// signal all its processes (systemd does by default), and the host still needs its plugins
// for logins under way. It ends them when these are done. Unlike an ignored signal, this
// is not inherited by what the plugin starts.
func leaveSIGTERMToTheHost() { signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM) }

// Test says how ServeTest serves.
type Test struct {
	// Now is the clock that mechanisms get; nil means the real one.
	Now func() time.Time

	// Log receives the log, in JSON lines; nil means standard error.
	Log io.Writer

	// Unchecked serves whatever the mechanism returns, as a plugin that was
	// written without this package may: for tests of a host.
	Unchecked bool

	// Ready receives, once, the configuration with which a go-plugin client
	// connects. Done is closed when all is over.
	Ready chan<- *goplugin.ReattachConfig
	Done  chan<- struct{}
}

// ServeTest serves like Serve, but inside the calling process and until ctx is
// done. It is meant for package plugintest.
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

// streamWorkers are goroutines that serve one call after the other, and have a stack
// that is large enough already: to grow it was a twentieth of what a login costs here. A call
// that finds none of them idle has a goroutine of its own.
const streamWorkers = 16

func serveConfig(s *server, test *goplugin.ServeTestConfig) *goplugin.ServeConfig {
	return &goplugin.ServeConfig{
		HandshakeConfig:  Handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{ProtocolVersion: {pluginName: wire{server: s}}},
		Logger:           logTo(s.env.output(), hclog.Warn), // what go-plugin itself has to say
		Test:             test,
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			interceptors := []grpc.UnaryServerInterceptor{s.answer}
			if test == nil { // a process of its own
				interceptors = append(interceptors, discardOutput())
			}
			served := grpc.NewServer(append(opts,
				grpc.MaxRecvMsgSize(MaxMessage), grpc.MaxSendMsgSize(MaxMessage),
				// Windows that gRPC adapts cost a PING and its answer for each call.
				grpc.StaticStreamWindowSize(streamWindow), grpc.StaticConnWindowSize(connectionWindow),
				grpc.NumStreamWorkers(streamWorkers), grpc.ChainUnaryInterceptor(interceptors...))...)
			if test == nil {
				go stopWithHost(served.Stop)
			}
			return served
		},
	}
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
			"have \"doorward plugin add\" put the file into the plugin folder (PLUGIN_DIR) and trust it, and write %q as the driver of a provider.\n\n"+
			"By hand:\n  options   the options of a provider, as a Markdown table\n  version   the version of the plugin\n",
			name, s.description.Mechanism)
	default:
		fmt.Fprintf(stderr, "%s: unknown argument %q: try help\n", name, args[0])
		return 2
	}
	return 0
}
