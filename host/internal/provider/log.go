package provider

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"unicode"

	hclog "github.com/hashicorp/go-hclog"
)

// Limits of what a plugin may write to the log.
const (
	maxLine      = 16 << 10 // bytes; the rest of a longer line is dropped
	maxAttrs     = 32
	maxAttrValue = 4 << 10
	keptLines    = 8
)

// logReader reads the stderr of a plugin: lines of JSON with hclog's keys, or
// plain text such as the trace of a crash. It never fails and never blocks the
// plugin, and what it passes on is bounded and printable.
type logReader struct {
	logger hclog.Logger

	mu   sync.Mutex
	line []byte
	last []string // plain lines, for the report of a failed start
}

func newLogReader(logger hclog.Logger) *logReader { return &logReader{logger: logger} }

// Write implements io.Writer.
func (r *logReader) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rest := p
	for {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		r.line = append(r.line, line[:min(len(line), maxLine-len(r.line))]...)
		if !found {
			return len(p), nil
		}
		if len(r.line) > 0 {
			r.emit(r.line)
		}
		r.line, rest = r.line[:0], after
	}
}

func (r *logReader) emit(line []byte) {
	var entry map[string]any
	if json.Unmarshal(line, &entry) != nil {
		text := printable(string(line))
		r.last = append(r.last, text)
		r.last = r.last[max(0, len(r.last)-keptLines):]
		r.logger.Debug(text)
		return
	}
	message, _ := entry["@message"].(string)
	level, _ := entry["@level"].(string)
	r.logger.Log(levelOf(level), printable(message), attributes(entry)...)
}

// levelOf reads a level; an odd one counts as debug.
func levelOf(name string) hclog.Level {
	switch level := hclog.LevelFromString(name); level {
	case hclog.Debug, hclog.Info, hclog.Warn, hclog.Error:
		return level
	default:
		return hclog.Debug
	}
}

func attributes(entry map[string]any) []any {
	var args []any
	for name, value := range entry {
		if strings.HasPrefix(name, "@") || len(args) >= 2*maxAttrs {
			continue
		}
		text, ok := value.(string)
		if !ok {
			encoded, err := json.Marshal(value)
			if err != nil {
				continue
			}
			text = string(encoded)
		}
		args = append(args, printable(name), printable(text[:min(len(text), maxAttrValue)]))
	}
	return args
}

// printable replaces what could forge a line or move a terminal's cursor.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c == '\t' || unicode.IsPrint(c) {
			return c
		}
		return '\uFFFD'
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// tail returns the last plain lines, for an error message.
func (r *logReader) tail() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.last) == 0 {
		return ""
	}
	return "; its last words: " + strings.Join(r.last, " | ")
}
