package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
)

// Limits bound the steps in the life of a process.
type Limits struct {
	Handshake time.Duration // from the start to the first line
	Describe  time.Duration // to say what it is
	Stop      time.Duration // for the polite way, and once more for the other
}

// DefaultLimits are what the host uses.
var DefaultLimits = Limits{Handshake: 10 * time.Second, Describe: 5 * time.Second, Stop: 3 * time.Second}

// Launch says how a process is started.
type Launch struct {
	RuntimeDir string // for a folder of its own, with its socket
	Logger     hclog.Logger
	Limits     Limits
	Version    string // of the host, which the plugin is told

	// Dropped, if not nil, is told how many lines of the log were dropped.
	Dropped func(lines int)
}

// Process is a plugin process that has said what it is.
type Process struct {
	Description plugin.Description
	Schema      options.Schema
	Binary      *Binary // closed
	Started     time.Time

	client   *plugin.Client
	goplugin *goplugin.Client
	limits   Limits

	launching atomic.Pointer[launched] // nil until go-plugin asks for it
	killed    atomic.Bool
	hung      atomic.Bool
}

// Start executes the binary, shakes hands and asks the process what it is. Only an
// answer proves that it is there: go-plugin takes the handshake on trust. It is
// broken off when ctx is done; the process then ends.
func Start(ctx context.Context, binary *Binary, launch Launch) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := &Process{Binary: binary, Started: time.Now(), limits: launch.Limits}
	config, err := p.config(launch)
	if err != nil {
		return nil, err
	}
	p.goplugin = goplugin.NewClient(config)
	stop := context.AfterFunc(ctx, p.Kill)
	defer stop()
	err = p.connect(ctx, launch.Version)
	if err == nil && ctx.Err() == nil {
		return p, nil
	}
	if err == nil {
		err = ctx.Err()
	}
	err = fmt.Errorf("starting plugin %s: %w%s", binary.Path, err, p.ending())
	p.Kill()
	p.Stop()
	return nil, err
}

// config builds everything afresh: nothing of go-plugin's can be used twice.
func (p *Process) config(launch Launch) (*goplugin.ClientConfig, error) {
	config := &goplugin.ClientConfig{
		HandshakeConfig:  plugin.Handshake,
		VersionedPlugins: plugin.Plugins(),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		SkipHostEnv:      true, // the environment of the host holds secrets
		StartTimeout:     launch.Limits.Handshake,
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: launch.RuntimeDir},
		GRPCDialOptions:  append(plugin.DialOptions(), grpc.WithContextDialer(p.dial)),
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Off}),
	}
	// Another process of the same user must not call the plugin.
	certificate, err := plugin.MutualTLS(config)
	if err != nil {
		return nil, err
	}
	config.RunnerFunc = func(_ hclog.Logger, spec *exec.Cmd, dir string) (runner.Runner, error) {
		spec.Env = append(spec.Env, certificate)
		return p.prepare(spec, filepath.Clean(dir), launch)
	}
	return config, nil
}

func (p *Process) prepare(spec *exec.Cmd, dir string, launch Launch) (runner.Runner, error) {
	cmd, err := p.Binary.command(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	cmd.Env = append(append(passedOn(), plugin.LifelineVariable+"=stdin"), spec.Env...)
	l := newLaunched(cmd, dir, newLogReader(launch.Logger, time.Now, launch.Dropped))
	p.launching.Store(l)
	if p.killed.Load() { // before there was anything to kill
		l.kill()
	}
	return l, nil
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

func (p *Process) connect(ctx context.Context, version string) error {
	_, err := p.goplugin.Start()
	p.Binary.Close()
	if err != nil {
		// After a timeout go-plugin has ended the process, and that is why there
		// was no line.
		l := p.launching.Load()
		if l != nil && l.stdout.problem() != nil && !strings.HasPrefix(err.Error(), "timeout") {
			err = l.stdout.problem()
		}
		if errors.Is(err, syscall.ENOEXEC) {
			return fmt.Errorf("it is no program for this machine, build it for %s/%s: %w", runtime.GOOS, runtime.GOARCH, syscall.ENOEXEC)
		}
		return errors.New(oneLine(err.Error()))
	}
	ctx, cancel := context.WithTimeout(ctx, p.limits.Describe)
	defer cancel()
	// go-plugin dials without a deadline; it gives up when the process is gone.
	defer context.AfterFunc(ctx, p.Kill)()
	protocol, err := p.goplugin.Client()
	if err != nil {
		return fmt.Errorf("connecting to it: %w", err)
	}
	if p.client, err = plugin.Dispense(protocol); err != nil {
		return err
	}
	p.client.IntroduceAs(version)
	p.Description, p.Schema, err = p.client.Describe(ctx)
	if err != nil {
		return fmt.Errorf("asking what it is: %w", err)
	}
	p.Description.Mechanism, p.Description.Version = oneLine(p.Description.Mechanism), oneLine(p.Description.Version)
	return nil
}

func (p *Process) dial(ctx context.Context, _ string) (net.Conn, error) {
	return p.launching.Load().dial(ctx)
}

// Client calls the plugin.
func (p *Process) Client() *plugin.Client { return p.client }

// PID is the number of the process.
func (p *Process) PID() int { return p.launching.Load().cmd.Process.Pid }

// Done is closed as soon as the process has ended, and with it its group.
func (p *Process) Done() <-chan struct{} { return p.launching.Load().exited }

// Alive reports whether the process has not ended.
func (p *Process) Alive() bool {
	select {
	case <-p.Done():
		return false
	default:
		return true
	}
}

// Redact keeps these texts, which are secrets of the operator, out of what the
// plugin writes: to the log, and into errors and findings.
func (p *Process) Redact(secrets []string) {
	p.launching.Load().log.secrets.Replace(secrets)
	p.client.Redact(secrets)
}

// Stop ends the process within twice the limit: politely, and if that takes too
// long, with all of its group. Only a child that left the group can outlive it.
func (p *Process) Stop() {
	ended := make(chan struct{})
	go func() { p.goplugin.Kill(); close(ended) }() // ends with the process
	l := p.launching.Load()
	if l == nil {
		<-ended
		return
	}
	defer os.RemoveAll(l.dir) // go-plugin leaves it if the process was never there
	if !l.started() {
		<-ended
		return
	}
	if !within(p.Done(), p.limits.Stop) {
		p.Kill()
		within(p.Done(), p.limits.Stop)
	}
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

// Kill ends the process and its group at once.
func (p *Process) Kill() {
	p.killed.Store(true)
	if l := p.launching.Load(); l != nil {
		l.kill()
	}
}

// KillHung is Kill for a process that does not answer.
func (p *Process) KillHung() {
	p.hung.Store(true)
	p.Kill()
}

// Hung reports whether KillHung was called.
func (p *Process) Hung() bool { return p.hung.Load() }

// Ending tells how a process that has ended did so, such as "exit status 2".
func (p *Process) Ending() string {
	if l := p.launching.Load(); l != nil && !p.Alive() {
		return l.cmd.ProcessState.String()
	}
	return ""
}

// LastWords are the last lines that the process wrote to the log as plain text,
// such as the trace of a crash: printable, bounded and without secrets.
func (p *Process) LastWords() []string {
	if l := p.launching.Load(); l != nil {
		return l.lastWords()
	}
	return nil
}

// ending tells of a process that failed to start why it may have done so.
func (p *Process) ending() string {
	if l := p.launching.Load(); l == nil || !l.started() {
		return ""
	}
	within(p.Done(), afterwards)
	text := ""
	if state := p.Ending(); state != "" && !p.wasKilled() {
		text = "; it ended by itself, " + state
	}
	if words := p.LastWords(); len(words) > 0 {
		text += "; its last words: " + strings.Join(words, " | ")
	}
	return text
}

func (p *Process) wasKilled() bool {
	status, ok := p.launching.Load().cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// oneLine makes a text of go-plugin or of a plugin fit for a line of the log.
func oneLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return printable(line[:min(len(line), maxTailLine)])
}
