package web_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	hclog "github.com/hashicorp/go-hclog"
)

// exhausted is a listener of a process that has no file descriptors left for a while.
type exhausted struct {
	net.Listener
	mu   sync.Mutex
	left int
}

func (e *exhausted) Accept() (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left > 0 {
		e.left--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return e.Listener.Accept()
}

// It is logged at the default level that connections cannot be accepted, but not in every
// line; mistakes of clients are not.
func TestAcceptErrorsAreTold(t *testing.T) {
	s := newSite(t, "")
	s.logger.SetLevel(hclog.Info)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		stopped <- s.server.Serve(ctx, context.WithoutCancel(ctx), &exhausted{Listener: listener, left: 7})
	}()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("\x16\x03\x01 not HTTP\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 1)
	_, _ = conn.Read(buffer) // answered, hence logged
	conn.Close()
	resp, err := http.Get("http://" + listener.Addr().String() + "/server/ping")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	stop()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
	if len(lines) != 5 {
		t.Errorf("%d lines: %s", len(lines), s.log)
	}
	for _, line := range lines {
		if !strings.Contains(line, `"@level":"error"`) || !strings.Contains(line, "too many open files") {
			t.Errorf("line %s", line)
		}
	}
}
