package pgtest

import (
	"bytes"
	"net"
	"strconv"
	"sync"
)

// Fault is what a Relay does to a connection.
type Fault int

// The faults. The last two happen once, to the next connection that commits.
const (
	Passes         Fault = iota // nothing
	Stalls                      // nothing passes in either direction, and neither end notices
	LosesCommit                 // the connection is lost before COMMIT reaches the server
	LosesCommitted              // ... and after the server has answered it
)

// Relay sits between a client and a server, like a failing network.
type Relay struct {
	Host string // 127.0.0.1
	Port int

	server   string
	listener net.Listener
	done     sync.WaitGroup

	mu     sync.Mutex
	pass   *sync.Cond
	fault  Fault
	closed bool
	open   map[net.Conn]struct{}
}

// StartRelay starts a relay to a server.
func StartRelay(host string, port int) (*Relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Relay{
		Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port,
		server: net.JoinHostPort(host, strconv.Itoa(port)), listener: listener, open: map[net.Conn]struct{}{},
	}
	r.pass = sync.NewCond(&r.mu)
	r.done.Go(r.accept) // ends with Close, like everything it starts
	return r, nil
}

// Set sets what the relay does from now on.
func (r *Relay) Set(f Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
	r.pass.Broadcast()
}

// Close cuts all connections.
func (r *Relay) Close() {
	r.mu.Lock()
	r.closed = true
	r.listener.Close()
	for c := range r.open {
		c.Close()
	}
	r.pass.Broadcast()
	r.mu.Unlock()
	r.done.Wait()
}

func (r *Relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.server) //nolint:noctx // loopback
		if err != nil {
			client.Close()
			continue
		}
		r.mu.Lock()
		r.open[client], r.open[server] = struct{}{}, struct{}{}
		if r.closed {
			client.Close()
			server.Close()
		}
		r.mu.Unlock()
		committed := make(chan struct{})
		r.done.Go(func() { r.carry(client, server, func(sent []byte) bool { return r.mayGo(sent, committed) }) })
		r.done.Go(func() { r.carry(server, client, func([]byte) bool { return !isClosed(committed) }) })
	}
}

// carry copies until one end is closed, or until mayGo holds back what was read.
func (r *Relay) carry(from, to net.Conn, mayGo func(sent []byte) bool) {
	defer func() {
		from.Close()
		to.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.open, from)
	}()
	for buffer := make([]byte, 64<<10); ; {
		n, err := from.Read(buffer)
		r.waitWhileStalled()
		if err != nil || !mayGo(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (r *Relay) waitWhileStalled() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.fault == Stalls && !r.closed {
		r.pass.Wait()
	}
}

// mayGo looks for the COMMIT that is to be lost. If the COMMIT is to reach the server, it
// closes committed, and the answer does not pass.
func (r *Relay) mayGo(sent []byte, committed chan struct{}) bool {
	if !bytes.Contains(sent, []byte("COMMIT\x00")) {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.fault {
	case LosesCommit:
		r.fault = Passes
		return false
	case LosesCommitted:
		r.fault = Passes
		close(committed)
	}
	return true
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
