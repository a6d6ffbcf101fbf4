package process

import (
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// command makes the command that executes the open file. The path that the
// kernel follows is our own descriptor of it, which is closed in the plugin.
func (b *Binary) command(string) (*exec.Cmd, error) {
	return &exec.Cmd{
		Path: fmt.Sprintf("/proc/self/fd/%d", b.file.Fd()), Args: []string{b.Path},
		SysProcAttr: &syscall.SysProcAttr{
			// Ctrl-C in a terminal goes to the whole group: the host stops its
			// plugins itself, after the requests under way.
			Setpgid: true,
			// The lifeline ends a plugin that behaves; this, one that is stopped or
			// has no use for it.
			Pdeathsig: syscall.SIGKILL,
		},
	}, nil
}

// spawning starts commands, one after the other, from a thread that never ends:
// Pdeathsig is sent when the thread that started the process ends, not the host
// (golang/go#27505). It lives as long as the host.
var spawning = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for start := range work {
			start()
		}
	}()
	return work
})

func spawn(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	spawning() <- func() { done <- cmd.Start() }
	return <-done
}

// awaitExit returns when the process has ended, and leaves it to be waited for:
// until then its number, and that of its group, belong to nobody else.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}
