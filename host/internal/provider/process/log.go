package process

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/sdk/redact"
)

// Limits of what a plugin may write to the log.
const (
	maxLine      = 16 << 10 // bytes; the rest of a longer line is dropped
	maxLines     = 200      // per second
	maxAttrs     = 32
	maxAttrName  = 64
	maxAttrValue = 4 << 10
	maxTailLine  = 256
	keptLines    = 8
)

// logReader reads the stderr of a plugin: lines of JSON with hclog's keys, or plain text
// such as the stack trace of a crash. It never fails. Its output is printable, and
// bounded in size and rate.
type logReader struct {
	logger  hclog.Logger
	now     func() time.Time
	onDrop  func(lines int)
	secrets redact.Set

	mu      sync.Mutex
	line    []byte
	last    []string // plain lines, for the report of a death
	crashed bool     // the first line of last is the first of a crash

	second         time.Time
	lines, dropped int  // since then
	warned         bool // about a flood that continues
}

func newLogReader(logger hclog.Logger, now func() time.Time, onDrop func(lines int)) *logReader {
	return &logReader{logger: logger, now: now, onDrop: onDrop}
}

// clean makes a text of the plugin fit for the log.
func (r *logReader) clean(text string) string {
	return printable(r.secrets.Text(text))
}

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
	admitted := r.admit()
	if line[0] != '{' {
		r.plain(line, admitted)
		return
	}
	if !admitted {
		return
	}
	var entry map[string]any
	if json.Unmarshal(line, &entry) != nil {
		r.plain(line, true)
		return
	}
	message, _ := entry["@message"].(string)
	level, _ := entry["@level"].(string)
	r.logger.Log(levelOf(level), r.clean(message), r.attributes(entry)...)
}

// admit keeps a plugin that writes without end from filling the disk. It warns at the
// beginning of a flood, because there may be no line after it.
func (r *logReader) admit() bool {
	if now := r.now(); now.Sub(r.second) >= time.Second {
		if r.dropped > 0 {
			r.logger.Info("log lines of the plugin were dropped", "dropped", r.dropped)
		}
		r.warned = r.dropped > 0 && now.Sub(r.second) < 2*time.Second
		r.second, r.lines, r.dropped = now, 0, 0
	}
	if r.lines == maxLines {
		r.drop()
		return false
	}
	r.lines++
	return true
}

func (r *logReader) drop() {
	if !r.warned {
		r.logger.Warn("plugin writes too many log lines, some are dropped", "lines_a_second", maxLines)
		r.warned = true
	}
	r.dropped++
	if r.onDrop != nil {
		r.onDrop(1)
	}
}

func (r *logReader) plain(line []byte, admitted bool) {
	text := r.clean(string(line))
	r.keep(text)
	if admitted {
		r.logger.Debug(text)
	}
}

// keep stores the last lines; of a crash, the first lines, which say what happened.
func (r *logReader) keep(text string) {
	if crash := strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: "); crash && !r.crashed {
		r.crashed, r.last = true, nil
	}
	if r.crashed && len(r.last) == keptLines {
		return
	}
	r.last = append(r.last, bounded(text, maxTailLine))
	r.last = r.last[max(0, len(r.last)-keptLines):]
}

// tail returns the last plain lines.
func (r *logReader) tail() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.last)
}

// levelOf reads a level. An unknown level counts as debug.
func levelOf(name string) hclog.Level {
	switch level := hclog.LevelFromString(name); level {
	case hclog.Debug, hclog.Info, hclog.Warn, hclog.Error:
		return level
	default:
		return hclog.Debug
	}
}

func (r *logReader) attributes(entry map[string]any) []any {
	var args []any
	for _, name := range slices.Sorted(maps.Keys(entry)) {
		if strings.HasPrefix(name, "@") || len(args) >= 2*maxAttrs {
			continue
		}
		text, ok := entry[name].(string)
		if !ok {
			encoded, err := json.Marshal(entry[name])
			if err != nil {
				continue
			}
			text = string(encoded)
		}
		args = append(args, attributeName(name), bounded(r.clean(text), maxAttrValue))
	}
	return args
}

// attributeName replaces characters with which a name could look like a value or
// another attribute: hclog quotes values only.
func attributeName(name string) string {
	return strings.Map(func(c rune) rune {
		if c == '_' || c == '-' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			return c
		}
		return '_'
	}, name[:min(len(name), maxAttrName)])
}

func bounded(text string, size int) string {
	if len(text) <= size {
		return text
	}
	return strings.ToValidUTF8(text[:size], "")
}

// printable replaces characters that could forge a line or move a terminal's cursor.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c == '\t' || unicode.IsPrint(c) {
			return c
		}
		return '\uFFFD'
	}, strings.ToValidUTF8(text, "\uFFFD"))
}
