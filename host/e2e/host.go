package e2e

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	hostReadyBound = 20 * time.Second
	hostStopBound  = 15 * time.Second
	orphanBound    = time.Second
)

// HostConfig is the configuration for running Doorward.
type HostConfig struct {
	// Binary and Plugins are the program and its plugin files. The defaults are the
	// files that `make build` writes. An empty, non-nil Plugins runs a host without
	// plugins.
	Binary  string
	Plugins []string

	// Port is the port on loopback, 0 for a free one.
	Port int

	// Flags are the flags of `doorward serve`.
	Flags []string

	// OwnGroup prevents Ctrl-C in a terminal from reaching the host, for a caller that
	// stops the host itself.
	OwnGroup bool

	// Env is the environment of the process, which inherits only PATH. StartHost adds
	// these variables if Env does not contain them: HOST, PORT, PUBLIC_URL, SECRET,
	// DB_FILENAME, PLUGIN_DIR and SHUTDOWN_DELAY.
	Env map[string]string
}

// Host is a running Doorward with its own folder for the database, plugins and
// temporary files.
type Host struct {
	// URL is the URL of the host, with the name localhost. The providers of the tests
	// have the address 127.0.0.1, which is another site for a browser.
	URL string

	*Process
	config HostConfig
	dir    string
	logs   []string // of processes before a restart

	crashed bool // a killed host cannot clean up
}

// StartHost starts Doorward and waits until it responds. The caller must call Remove
// at the end.
func StartHost(ctx context.Context, config HostConfig) (*Host, error) {
	// The path must be short: it contains the plugin sockets, and the path of a unix
	// socket is limited to 108 bytes.
	dir, err := os.MkdirTemp("", "dw")
	if err != nil {
		return nil, fmt.Errorf("making the folder of the host: %w", err)
	}
	h := &Host{config: config, dir: dir}
	if err := h.prepare(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := h.start(ctx); err != nil {
		return nil, errors.Join(err, h.Remove())
	}
	return h, nil
}

func (h *Host) prepare() error {
	root, err := Root()
	if err != nil {
		return err
	}
	h.config.Binary = cmp.Or(h.config.Binary, filepath.Join(root, "bin", "doorward"))
	if h.config.Plugins == nil {
		if h.config.Plugins, err = filepath.Glob(filepath.Join(root, "bin", "plugins", "*")); err != nil {
			return fmt.Errorf("looking for plugins: %w", err)
		}
	}
	if h.config.Port == 0 {
		if h.config.Port, err = FreePort(); err != nil {
			return err
		}
	}
	h.URL = "http://localhost:" + strconv.Itoa(h.config.Port)
	for _, dir := range []string{h.pluginDir(), h.tempDir()} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return fmt.Errorf("making a folder of the host: %w", err)
		}
	}
	for _, plugin := range h.config.Plugins {
		if err := copyProgram(plugin, filepath.Join(h.pluginDir(), filepath.Base(plugin))); err != nil {
			return err
		}
	}
	env := map[string]string{
		"PATH": os.Getenv("PATH"), "TMPDIR": h.tempDir(), "HOST": "127.0.0.1", "PORT": strconv.Itoa(h.config.Port),
		"PUBLIC_URL": h.URL, "SECRET": rand.Text() + rand.Text(),
		"DB_FILENAME": filepath.Join(h.dir, "doorward.db"), "PLUGIN_DIR": h.pluginDir(),
		"SHUTDOWN_DELAY": "0", // no load balancer
	}
	maps.Copy(env, h.config.Env)
	h.config.Env = env
	return nil
}

func (h *Host) start(ctx context.Context) error {
	cmd := h.Command(append([]string{"serve"}, h.config.Flags...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: h.config.OwnGroup}
	var err error
	if h.Process, err = StartProcess(cmd); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, hostReadyBound)
	defer cancel()
	return h.waitReady(ctx)
}

// Command returns the program with these arguments and the environment of the host.
func (h *Host) Command(args ...string) *exec.Cmd {
	cmd := exec.Command(h.config.Binary, args...)
	cmd.Dir = h.dir
	for name, value := range h.config.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// waitReady requests the ping page until the host responds.
func (h *Host) waitReady(ctx context.Context) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if h.answers(ctx) {
			return nil
		}
		select {
		case <-again.C:
		case <-h.Done():
			return fmt.Errorf("the host ended with status %d:\n%s", h.ExitCode(), h.Output())
		case <-ctx.Done():
			return fmt.Errorf("waiting for the host: %w\n%s", ctx.Err(), h.Output())
		}
	}
}

func (h *Host) answers(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"/server/ping", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Env returns the environment of the host.
func (h *Host) Env(name string) string { return h.config.Env[name] }

// Logs returns the output of the host, including that before restarts.
func (h *Host) Logs() string {
	logs := h.logs
	if h.Process != nil {
		logs = append(logs[:len(logs):len(logs)], h.Output())
	}
	return strings.Join(logs, "")
}

// Stop ends the host. It returns an error if this takes too long, or if a plugin or a
// temporary file is left.
func (h *Host) Stop() error {
	if h.Process == nil {
		return nil
	}
	err := errors.Join(h.Process.Stop(hostStopBound), h.waitNoPlugins(time.Second))
	if h.crashed {
		return err
	}
	return errors.Join(err, h.tempLeft())
}

// Crash ends the host with SIGKILL. It returns an error if the plugins do not end by
// themselves afterwards.
func (h *Host) Crash() error {
	h.crashed = true
	return errors.Join(h.Kill(), h.waitNoPlugins(orphanBound))
}

// Restart starts the host again with the same port and database. The host must have
// ended.
func (h *Host) Restart(ctx context.Context) error {
	h.logs = append(h.logs, h.Output())
	return h.start(ctx)
}

// Remove stops the host if it still runs, ends plugins that are left, and removes its
// folder.
func (h *Host) Remove() error {
	err := h.Stop()
	for _, pid := range h.Plugins() {
		if left, findErr := os.FindProcess(pid); findErr == nil {
			err = errors.Join(err, left.Kill())
		}
	}
	return errors.Join(err, os.RemoveAll(h.dir))
}

func (h *Host) pluginDir() string { return filepath.Join(h.dir, "plugins") }
func (h *Host) tempDir() string   { return filepath.Join(h.dir, "tmp") }

// Plugins lists the process IDs of the running plugins. It identifies them by their
// program file, a copy for this host, so that it also finds plugins of a host that has
// ended.
func (h *Host) Plugins() []int { return processesBelow(h.pluginDir()) }

func (h *Host) waitNoPlugins(bound time.Duration) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	late := time.After(bound)
	for {
		pids := h.Plugins()
		if len(pids) == 0 {
			return nil
		}
		select {
		case <-again.C:
		case <-late:
			return fmt.Errorf("plugins %v still run %s after the host has ended", pids, bound)
		}
	}
}

func (h *Host) tempLeft() error {
	left, err := os.ReadDir(h.tempDir())
	if err != nil {
		return fmt.Errorf("looking for temporary files: %w", err)
	}
	if len(left) > 0 {
		return fmt.Errorf("the host left %s in its temporary folder", left)
	}
	return nil
}
