package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"

	hclog "github.com/hashicorp/go-hclog"
)

// stderr is where the host reads the log of a plugin: JSON lines with hclog's
// keys. It is saved here before go-plugin replaces os.Stderr with its own pipe.
var stderr io.Writer = os.Stderr

func logTo(w io.Writer, least hclog.Level) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{JSONFormat: true, Output: w, Level: least})
}

// logHandler lets authors use log/slog while the wire carries hclog. It passes on
// everything from the level debug up; the host decides what is shown.
type logHandler struct {
	logger hclog.Logger
	group  string // prefix of attribute names
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelDebug
}

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	args := make([]any, 0, 2*r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		args = appendAttr(args, h.group, a)
		return true
	})
	h.logger.Log(hclogLevel(r.Level), r.Message, args...)
	return nil
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var args []any
	for _, a := range attrs {
		args = appendAttr(args, h.group, a)
	}
	return &logHandler{logger: h.logger.With(args...), group: h.group}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &logHandler{logger: h.logger, group: h.group + name + "."}
}

// appendAttr flattens groups into dotted names.
func appendAttr(args []any, prefix string, a slog.Attr) []any {
	value := a.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		if a.Key == "" && value.Equal(slog.Value{}) {
			return args
		}
		return append(args, prefix+a.Key, logValue(value))
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, inner := range value.Group() {
		args = appendAttr(args, prefix, inner)
	}
	return args
}

// logValue returns a value that JSON can carry. For any other, hclog would drop the
// whole line.
func logValue(v slog.Value) any {
	switch v.Kind() {
	case slog.KindString, slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindTime:
		return v.Any()
	case slog.KindAny:
		return anyValue(v.Any())
	default: // a duration reads better as text, and a float may be NaN
		return v.String()
	}
}

func anyValue(value any) any {
	if err, ok := value.(error); ok {
		return fmt.Sprint(err) // unlike err.Error(), does not panic on a nil pointer
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("a %T that cannot be logged: %v", value, err)
	}
	return json.RawMessage(data)
}

func hclogLevel(level slog.Level) hclog.Level {
	switch {
	case level >= slog.LevelError:
		return hclog.Error
	case level >= slog.LevelWarn:
		return hclog.Warn
	case level >= slog.LevelInfo:
		return hclog.Info
	default:
		return hclog.Debug
	}
}
