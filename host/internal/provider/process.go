package provider

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/doorward/doorward/sdk/plugin"
)

// launcher starts the plugin of one mechanism.
type launcher struct {
	path, mechanism string
	runtimeDir      string
	logger          hclog.Logger
	limits          limits
}

// limits are the time limits in the life of a plugin.
type limits struct {
	handshake time.Duration
	describe  time.Duration
	open      time.Duration // all its providers, side by side
	stop      time.Duration // for the polite way, and again for the other

	// pause between the end of one start and the next keeps a plugin that dies
	// at once from being started for every login that comes in.
	pause time.Duration
}

var defaultLimits = limits{
	handshake: 10 * time.Second, describe: 5 * time.Second, open: 15 * time.Second,
	stop: 3 * time.Second, pause: time.Second,
}

// process is one running plugin.
type process struct {
	cmd     *exec.Cmd
	plugin  *goplugin.Client
	client  *plugin.Client
	version string
	log     *logReader
	dir     string // holds its socket, and nothing else
	socket  string // empty until it named one in its folder
	limits  limits
}

// launch starts the binary and makes sure that it is the plugin of that
// mechanism. Everything is built afresh: a go-plugin client cannot be reused.
func (l launcher) launch(ctx context.Context) (*process, error) {
	if err := checkBinary(l.path); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(l.runtimeDir, "")
	if err != nil {
		return nil, fmt.Errorf("making the folder for a plugin socket: %w", err)
	}
	p := l.prepare(filepath.Clean(dir))
	if err := p.connect(ctx, l.mechanism); err != nil {
		p.kill()
		p.stop()
		return nil, fmt.Errorf("starting plugin %s: %w%s%s", l.path, err, p.ending(), p.lastWords())
	}
	return p, nil
}

func (l launcher) prepare(dir string) *process {
	log := newLogReader(l.logger.Named(l.mechanism), time.Now)
	cmd := exec.Command(l.path)
	// Ctrl-C in a terminal goes to the whole group: the host stops its plugins
	// itself, after the requests under way.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// go-plugin tells this to a plugin only if we bring our own Runner. Without
	// it the socket lies in the system's temporary folder, open to all.
	cmd.Env = append(passedOn(), goplugin.EnvUnixSocketDir+"="+dir)
	p := &process{cmd: cmd, log: log, dir: dir, limits: l.limits}
	p.plugin = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  plugin.Handshake,
		VersionedPlugins: plugin.Plugins(),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Cmd:              cmd,
		AutoMTLS:         true, // another process of the same user must not call the plugin
		SkipHostEnv:      true, // the environment of the host holds secrets
		StartTimeout:     l.limits.handshake,
		GRPCDialOptions:  append(plugin.DialOptions(), grpc.WithContextDialer(p.dial)),
		// go-plugin panics on a log line whose @message is no string. With its
		// logger off it does not look at the lines, and we read them ourselves.
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Off}),
		Stderr: log,
	})
	return p
}

// passedOn is what a plugin sees of the host's environment: where the system's
// trusted certificates are, and nothing else.
func passedOn() []string {
	var env []string
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// connect shakes hands and asks the plugin what it is. Only an answer proves
// that it is there: go-plugin takes the address in the handshake on trust.
func (p *process) connect(ctx context.Context, mechanism string) error {
	addr, err := p.plugin.Start()
	if err != nil {
		return errors.New(oneLine(err.Error()))
	}
	if err := p.checkAddress(addr); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.limits.describe)
	defer cancel()
	// go-plugin dials without a deadline; it gives up when the process is gone.
	defer context.AfterFunc(ctx, p.kill)()
	protocol, err := p.plugin.Client()
	if err != nil {
		return fmt.Errorf("connecting to it: %w", err)
	}
	if p.client, err = plugin.Dispense(protocol); err != nil {
		return err
	}
	return p.describe(ctx, mechanism)
}

// checkAddress takes a socket in the plugin's own folder only: the plugin must
// not make the host dial somewhere else.
func (p *process) checkAddress(addr net.Addr) error {
	if addr.Network() != "unix" || filepath.Dir(addr.String()) != p.dir {
		return fmt.Errorf("it wants to be called at %s, which is not in its own folder", oneLine(addr.String()))
	}
	p.socket = addr.String()
	return nil
}

// dial takes the place of go-plugin's dialer, which calls any address that the
// plugin named, even to say that it must stop.
func (p *process) dial(ctx context.Context, _ string) (net.Conn, error) {
	if p.socket == "" {
		return nil, errors.New("the plugin has no socket in its own folder")
	}
	return (&net.Dialer{}).DialContext(ctx, "unix", p.socket)
}

func (p *process) describe(ctx context.Context, mechanism string) error {
	description, _, err := p.client.Describe(ctx)
	if err != nil {
		return fmt.Errorf("asking what it is: %w", err)
	}
	if description.Mechanism != mechanism {
		return fmt.Errorf("it says that it is %q, not %q: put the right plugin there",
			oneLine(description.Mechanism), mechanism)
	}
	p.version = oneLine(description.Version)
	return nil
}

func (p *process) alive() bool { return !p.plugin.Exited() }

// stop ends the process within twice the limit. go-plugin's Kill waits without
// a bound for a process that is stopped or whose children hold its pipes, so
// the whole group is killed if the polite way takes too long.
func (p *process) stop() {
	done := make(chan struct{})
	go func() { p.plugin.Kill(); close(done) }()
	if !within(done, p.limits.stop) {
		p.kill()
		// A child that left the group and holds the pipes can still keep Kill
		// waiting; it ends with that child.
		within(done, p.limits.stop)
	}
	_ = os.RemoveAll(p.dir)
}

func within(done <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// kill ends the process and its children at once. It must not be called while
// go-plugin starts the process.
func (p *process) kill() {
	// A process that was waited for may have left its number to another.
	if p.cmd.Process == nil || p.cmd.Process.Signal(syscall.Signal(0)) != nil {
		return
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
}

// ending tells how the process ended, if not by our own hand.
func (p *process) ending() string {
	if p.cmd.Process == nil || !p.plugin.Exited() || p.cmd.ProcessState == nil {
		return ""
	}
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || status.Signaled() && status.Signal() == syscall.SIGKILL {
		return ""
	}
	return "; it ended by itself, " + p.cmd.ProcessState.String()
}

func (p *process) lastWords() string {
	if words := p.log.tail(); words != "" {
		return "; its last words: " + words
	}
	return ""
}

// oneLine makes a text of go-plugin or of a plugin fit for a line of the log.
func oneLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return printable(line[:min(len(line), maxTailLine)])
}
