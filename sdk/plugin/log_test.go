package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk/options"
)

// TestLogHandler checks the handler with the rules of log/slog.
func TestLogHandler(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		if strings.HasSuffix(t.Name(), "/zero-time") {
			t.Skip("hclog stamps each line itself")
		}
		out.Reset()
		return environment{log: &out}.logger().Handler()
	}, func(t *testing.T) map[string]any {
		line := map[string]any{}
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		return unflattened(line)
	})
}

// unflattened turns dotted names into the groups that slogtest expects.
func unflattened(line map[string]any) map[string]any {
	result := map[string]any{slog.TimeKey: line["@timestamp"], slog.LevelKey: line["@level"], slog.MessageKey: line["@message"]}
	for name, value := range line {
		if strings.HasPrefix(name, "@") {
			continue
		}
		inner, path := result, strings.Split(name, ".")
		for _, group := range path[:len(path)-1] {
			if inner[group] == nil {
				inner[group] = map[string]any{}
			}
			inner = inner[group].(map[string]any)
		}
		inner[path[len(path)-1]] = value
	}
	return result
}

type credentials struct {
	User     string
	Password options.Secret
	token    string
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestLogLines(t *testing.T) {
	var nothing *nilError
	var out bytes.Buffer
	logger := environment{log: &out}.logger()
	logger = logger.With("provider", "keycloak").WithGroup("req").With("id", 7)
	logger.Warn("odd\nanswer", "err", fmt.Errorf("a: %w", errors.New("b\n{}")), "nil", nothing, "took", 1500*time.Millisecond,
		"nan", math.NaN(), "half", 0.5, "ok", true, "chan", make(chan int), "list", []string{"<a>"},
		slog.Group("who", "name", "x", slog.Group("deep", "y", 1)),
		"password", options.Secret("hunter2"), "credentials", credentials{"jane", "hunter2", "hunter2"}, "pointer", &credentials{Password: "hunter2"})
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("shows a secret: %s", out.String())
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("not one line: %q", out.String())
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "@timestamp")
	want := map[string]any{
		"@level": "warn", "@message": "odd\nanswer", "provider": "keycloak", "req.id": 7.0, "req.err": "a: b\n{}", "req.nil": "<nil>",
		"req.took": "1.5s", "req.nan": "NaN", "req.half": "0.5", "req.ok": true, "req.list": []any{"<a>"}, "req.who.name": "x", "req.who.deep.y": 1.0,
		"req.chan":     "a chan int that cannot be logged: json: unsupported type: chan int",
		"req.password": "[secret]", "req.credentials": map[string]any{"User": "jane", "Password": "[secret]"},
		"req.pointer": map[string]any{"User": "", "Password": "[secret]"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLogLevels(t *testing.T) {
	for level, want := range map[slog.Level]string{
		slog.LevelDebug - 1: "", slog.LevelDebug: "debug", slog.LevelInfo - 1: "debug", slog.LevelInfo: "info",
		slog.LevelWarn - 1: "info", slog.LevelWarn: "warn", slog.LevelError: "error", slog.LevelError + 4: "error",
	} {
		var out bytes.Buffer
		environment{log: &out}.logger().Log(t.Context(), level, "x")
		var line struct {
			Level string `json:"@level"`
		}
		if out.Len() > 0 {
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
		}
		if line.Level != want {
			t.Errorf("level %v: got %q, want %q", level, line.Level, want)
		}
	}
}
