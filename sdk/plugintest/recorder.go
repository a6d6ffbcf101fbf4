package plugintest

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// maxRecorded bounds each recorded text, in bytes.
const maxRecorded = 1 << 20

// Log keeps what is written to it, up to 1 MiB. It is safe for concurrent use.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write never fails.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() < maxRecorded {
		l.buf.Write(p)
	}
	return len(p), nil
}

// String returns what was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Recorder is a transport that keeps the bodies of all responses, so that a test can
// check that a secret in one of them does not appear elsewhere.
type Recorder struct {
	// Next sends the requests.
	Next http.RoundTripper

	mu     sync.Mutex
	bodies []*Log
}

// RoundTrip sends a request, and records the response while it is read.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.Next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body := &Log{}
	r.mu.Lock()
	r.bodies = append(r.bodies, body)
	r.mu.Unlock()
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(resp.Body, body), resp.Body}
	return resp, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections work.
func (r *Recorder) CloseIdleConnections() {
	if next, ok := r.Next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// Bodies returns what was read of each response so far, in order.
func (r *Recorder) Bodies() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	texts := make([]string, len(r.bodies))
	for i, body := range r.bodies {
		texts[i] = body.String()
	}
	return texts
}
