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
	Stop      time.Duration // to end when asked, and once more when killed
}

// DefaultLimits are what the host uses.
var DefaultLimits = Limits{Handshake: 10 * time.Second, Describe: 5 * time.Second, Stop: 3 * time.Second}

// Launch says how a process is started.
type Launch struct {
	RuntimeDir string // the process gets its own folder in it, with its socket
	Logger     hclog.Logger
	Limits     Limits
	Version    string // of the host, sent to the plugin

	// Dropped, if not nil, is called with the number of log lines that were dropped.
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

	child  atomic.Pointer[child] // nil until go-plugin asks for it
	killed atomic.Bool
	hung   atomic.Bool
}

// Start executes the binary, makes the handshake and asks the process what it is. Only
// an answer proves that it runs: go-plugin trusts the handshake. When ctx is done, Start
// gives up and the process ends.
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
	err = fmt.Errorf("starting plugin %s: %w%s", binary.Path, err, p.explainExit())
	p.Kill()
	p.Stop()
	return nil, err
}

// config makes a new configuration for each process: go-plugin cannot reuse any part.
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
	c := newChild(cmd, dir, newLogReader(launch.Logger, time.Now, launch.Dropped))
	p.child.Store(c)
	if p.killed.Load() { // before there was anything to kill
		c.kill()
	}
	return c, nil
}

// passedOn returns the variables of the host's environment that a plugin inherits: only
// those that say where the system's trusted certificates are.
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
		// After a timeout there is no line because go-plugin has ended the process.
		c := p.child.Load()
		if c != nil && c.stdout.problem() != nil && !strings.HasPrefix(err.Error(), "timeout") {
			err = c.stdout.problem()
		}
		if errors.Is(err, syscall.ENOEXEC) {
			return fmt.Errorf("it is not a program for this machine, build it for %s/%s: %w", runtime.GOOS, runtime.GOARCH, syscall.ENOEXEC)
		}
		return errors.New(oneLine(err.Error()))
	}
	ctx, cancel := context.WithTimeout(ctx, p.limits.Describe)
	defer cancel()
	// go-plugin dials without a deadline, but gives up when the process has ended.
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
	if err != nil && ctx.Err() != nil { // it may have noticed first that the plugin was killed for that
		err = fmt.Errorf("%w: %w", plugin.ErrTransport, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("asking what it is: %w", err)
	}
	p.Description.Mechanism, p.Description.Version = oneLine(p.Description.Mechanism), oneLine(p.Description.Version)
	return nil
}

func (p *Process) dial(ctx context.Context, _ string) (net.Conn, error) {
	return p.child.Load().dial(ctx)
}

// Client calls the plugin.
func (p *Process) Client() *plugin.Client { return p.client }

// PID is the ID of the process.
func (p *Process) PID() int { return p.child.Load().cmd.Process.Pid }

// Done is closed as soon as the process and its group have ended.
func (p *Process) Done() <-chan struct{} { return p.child.Load().exited }

// Alive reports whether the process has not ended.
func (p *Process) Alive() bool {
	select {
	case <-p.Done():
		return false
	default:
		return true
	}
}

// Redact keeps these secrets of the operator out of the plugin's log, errors and
// findings.
func (p *Process) Redact(secrets []string) {
	p.child.Load().log.secrets.Replace(secrets)
	p.client.Redact(secrets)
}

// Stop ends the process within twice the limit. It asks first; if that takes too long,
// it kills the whole group. Only a child that left the group can outlive it.
func (p *Process) Stop() {
	ended := make(chan struct{})
	go func() { p.goplugin.Kill(); close(ended) }() // ends with the process
	c := p.child.Load()
	if c == nil {
		<-ended
		return
	}
	defer os.RemoveAll(c.dir) // go-plugin leaves it if the process never started
	if !c.started() {
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
	if c := p.child.Load(); c != nil {
		c.kill()
	}
}

// KillHung is Kill for a process that does not answer.
func (p *Process) KillHung() {
	p.hung.Store(true)
	p.Kill()
}

// Hung reports whether KillHung was called.
func (p *Process) Hung() bool { return p.hung.Load() }

// ExitStatus says how a process has ended, such as "exit status 2"; empty while it runs.
func (p *Process) ExitStatus() string {
	if c := p.child.Load(); c != nil && !p.Alive() {
		return c.cmd.ProcessState.String()
	}
	return ""
}

// LastLines are the last lines that the process wrote to the log as plain text, such as
// the stack trace of a crash. They are printable, bounded and free of secrets.
func (p *Process) LastLines() []string {
	if c := p.child.Load(); c != nil {
		return c.lastLines()
	}
	return nil
}

// explainExit says why a process may have failed to start.
func (p *Process) explainExit() string {
	if c := p.child.Load(); c == nil || !c.started() {
		return ""
	}
	within(p.Done(), drainTime)
	text := ""
	if state := p.ExitStatus(); state != "" && !p.wasKilled() {
		text = "; it ended by itself, " + state
	}
	if lines := p.LastLines(); len(lines) > 0 {
		text += "; its last output: " + strings.Join(lines, " | ")
	}
	return text
}

func (p *Process) wasKilled() bool {
	status, ok := p.child.Load().cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// oneLine makes a text of go-plugin or of a plugin safe for a line of the log.
func oneLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return printable(line[:min(len(line), maxTailLine)])
}
