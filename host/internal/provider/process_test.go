package provider

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

func TestK07PluginSeesNoSecretOfTheHost(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	t.Setenv("SECRET", "canary-of-the-host")
	t.Setenv("SSL_CERT_FILE", "/ca.pem")
	t.Setenv("AUTH_A_CLIENT_SECRET", "canary-of-a-provider")
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a", "client_secret", "canary-in-an-option")}})
	pid := h.mustBegin(t, "a")
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte("SSL_CERT_FILE=/ca.pem\x00")) || bytes.Contains(data, []byte("canary")) {
		t.Errorf("environment: %q", data)
	}
	for _, variable := range strings.Split(strings.TrimRight(string(data), "\x00"), "\x00") {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "PLUGIN_") && name != "DOORWARD_PLUGIN" && name != "DOORWARD_LIFELINE" && name != "SSL_CERT_FILE" && name != "SSL_CERT_DIR" {
			t.Errorf("variable %s", name)
		}
	}
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || bytes.Contains(cmdline, []byte("canary")) {
		t.Errorf("command line: %q, %v", cmdline, err)
	}
}

func TestK06NobodyElseMayCallAPlugin(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a")}})
	if info, err := os.Stat(h.runtime.path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder of sockets: %v, %v", info.Mode(), err)
	}
	sockets, _ := filepath.Glob(filepath.Join(h.runtime.path, "*", "*"))
	if len(sockets) != 1 {
		t.Fatalf("sockets: %v", sockets)
	}
	for name, transport := range map[string]credentials.TransportCredentials{
		"in the clear":                   insecure.NewCredentials(),
		"with TLS without a certificate": credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}),
	} {
		conn, err := grpc.NewClient("unix:"+sockets[0], grpc.WithTransportCredentials(transport))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), long)
		if _, err := doorwardv1.NewPluginServiceClient(conn).Describe(ctx, &doorwardv1.DescribeRequest{}); err == nil {
			t.Errorf("a call %s is answered", name)
		}
		cancel()
		conn.Close()
	}
	h.mustBegin(t, "a")
}

func TestCallsThatGoWrong(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a")}})
	pid := h.mustBegin(t, "a")
	for _, tc := range []struct {
		name, hint string
		limit      time.Duration
		want       error
	}{
		{"K01 panic in the handler", "panic", long, sso.ErrPluginFault},
		{"K08 an answer larger than allowed", "huge", long, sso.ErrPluginFault},
		{"K02 hangs until the deadline", "hang", 100 * time.Millisecond, sdk.ErrUnavailable},
		{"K02 hangs for good", "hang for good", 100 * time.Millisecond, sdk.ErrUnavailable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), tc.limit)
			defer cancel()
			m, err := h.mechanism(ctx, "a")
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.Begin(ctx, sdk.BeginRequest{State: "s", LoginHint: tc.hint})
			if !errors.Is(err, tc.want) || strings.Count(err.Error(), "plugin fault") > 1 {
				t.Errorf("beginning: %v, want %v, said once", err, tc.want)
			}
			if got := h.mustBegin(t, "a"); got != pid {
				t.Errorf("process %d answers, want %d", got, pid)
			}
		})
	}
	m, err := h.mechanism(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Continue(t.Context(), sdk.ContinueRequest{State: "s"})
	if !errors.Is(err, sdk.ErrDenied) || sdk.ReasonOf(err) != sdk.ReasonNotAllowed {
		t.Errorf("a refusal keeps neither kind nor reason: %v", err)
	}
}

func TestK08MessageToThePluginThatIsTooLarge(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a")}})
	m, err := h.mechanism(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Continue(t.Context(), sdk.ContinueRequest{State: "s", Memory: make([]byte, 64<<20)})
	if !errors.Is(err, sdk.ErrInvalidResponse) {
		t.Errorf("continuing with 64 MiB: %v", err)
	}
	h.mustBegin(t, "a")
}

func TestHostileLogs(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake", "other"), Providers: []Configured{configured("fake", "a"), configured("other", "b")}})
	pid := h.mustBegin(t, "a")
	for _, kind := range []string{"bad lines", "long line", "control", "flood"} {
		if got, err := h.begin(t, "a", kind); err != nil || got != pid {
			t.Fatalf("%s: process %d, %v", kind, got, err)
		}
		h.mustBegin(t, "b")
		if kind != "flood" {
			h.logs.await(t, "log written")
		}
	}
	all := h.logs.String()
	if n := strings.Count(all, `"flood `); n > 2*200 {
		t.Errorf("%d lines of the flood are in the log", n)
	}
	for _, bad := range []string{"\\u001b", "\\n", "\\r", "\x1b", "\u202e", strings.Repeat("x", 16<<10+1)} {
		if strings.Contains(all, bad) {
			t.Errorf("the log holds %.20q", bad)
		}
	}
}
