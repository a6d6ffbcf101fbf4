package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// child is a plugin process as go-plugin sees it. go-plugin only reads its first line
// and asks it to end; this package does everything else.
type child struct {
	cmd     *exec.Cmd
	dir     string // holds its socket, and nothing else
	stdout  *stdout
	log     *logReader
	forward *io.PipeWriter // ends the standard error that go-plugin sees
	silence *io.PipeReader

	lifeline *os.File   // closed: the plugin is to end
	pipes    []*os.File // the host's ends of its output

	mu     sync.Mutex
	socket string // accepted by PluginToHost
	killed bool   // before or after it was started
	ended  bool   // and waited for: its PID may belong to another process

	exited chan struct{}  // closed when the process has ended
	pumped sync.WaitGroup // until its last output is read
}

func newChild(cmd *exec.Cmd, dir string, log *logReader) *child {
	c := &child{cmd: cmd, dir: dir, stdout: newStdout(), log: log, exited: make(chan struct{})}
	c.silence, c.forward = io.Pipe()
	return c
}

// drainTime bounds how long the pipes of a process are read after its end: they hold its
// last output, but one of its own child processes may keep them open.
const drainTime = 200 * time.Millisecond

// Start implements runner.Runner.
func (c *child) Start(ctx context.Context) error {
	childEnds, err := c.connectPipes()
	if err != nil {
		return err
	}
	err = c.execute(ctx)
	for _, f := range childEnds {
		_ = f.Close()
	}
	if err != nil {
		c.closePipes()
		return err
	}
	c.pumped.Go(func() { c.stdout.pump(c.pipes[0]) })
	c.pumped.Go(func() { _, _ = io.Copy(c.log, c.pipes[1]) })
	go c.wait()
	return nil
}

func (c *child) connectPipes() (childEnds []*os.File, err error) {
	var ends [3][2]*os.File
	for i := range ends {
		if ends[i][0], ends[i][1], err = os.Pipe(); err != nil {
			for _, pair := range ends[:i] {
				_ = errors.Join(pair[0].Close(), pair[1].Close())
			}
			return nil, fmt.Errorf("making a pipe: %w", err)
		}
	}
	c.cmd.Stdin, c.lifeline = ends[0][0], ends[0][1]
	c.cmd.Stdout, c.cmd.Stderr = ends[1][1], ends[2][1]
	c.pipes = []*os.File{ends[1][0], ends[2][0]}
	return []*os.File{ends[0][0], ends[1][1], ends[2][1]}, nil
}

// execute starts the process. It tries again while another process still has the file
// open for writing, because the file cannot be executed then.
func (c *child) execute(ctx context.Context) error {
	const tries, pause = 20, 10 * time.Millisecond
	original := *c.cmd
	for try := 1; ; try++ {
		err := c.spawn()
		if !errors.Is(err, syscall.ETXTBSY) || try == tries {
			return err
		}
		*c.cmd = original
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

var errKilled = errors.New("killed before it was started")

func (c *child) spawn() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed {
		return errKilled
	}
	return spawn(c.cmd)
}

// started reports whether the process has been started.
func (c *child) started() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cmd.Process != nil
}

// wait ends when the process has ended and its output is read.
func (c *child) wait() {
	awaitExit(c.cmd.Process.Pid)
	c.mu.Lock()
	c.killGroup()
	_ = c.cmd.Wait()
	c.ended = true
	c.mu.Unlock()
	close(c.exited)
	for _, f := range c.pipes {
		_ = f.SetReadDeadline(time.Now().Add(drainTime))
	}
	c.stdout.end()
	_ = c.forward.Close()
	c.pumped.Wait()
	c.closePipes()
}

func (c *child) closePipes() {
	_ = c.lifeline.Close()
	for _, f := range c.pipes {
		_ = f.Close()
	}
}

// kill ends the process and all of its group at once.
func (c *child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killed = true
	if !c.ended && c.cmd.Process != nil {
		c.killGroup()
	}
}

func (c *child) killGroup() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) }

// lastLines waits until everything is read that the process wrote before it ended.
func (c *child) lastLines() []string {
	select {
	case <-c.exited:
		c.pumped.Wait()
	default:
	}
	return c.log.tail()
}

// Stdout implements runner.Runner.
func (c *child) Stdout() io.ReadCloser { return c.stdout.first }

// Stderr implements runner.Runner. go-plugin gets none of it, because it panics on a
// line whose @message is not a string.
func (c *child) Stderr() io.ReadCloser { return c.silence }

// Name implements runner.Runner.
func (c *child) Name() string { return c.cmd.Args[0] }

// ID implements runner.Runner.
func (c *child) ID() string {
	if !c.started() {
		return ""
	}
	return strconv.Itoa(c.cmd.Process.Pid)
}

// Diagnose implements runner.Runner.
func (c *child) Diagnose(context.Context) string { return "" }

// Wait implements runner.Runner.
func (c *child) Wait(ctx context.Context) error {
	select {
	case <-c.exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Kill implements runner.Runner.
func (c *child) Kill(context.Context) error {
	c.kill()
	return nil
}

// PluginToHost implements runner.Runner. It accepts only a socket in the plugin's own
// folder: the plugin must not make the host dial another address.
func (c *child) PluginToHost(network, address string) (string, string, error) {
	info, err := os.Lstat(address)
	if network != "unix" || filepath.Dir(address) != c.dir || err != nil || info.Mode().Type() != os.ModeSocket {
		return "", "", fmt.Errorf("it wants to be called at %s address %s, which is not a socket in its own folder",
			oneLine(network), oneLine(address))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.socket = address
	return network, address, nil
}

// HostToPlugin implements runner.Runner.
func (c *child) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// dial replaces go-plugin's dialer: it connects only to the address that PluginToHost
// accepted.
func (c *child) dial(ctx context.Context) (net.Conn, error) {
	c.mu.Lock()
	socket := c.socket
	c.mu.Unlock()
	if socket == "" {
		return nil, errors.New("the plugin has no socket in its own folder")
	}
	return (&net.Dialer{}).DialContext(ctx, "unix", socket)
}

var _ runner.Runner = (*child)(nil)
