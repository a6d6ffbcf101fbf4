package plugintest

import (
	"bytes"
	"io"
	"sync"
	"testing"
)

// output passes the log of a plugin to the output of a test. After the test has ended it
// discards the log, because testing would panic.
type output struct {
	mu    sync.Mutex
	to    io.Writer
	ended bool
}

func outputOf(t testing.TB) *output {
	o := &output{to: t.Output()}
	t.Cleanup(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.ended = true
	})
	return o
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return len(p), nil
	}
	return o.to.Write(p)
}

// recording keeps the log of a plugin, for checks.
type recording struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *recording) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *recording) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
