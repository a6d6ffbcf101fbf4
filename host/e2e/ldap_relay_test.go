package e2e

import (
	"io"
	"maps"
	"net"
	"sync"
	"testing"
)

// relayMode says what a relay does with connections.
type relayMode int

const (
	relayPasses  relayMode = iota
	relaySilent            // accepts connections and data, and never answers
	relayRefuses           // closes all connections, new ones at once
)

// relay stands in front of a server and can act like a broken one. A change of its
// mode also affects open connections.
type relay struct {
	Address string

	target   string
	listener net.Listener
	group    sync.WaitGroup

	mu       sync.Mutex
	mode     relayMode
	conns    map[net.Conn]bool
	accepted int
	// forgotten are connections over which nothing passes any more.
	forgotten map[net.Conn]bool
	// after, if positive, is the number of bytes of answers that still pass before the
	// relay changes to next.
	after int
	next  relayMode
}

// startRelay runs a relay in front of the address until the test ends.
func startRelay(t testing.TB, target string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Address: listener.Addr().String(), target: target, listener: listener, conns: map[net.Conn]bool{}}
	r.group.Go(r.accept)
	t.Cleanup(func() {
		listener.Close()
		r.set(relayRefuses)
		r.group.Wait()
	})
	return r
}

// set changes the mode.
func (r *relay) set(mode relayMode) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after = 0
	r.change(mode)
}

// forget silently drops the open connections, as a firewall does. New ones pass.
func (r *relay) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgotten = maps.Clone(r.conns)
}

// breakAfter lets this number of bytes of answers pass and then changes the mode.
func (r *relay) breakAfter(bytes int, mode relayMode) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after, r.next = bytes, mode
}

// connections is the number of connections accepted so far.
func (r *relay) connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accepted
}

// change needs the lock.
func (r *relay) change(mode relayMode) {
	r.mode = mode
	if mode == relayRefuses {
		for conn := range r.conns {
			conn.Close()
		}
	}
}

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		if !r.keep(client, true) {
			client.Close()
			continue
		}
		r.group.Go(func() { r.serve(client) })
	}
}

// keep remembers a connection, unless the relay refuses connections.
func (r *relay) keep(conn net.Conn, counts bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if counts {
		r.accepted++
	}
	if r.mode == relayRefuses {
		return false
	}
	r.conns[conn] = true
	return true
}

func (r *relay) drop(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
	conn.Close()
}

func (r *relay) serve(client net.Conn) {
	defer r.drop(client)
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer r.drop(server)
	if !r.keep(server, false) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { r.copy(server, client, false) })
	both.Go(func() { r.copy(client, server, true) })
	both.Wait()
}

// copy runs until either end closes, so its error says nothing more.
func (r *relay) copy(to, from net.Conn, answers bool) {
	defer to.Close()
	_, _ = io.Copy(gate{r, to, answers}, from)
}

// gate passes on data if the mode allows it.
type gate struct {
	relay   *relay
	to      net.Conn
	answers bool
}

func (g gate) Write(b []byte) (int, error) {
	if !g.relay.passes(g.to, len(b), g.answers) {
		return len(b), nil // as if it were on its way
	}
	return g.to.Write(b)
}

func (r *relay) passes(to net.Conn, n int, answers bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if answers && r.after > 0 {
		if r.after -= n; r.after <= 0 {
			r.after = 0
			r.change(r.next)
		}
	}
	return r.mode == relayPasses && !r.forgotten[to]
}
