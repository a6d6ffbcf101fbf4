package plugin_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

// hostVariable makes the test binary a host that starts this plugin and waits.
const hostVariable = "DOORWARD_TEST_HOST_OF"

// TestMain makes the test binary a plugin if it is called like one.
func TestMain(m *testing.M) {
	switch path := os.Getenv(hostVariable); {
	case filepath.Base(os.Args[0]) == "doorward-plugin-scripted":
		plugin.Serve(about, openProcess)
	case filepath.Base(os.Args[0]) == "doorward-plugin-misnamed":
		plugin.Serve(plugin.Description{Mechanism: "Not A Name"}, openProcess)
	case filepath.Base(os.Args[0]) == "doorward-plugin-optionless":
		plugin.Serve(about, func(context.Context, sdk.Env, int) (sdk.Mechanism, error) { return nil, nil })
	case path != "":
		hostOf(path)
	default:
		os.Exit(m.Run())
	}
}

// binary returns the test binary under the name of a plugin.
func binary(t *testing.T, name string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "doorward-plugin-"+name)
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

type processOptions struct {
	Secret string `option:"client_secret,secret" doc:"a secret"`
}

// memoryState says whether others can read the memory of the process.
var memoryState = func() string { return "" }

// openProcess returns a mechanism that does what the login hint says.
func openProcess(context.Context, sdk.Env, processOptions) (sdk.Mechanism, error) {
	return scripted{begin: func(_ context.Context, req sdk.BeginRequest) (sdk.Step, error) {
		switch req.LoginHint {
		case "exit":
			os.Exit(3)
		case "panic in a goroutine":
			go panic("x")
			select {}
		case "memory":
			return telling(memoryState()), nil
		case "print":
			fmt.Println(strings.Repeat("x", 1<<20))
			fmt.Fprintln(os.Stderr, strings.Repeat("x", 1<<20))
		}
		return telling(strings.Join(os.Environ(), "\x00")), nil
	}}, nil
}

// telling returns a step that contains a text.
func telling(text string) sdk.Step {
	return sdk.FormPost{URL: "https://op.example/", Fields: []sdk.FormField{{Name: "text", Value: text}}}
}

func openProcessOf(t *testing.T) *plugin.Provider {
	t.Helper()
	p, err := plugintest.Start(t, binary(t, "scripted")).Open(t.Context(), plugintest.Request(nil))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProcess(t *testing.T) {
	t.Setenv("DOORWARD_TEST_SECRET", "hunter2")
	p := openProcessOf(t)
	step, err := p.Begin(t.Context(), sdk.BeginRequest{LoginHint: "print"})
	if err != nil {
		t.Fatal(err)
	}
	certificate := ""
	for _, variable := range strings.Split(step.(sdk.FormPost).Fields[0].Value, "\x00") {
		name, value, _ := strings.Cut(variable, "=")
		if name == "PLUGIN_CLIENT_CERT" {
			certificate = value
		}
		if !strings.HasPrefix(name, "PLUGIN_") && name != plugin.Handshake.MagicCookieKey && name != "PWD" {
			t.Errorf("K07 the plugin sees the variable %s", name)
		}
	}
	wantP256(t, certificate)
}

func wantP256(t *testing.T, certificate string) {
	t.Helper()
	block, _ := pem.Decode([]byte(certificate))
	if block == nil {
		t.Fatalf("no certificate of the client: %q", certificate)
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if key, ok := parsed.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("the key of the client is %T, want one of P-256", parsed.PublicKey)
	}
}

// Only the process that started the plugin can call it.
func TestMutualTLS(t *testing.T) {
	path := binary(t, "scripted")
	start := func(config *goplugin.ClientConfig, cmd *exec.Cmd) (*goplugin.Client, error) {
		config.Cmd, config.SkipHostEnv, config.HandshakeConfig, config.VersionedPlugins = cmd, true, plugin.Handshake, plugin.Plugins()
		config.AllowedProtocols, config.Logger = []goplugin.Protocol{goplugin.ProtocolGRPC}, hclog.NewNullLogger()
		client := goplugin.NewClient(config)
		t.Cleanup(client.Kill)
		_, err := client.Start()
		return client, err
	}
	var ours, theirs goplugin.ClientConfig
	certificate, err := plugin.MutualTLS(&ours)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plugin.MutualTLS(&theirs); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), path)
	cmd.Env = []string{certificate}
	client, err := start(&ours, cmd)
	if err != nil {
		t.Fatal(err)
	}
	ping := func(config *tls.Config) error {
		config.NextProtos = []string{"h2"}
		conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "unix", client.ReattachConfig().Addr.String())
		if err != nil {
			return err
		}
		defer conn.Close()
		// The server judges the certificate after the handshake: an accepted client gets an
		// answer to the beginning of HTTP/2 (RFC 9113 section 3.4).
		_, writeErr := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		_, readErr := conn.Read(make([]byte, 1))
		return errors.Join(writeErr, readErr)
	}
	if err := ping(ours.TLSConfig.Clone()); err != nil {
		t.Errorf("the process that started it: %v", err)
	}
	stranger := theirs.TLSConfig.Clone()
	stranger.RootCAs = ours.TLSConfig.RootCAs
	if err := ping(stranger); err == nil {
		t.Error("somebody with another certificate can call the plugin")
	}
	stranger.Certificates = nil
	if err := ping(stranger); err == nil {
		t.Error("somebody without a certificate can call the plugin")
	}
	credulous := theirs.TLSConfig.Clone()
	credulous.Certificates = ours.TLSConfig.Certificates
	if err := ping(credulous); err == nil {
		t.Error("a client trusts a plugin that it did not start")
	}
}

func TestProcessThatDies(t *testing.T) {
	for _, how := range []string{"exit", "panic in a goroutine"} {
		t.Run("K01 "+how, func(t *testing.T) {
			p := openProcessOf(t)
			for range 2 {
				_, err := p.Begin(t.Context(), sdk.BeginRequest{LoginHint: how})
				if !errors.Is(err, plugin.ErrTransport) || errors.Is(err, plugin.ErrFault) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

func TestByHand(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector takes a second to end a process
	for name, test := range map[string]struct {
		binary, arg string
		code        int
		want        string // in the output
	}{
		"options":      {"scripted", "options", 0, "| `client_secret` | string, secret |"},
		"version":      {"scripted", "version", 0, "doorward-plugin-scripted 1.2.3 (protocol 1)"},
		"help":         {"scripted", "help", 0, "PLUGIN_DIR"},
		"unknown":      {"scripted", "serve", 2, "try help"},
		"nothing":      {"scripted", "", 1, "This binary is a plugin"},
		"bad name":     {"misnamed", "help", 1, "lower-case letters"},
		"no options":   {"optionless", "help", 1, "must be a struct"},
		"bad name run": {"misnamed", "", 1, "lower-case letters"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), binary(t, test.binary), strings.Fields(test.arg)...)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != test.code || !strings.Contains(string(out), test.want) {
				t.Errorf("got %v, %s", err, out)
			}
		})
	}
}

// hostOf starts the plugin and waits to be killed.
func hostOf(path string) {
	cmd := exec.CommandContext(context.Background(), path)
	cmd.Env = []string{"TMPDIR=" + os.Getenv("TMPDIR")}
	process := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: plugin.Handshake, VersionedPlugins: plugin.Plugins(), AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Cmd: cmd, SkipHostEnv: true, Logger: hclog.NewNullLogger(), GRPCDialOptions: plugin.DialOptions(),
	})
	protocol, err := process.Client()
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := plugin.Dispense(protocol)
	if err == nil {
		_, _, err = client.Describe(context.Background())
	}
	fmt.Println("ready", err)
	select {}
}

// TestEndsWithItsHost kills a host. The plugin has inherited a pipe from it, which closes when
// both have ended.
func TestEndsWithItsHost(t *testing.T) {
	alive, held, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	sockets := t.TempDir()
	host := exec.CommandContext(t.Context(), os.Args[0])
	host.Env = []string{hostVariable + "=" + binary(t, "scripted"), "TMPDIR=" + sockets}
	host.Stdin = held
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	held.Close()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready <nil>\n" {
		t.Fatalf("starting a host: %q, %v", line, err)
	}
	if before, err := os.ReadDir(sockets); err != nil || len(before) != 1 {
		t.Fatalf("%d sockets, %v; want one", len(before), err)
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	if err := alive.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := alive.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("K09 the plugin lives on: %v", err)
	}
	if left, err := os.ReadDir(sockets); err != nil || len(left) != 0 {
		t.Errorf("K09 %d sockets are left, %v", len(left), err)
	}
}
