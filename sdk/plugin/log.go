package plugin

import (
	"context"
	"log/slog"
	"os"

	hclog "github.com/hashicorp/go-hclog"
)

// logger writes JSON lines with hclog's keys to stderr, which is where the
// host reads the log of a plugin. The host decides what is shown.
func (environment) logger() *slog.Logger {
	return slog.New(&logHandler{logger: stderrLogger})
}

var stderrLogger = hclog.New(&hclog.LoggerOptions{JSONFormat: true, Output: os.Stderr, Level: hclog.Debug})

// logHandler lets authors use log/slog while the wire carries hclog.
type logHandler struct {
	logger hclog.Logger
	group  string // prefix of attribute names
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelDebug }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	args := make([]any, 0, 2*r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		args = h.appendAttr(args, h.group, a)
		return true
	})
	h.logger.Log(hclogLevel(r.Level), r.Message, args...)
	return nil
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var args []any
	for _, a := range attrs {
		args = h.appendAttr(args, h.group, a)
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
func (h *logHandler) appendAttr(args []any, prefix string, a slog.Attr) []any {
	value := a.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		return append(args, prefix+a.Key, logValue(value))
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, inner := range value.Group() {
		args = h.appendAttr(args, prefix, inner)
	}
	return args
}

func logValue(v slog.Value) any {
	if err, ok := v.Any().(error); ok {
		return err.Error()
	}
	return v.Any()
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
