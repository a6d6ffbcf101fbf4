package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a running program with its output.
type Process struct {
	cmd    *exec.Cmd
	output *output
	done   chan struct{}
	err    error // from Wait; read it after done
}

// StartProcess starts the program and collects its standard output and error.
func StartProcess(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, output: newOutput(), done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.output, p.output
	// Children that inherited the pipes must not keep Wait waiting.
	cmd.WaitDelay = 2 * time.Second
	started := make(chan error, 1)
	go func() {
		// Pdeathsig is sent when the thread that started the process ends, not this
		// process (golang/go#27505). So this thread must not end before the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	return p, nil
}

// PID returns the process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Output returns the output of the process so far.
func (p *Process) Output() string { return p.output.String() }

// WaitForLine waits for the first line with the prefix and returns it. It returns an
// error if the process ends or ctx is done before.
func (p *Process) WaitForLine(ctx context.Context, prefix string) (string, error) {
	for {
		text, changed := p.output.read()
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, prefix) && strings.HasSuffix(line, "\n") {
				return strings.TrimSpace(line), nil
			}
		}
		select {
		case <-changed:
		case <-p.done:
			return "", fmt.Errorf("%s ended without printing %q:\n%s", p.cmd.Path, prefix, p.Output())
		case <-ctx.Done():
			return "", fmt.Errorf("waiting for %s to print %q: %w\n%s", p.cmd.Path, prefix, ctx.Err(), p.Output())
		}
	}
}

// Stop ends the process with SIGTERM. If this takes longer than the limit, Stop uses
// SIGKILL and returns an error. It is not an error if the process has already ended.
func (p *Process) Stop(bound time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(bound):
		return errors.Join(fmt.Errorf("%s did not end within %s of SIGTERM", p.cmd.Path, bound), p.Kill())
	}
}

// Kill ends the process with SIGKILL and waits for its end.
func (p *Process) Kill() error {
	err := p.signal(syscall.SIGKILL)
	<-p.done
	return err
}

// ExitCode returns the exit status of a process that has ended by itself, otherwise -1.
func (p *Process) ExitCode() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

func (p *Process) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %s to %s: %w", s, p.cmd.Path, err)
	}
	return nil
}

// output is a buffer that signals new data.
type output struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed by the next write
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(b)
}

func (o *output) read() (text string, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.changed
}

func (o *output) String() string {
	text, _ := o.read()
	return text
}
