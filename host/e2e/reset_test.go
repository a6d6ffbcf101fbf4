package e2e

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A host that ends can leave connections that it never accepted: the system has accepted
// them for it, and resets them. HAProxy, as docs/production.md configures it, repeats
// their requests, even a POST.
func TestHAProxyRepeatsWhatNobodyRead(t *testing.T) {
	b := newPlace(t)
	listen := func() net.Listener {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", b.host())
		if err != nil {
			t.Fatal(err)
		}
		return listener
	}
	answering := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Method+" "+string(body))
	})
	serve := func() *http.Server {
		server := &http.Server{Handler: answering, ReadHeaderTimeout: time.Minute}
		listener := listen()
		go func() { _ = server.Serve(listener) }() // until Close
		return server
	}
	server := serve()
	b.start(t, "HAProxy")
	client := &http.Client{Transport: b.unrepeating(t)}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		broken := listen()
		reset := make(chan struct{})
		go func() { // ends with the first connection with a request other than a health check
			defer close(reset)
			for resetOne(broken) {
			}
		}()
		req, err := http.NewRequestWithContext(t.Context(), method, b.public()+"/auth/login", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		answered := make(chan string, 1)
		go func() {
			resp, err := client.Do(req)
			if err != nil {
				answered <- err.Error()
				return
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			answered <- resp.Status + " " + string(body)
		}()
		<-reset
		broken.Close()
		server = serve()
		if got, want := <-answered, "200 OK "+method+" body"; got != want {
			t.Errorf("%s: answered %q, want %q", method, got, want)
		}
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}

// resetOne resets a connection, and reports whether it was a health check.
func resetOne(listener net.Listener) bool {
	conn, err := listener.Accept()
	if err != nil {
		return false
	}
	defer conn.Close()
	first := make([]byte, 512)
	n, _ := conn.Read(first)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return strings.Contains(string(first[:n]), "/server/health")
}
