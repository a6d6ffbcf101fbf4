package provider

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/doorward/doorward/sdk/plugin"
)

const (
	startTimeout    = 10 * time.Second
	describeTimeout = 5 * time.Second
	stopTimeout     = 3 * time.Second
)

// process is one running plugin.
type process struct {
	process *goplugin.Client
	client  *plugin.Client
	version string
	log     *logReader
}

// launch starts the binary and makes sure that it is the plugin of that
// mechanism. Everything is built afresh: a go-plugin client cannot be reused.
func launch(ctx context.Context, path, mechanism, runtimeDir string, logger hclog.Logger) (*process, error) {
	if err := checkBinary(path); err != nil {
		return nil, err
	}
	log := newLogReader(logger.Named(mechanism))
	cmd := exec.Command(path)
	// Ctrl-C in a terminal goes to the whole group: the host stops its plugins
	// itself, after the requests under way.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &process{log: log, process: goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  plugin.Handshake,
		VersionedPlugins: plugin.Plugins(),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Cmd:              cmd,
		AutoMTLS:         true, // another process of the same user must not call the plugin
		SkipHostEnv:      true, // the environment of the host holds secrets
		StartTimeout:     startTimeout,
		GRPCDialOptions:  plugin.DialOptions(),
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: runtimeDir},
		// go-plugin panics on a log line whose @message is no string. With its
		// logger off it does not look at the lines, and we read them ourselves.
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Off}),
		Stderr: log,
	})}
	if err := p.connect(ctx, mechanism); err != nil {
		p.stop()
		return nil, fmt.Errorf("starting plugin %s: %w%s", path, err, log.tail())
	}
	return p, nil
}

// connect shakes hands and asks the plugin what it is. Only an answer proves
// that it is there: go-plugin takes the address in the handshake on trust.
func (p *process) connect(ctx context.Context, mechanism string) error {
	protocol, err := p.process.Client()
	if err != nil {
		return err
	}
	if p.client, err = plugin.Dispense(protocol); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	description, _, err := p.client.Describe(ctx)
	if err != nil {
		return fmt.Errorf("asking what it is: %w", err)
	}
	if description.Mechanism != mechanism {
		return fmt.Errorf("it says that it is %q, not %q", description.Mechanism, mechanism)
	}
	p.version = description.Version
	return nil
}

func (p *process) alive() bool { return !p.process.Exited() }

// stop ends the process within a bound: go-plugin's Kill waits without one for
// a process that is stopped or whose children hold its pipes, so the whole
// group is killed if the polite way takes too long.
func (p *process) stop() {
	pid := 0
	if config := p.process.ReattachConfig(); config != nil {
		pid = config.Pid
	}
	done := make(chan struct{})
	go func() { p.process.Kill(); close(done) }()
	select {
	case <-done:
		return
	case <-time.After(stopTimeout):
	}
	if pid > 0 {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
	<-done
}

// ErrNoBinary: the plugin file is not there.
var ErrNoBinary = errors.New("plugin file not found")

func checkBinary(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s: put it there, or set PLUGIN_DIR to the folder that has it", ErrNoBinary, path)
	}
	if err != nil {
		return fmt.Errorf("looking at the plugin file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("plugin file %s is not executable: chmod 0755 it", path)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("plugin file %s may be written by group or others: chmod 0755 it", path)
	}
	return nil
}

// binaryPath is where the plugin of a mechanism must lie.
func binaryPath(dir, mechanism string) string {
	return filepath.Join(dir, "doorward-plugin-"+mechanism)
}
