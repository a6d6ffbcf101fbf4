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

// launched is a plugin process as go-plugin sees it, which only reads its first
// line and asks for its end. Everything else is ours.
type launched struct {
	cmd     *exec.Cmd
	dir     string // holds its socket, and nothing else
	stdout  *stdout
	log     *logReader
	forward *io.PipeWriter // ends what go-plugin takes for standard error
	silence *io.PipeReader

	// start is what the process is started for: done before it is up, the process is
	// killed, also if go-plugin comes to execute it only then.
	start        context.Context
	outliveStart func() bool

	lifeline *os.File   // closed: the plugin is to end
	pipes    []*os.File // our ends of its output

	mu     sync.Mutex
	socket string // what PluginToHost let through
	ended  bool   // and waited for: its number may belong to another

	exited chan struct{}  // closed when the process has ended
	pumped sync.WaitGroup // until its last words are read
}

func newLaunched(start context.Context, cmd *exec.Cmd, dir string, log *logReader) *launched {
	l := &launched{start: start, outliveStart: func() bool { return false }, cmd: cmd, dir: dir, stdout: newStdout(), log: log, exited: make(chan struct{})}
	l.silence, l.forward = io.Pipe()
	return l
}

// afterwards is how long the pipes of a process that has ended are read on: its
// last words are in them, but a child of its own may keep them open.
const afterwards = 200 * time.Millisecond

// Start implements runner.Runner.
func (l *launched) Start(ctx context.Context) error {
	theirs, err := l.connectPipes()
	if err != nil {
		return err
	}
	err = l.execute(ctx)
	for _, f := range theirs {
		_ = f.Close()
	}
	if err != nil {
		l.closePipes()
		return err
	}
	l.pumped.Go(func() { l.stdout.pump(l.pipes[0]) })
	l.pumped.Go(func() { _, _ = io.Copy(l.log, l.pipes[1]) })
	go l.wait()
	l.outliveStart = context.AfterFunc(l.start, l.kill)
	return nil
}

func (l *launched) connectPipes() (theirs []*os.File, err error) {
	var ends [3][2]*os.File
	for i := range ends {
		if ends[i][0], ends[i][1], err = os.Pipe(); err != nil {
			for _, pair := range ends[:i] {
				_ = errors.Join(pair[0].Close(), pair[1].Close())
			}
			return nil, fmt.Errorf("making a pipe: %w", err)
		}
	}
	l.cmd.Stdin, l.lifeline = ends[0][0], ends[0][1]
	l.cmd.Stdout, l.cmd.Stderr = ends[1][1], ends[2][1]
	l.pipes = []*os.File{ends[1][0], ends[2][0]}
	return []*os.File{ends[0][0], ends[1][1], ends[2][1]}, nil
}

// execute starts the process. A file that somebody still has open for writing
// cannot be executed; that passes.
func (l *launched) execute(ctx context.Context) error {
	const tries, pause = 20, 10 * time.Millisecond
	original := *l.cmd
	for try := 1; ; try++ {
		err := spawn(l.cmd)
		if !errors.Is(err, syscall.ETXTBSY) || try == tries {
			return err
		}
		*l.cmd = original
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// wait outlives the process, and ends with it.
func (l *launched) wait() {
	awaitExit(l.cmd.Process.Pid)
	l.mu.Lock()
	l.killGroup()
	_ = l.cmd.Wait()
	l.ended = true
	l.mu.Unlock()
	close(l.exited)
	for _, f := range l.pipes {
		_ = f.SetReadDeadline(time.Now().Add(afterwards))
	}
	l.stdout.end()
	_ = l.forward.Close()
	l.pumped.Wait()
	l.closePipes()
}

func (l *launched) closePipes() {
	_ = l.lifeline.Close()
	for _, f := range l.pipes {
		_ = f.Close()
	}
}

// kill ends the process and all of its group at once.
func (l *launched) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended && l.cmd.Process != nil {
		l.killGroup()
	}
}

func (l *launched) killGroup() { _ = syscall.Kill(-l.cmd.Process.Pid, syscall.SIGKILL) }

// lastWords waits until all is read that the process wrote before it ended.
func (l *launched) lastWords() []string {
	select {
	case <-l.exited:
		l.pumped.Wait()
	default:
	}
	return l.log.tail()
}

// Stdout implements runner.Runner.
func (l *launched) Stdout() io.ReadCloser { return l.stdout.first }

// Stderr implements runner.Runner. go-plugin gets none of it: it panics on a line
// whose @message is no string.
func (l *launched) Stderr() io.ReadCloser { return l.silence }

// Name implements runner.Runner.
func (l *launched) Name() string { return l.cmd.Args[0] }

// ID implements runner.Runner.
func (l *launched) ID() string {
	if l.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(l.cmd.Process.Pid)
}

// Diagnose implements runner.Runner.
func (l *launched) Diagnose(context.Context) string { return "" }

// Wait implements runner.Runner.
func (l *launched) Wait(ctx context.Context) error {
	select {
	case <-l.exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Kill implements runner.Runner.
func (l *launched) Kill(context.Context) error {
	l.kill()
	return nil
}

// PluginToHost implements runner.Runner. It lets an address through that is a
// socket in the plugin's own folder: the plugin must not make the host dial
// somewhere else.
func (l *launched) PluginToHost(network, address string) (string, string, error) {
	info, err := os.Lstat(address)
	if network != "unix" || filepath.Dir(address) != l.dir || err != nil || info.Mode().Type() != os.ModeSocket {
		return "", "", fmt.Errorf("it wants to be called at %s address %s, which is no socket in its own folder",
			oneLine(network), oneLine(address))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.socket = address
	return network, address, nil
}

// HostToPlugin implements runner.Runner.
func (l *launched) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// dial takes the place of go-plugin's dialer: it calls what PluginToHost let
// through and nothing else.
func (l *launched) dial(ctx context.Context) (net.Conn, error) {
	l.mu.Lock()
	socket := l.socket
	l.mu.Unlock()
	if socket == "" {
		return nil, errors.New("the plugin has no socket in its own folder")
	}
	return (&net.Dialer{}).DialContext(ctx, "unix", socket)
}

var _ runner.Runner = (*launched)(nil)
