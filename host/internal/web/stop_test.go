package web_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// served is a site on a listener of its own, and how to end it.
type served struct {
	*site
	address       string
	stopListening context.CancelFunc
	giveUp        context.CancelFunc
	stopped       chan error
}

func serve(t *testing.T, waits ...time.Duration) *served {
	t.Helper()
	s := newSite(t, "")
	for _, most := range waits {
		s.server.WaitForRequests(most)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &served{site: s, address: listener.Addr().String(), stopped: make(chan error, 1)}
	listening, stopListening := context.WithCancel(t.Context())
	underWay, giveUp := context.WithCancel(t.Context())
	r.stopListening, r.giveUp = stopListening, giveUp
	go func() { r.stopped <- s.server.Serve(listening, underWay, listener) }()
	s.URL = "http://" + r.address
	return r
}

func (s *served) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// accepted returns when the server has accepted all connections that were made before.
// It leaves none behind.
func (s *served) accepted(t *testing.T) {
	t.Helper()
	conn := s.dial(t)
	if _, err := io.WriteString(conn, "GET /server/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(got), "pong") {
		t.Fatalf("ping: %s %v", got, err)
	}
}

// refusing returns when the server does not listen any more.
func (s *served) refusing(t *testing.T) {
	t.Helper()
	for {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
		if err != nil {
			return
		}
		conn.Close()
	}
}

// A host that is about to end says so, and goes on. It keeps no connection open on
// which a proxy could send the next request too late.
func TestNotReady(t *testing.T) {
	s := newSite(t, "")
	s.server.NotReady()
	a := s.browser(t).get("/server/health")
	if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, `"stopping"`) || a.Header.Get("Content-Type") != "application/health+json" {
		t.Errorf("health: %s %s", a.Status, a.body)
	}
	if a := s.browser(t).get("/server/ping"); a.StatusCode != http.StatusOK || !a.Close {
		t.Errorf("ping: %s, closes the connection: %t", a.Status, a.Close)
	}
	if a := s.browser(t).signIn("op", "ada"); a.StatusCode != http.StatusOK && a.StatusCode/100 != 3 {
		t.Errorf("a login: %s %s", a.Status, a.body)
	}
}

func TestReadyKeepsConnections(t *testing.T) {
	if a := newSite(t, "").browser(t).get("/server/ping"); a.Close {
		t.Error("the connection is closed")
	}
}

// TestStopDoesNotWaitForUnusedConnections: net/http waits five seconds for a
// connection on which nothing was asked, and browsers open some in advance.
func TestStopDoesNotWaitForUnusedConnections(t *testing.T) {
	s := serve(t)
	s.dial(t)
	s.accepted(t)
	begun := time.Now()
	s.stopListening()
	if err := <-s.stopped; err != nil || time.Since(begun) > 4500*time.Millisecond {
		t.Errorf("stopped after %v: %v", time.Since(begun), err)
	}
}

// A proxy connects and then sends its request: the end of the listening may come in
// between, and the request is answered.
func TestRequestOnTheWayAtTheEndOfListening(t *testing.T) {
	s := serve(t, time.Minute)
	conns := make([]net.Conn, 20)
	for i := range conns {
		conns[i] = s.dial(t)
	}
	s.accepted(t)
	s.stopListening()
	s.refusing(t)
	for _, conn := range conns {
		if _, err := io.WriteString(conn, "GET /server/ping HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	for _, conn := range conns {
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !resp.Close {
			t.Errorf("%s, closes the connection: %t", resp.Status, resp.Close)
		}
	}
	if err := <-s.stopped; err != nil {
		t.Error(err)
	}
}

// A request that is under way is answered after the end of the listening, unless that
// is given up.
func TestRequestUnderWayAtTheEnd(t *testing.T) {
	const body = `{"mode":"json"}`
	half := func(s *served) net.Conn {
		conn := s.dial(t)
		if _, err := fmt.Fprintf(conn, "POST /auth/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			len(body), body[:4]); err != nil {
			t.Fatal(err)
		}
		s.accepted(t)
		s.stopListening()
		s.refusing(t)
		return conn
	}
	t.Run("answered", func(t *testing.T) {
		s := serve(t)
		conn := half(s)
		if _, err := io.WriteString(conn, body[4:]); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if err := <-s.stopped; err != nil || resp.StatusCode/100 != 4 {
			t.Errorf("answered %s, stopped: %v", resp.Status, err)
		}
	})
	t.Run("given up", func(t *testing.T) {
		s := serve(t)
		conn := half(s)
		s.giveUp()
		if got, err := io.ReadAll(conn); len(got) > 0 {
			t.Errorf("there is an answer: %s %v", got, err)
		}
		if err := <-s.stopped; err != nil {
			t.Error(err)
		}
	})
}
