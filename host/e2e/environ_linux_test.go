package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// A host protects its memory as soon as it runs. Between exec and this moment, a process of the
// same user can read its environment, unless the user cannot read the executable: docs/plugins.md
// says how to install it for this reason.
func TestTheEnvironmentOfAHostBeforeItRuns(t *testing.T) {
	if os.Getuid() != 0 {
		missing(t, "root: run the tests as root to test with another user")
	}
	runtime.LockOSThread() // tracing belongs to a thread
	defer runtime.UnlockOSThread()
	dir, err := os.MkdirTemp("", "environ") // other users cannot enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	program, err := os.ReadFile("../../bin/doorward")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "doorward")
	if err := os.WriteFile(path, program, 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, readable := range map[os.FileMode]bool{0o755: true, 0o711: false} {
		for _, p := range []string{path, dir} {
			if err := os.Chmod(p, mode); err != nil {
				t.Fatal(err)
			}
		}
		if got := environBeforeItRuns(t, path); strings.Contains(got, "canary") != readable {
			t.Errorf("mode %v: another process of the user reads %q", mode, got)
		}
	}
}

// environBeforeItRuns returns what a process of the same user can read of the environment of a
// program that has not yet executed an instruction.
func environBeforeItRuns(t *testing.T, path string) string {
	t.Helper()
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	cmd := exec.CommandContext(t.Context(), path, "--version")
	cmd.Env = []string{"SECRET=canary"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: nobody, Ptrace: true} // it stops at its exec
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(cmd.Process.Pid, &status, 0, nil); err != nil || !status.Stopped() {
		t.Fatalf("waiting for its exec: %v, status %v", err, status)
	}
	cat := exec.CommandContext(t.Context(), "cat", fmt.Sprintf("/proc/%d/environ", cmd.Process.Pid))
	cat.SysProcAttr = &syscall.SysProcAttr{Credential: nobody}
	out, _ := cat.CombinedOutput()
	return string(out)
}
