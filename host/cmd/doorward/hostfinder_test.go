package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/host/internal/token"
	"github.com/doorward/doorward/sdk"
)

// An operator who wants to see the status of the host has neither its SECRET nor the
// rest of its environment.
func TestTheSocketIsEnough(t *testing.T) {
	dir, err := os.MkdirTemp("", "s") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "d.db.sock")
	claimed, err := control.Claim(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer claimed.Close()
	server, err := claimed.Serve(t.Context(), control.Addresses{}, control.Ports{
		Plugins: func() any { return []provider.Plugin{{Name: "answered"}} },
		Reload:  func(context.Context, control.Reloading) (string, error) { return "answered", nil },
		Check: func(context.Context, string) (any, error) {
			return []provider.Checked{{Provider: "answered", Findings: []sdk.Finding{{Severity: sdk.SeverityOK}}}}, nil
		},
		Keys: func(context.Context) (any, error) { return []token.Key{{ID: "answered"}}, nil },
		RotateKeys: func(_ context.Context, now bool) (any, error) {
			return token.Rotation{Key: token.Key{ID: fmt.Sprint("now=", now)}}, nil
		},
		Healthy: func() bool { return true },
		Administration: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/admin/end-sessions" {
				_, _ = io.WriteString(w, `{"data":{"sessions_ended":12345}}`)
				return
			}
			_, _ = io.WriteString(w, `{"data":[{"id":"answered"}],"meta":{"next":null}}`)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for command, want := range map[string]string{
		"plugins": "answered", "reload": "answered", "check": "answered", "session end --all": "sessions ended: 12345", "session end --all --json": `"sessions_ended": 12345`,
		"keys list": "answered", "keys list --json": "answered", "keys rotate": "now=false", "keys rotate --now --yes": "now=true",
		"user list": "answered", "role list": "answered", "key list": "answered", "session list": "answered",
	} {
		for name, tc := range map[string]struct{ flag, environ string }{
			"flag":              {"--socket=" + socket, ""},
			"flag over setting": {"--socket=" + socket, "CONTROL_SOCKET=/none"},
			"CONTROL_SOCKET":    {"", "CONTROL_SOCKET=" + socket},
			"DB_FILENAME":       {"", "DB_FILENAME=" + strings.TrimSuffix(socket, ".sock")},
		} {
			var out bytes.Buffer
			args := strings.Fields(command)
			if tc.flag != "" {
				args = append(args, tc.flag)
			}
			if code := run(t.Context(), args, []string{tc.environ}, &out, &out); code != exitOK || !strings.Contains(out.String(), want) {
				t.Errorf("%s by %s: exit code %d: %s", command, name, code, out.String())
			}
		}
	}
}

func TestCheckOfAHostThatDoesNotRun(t *testing.T) {
	var out bytes.Buffer
	socket := filepath.Join(t.TempDir(), "s")
	if code := run(t.Context(), []string{"check", "--socket", socket}, nil, &out, &out); code != exitError || !strings.Contains(out.String(), control.ErrNotRunning.Error()) {
		t.Errorf("by its socket: exit code %d: %s", code, out.String())
	}
	out.Reset()
	if code := run(t.Context(), []string{"check"}, []string{"DB_FILENAME=" + socket}, &out, &out); code != exitError || !strings.Contains(out.String(), "SECRET: is required") {
		t.Errorf("without its configuration: exit code %d: %s", code, out.String())
	}
}
