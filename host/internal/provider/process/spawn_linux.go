package process

import (
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// command makes the command that executes the open file. The kernel follows the path of
// the host's own descriptor, which is closed in the plugin.
func (b *Binary) command(string) (*exec.Cmd, error) {
	return &exec.Cmd{
		Path: fmt.Sprintf("/proc/self/fd/%d", b.file.Fd()), Args: []string{b.Path},
		SysProcAttr: &syscall.SysProcAttr{
			// Ctrl-C in a terminal goes to the whole group, but the host stops its
			// plugins itself, after the requests in progress.
			Setpgid: true,
			// The lifeline ends a plugin that behaves well; this ends a plugin that
			// is stopped or ignores the lifeline.
			Pdeathsig: syscall.SIGKILL,
		},
	}, nil
}

// spawning starts commands, one after the other, from a thread that lives as long as the
// host: Pdeathsig is sent when the thread that started the process ends, not when the
// host ends (golang/go#27505).
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

// awaitExit returns when the process has ended, and leaves it to be waited for. Until
// then no other process or group can get its ID.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}
