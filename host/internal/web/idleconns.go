package web

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// lateRequestWait is how long connections without a request are kept after listening has
// ended: a connection that was accepted at the last moment has its request on the way, and
// http.Server.Shutdown drops what it has not read by then.
const lateRequestWait = 250 * time.Millisecond

// idleConns are the connections that have no request at the moment.
type idleConns struct {
	mu    sync.Mutex
	conns map[net.Conn]http.ConnState
}

// watch is the ConnState of an http.Server.
func (i *idleConns) watch(conn net.Conn, state http.ConnState) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if state == http.StateNew || state == http.StateIdle {
		i.conns[conn] = state
		return
	}
	delete(i.conns, conn)
}

// wait returns when no such connection is left, after most, or when ctx is done.
func (i *idleConns) wait(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	look := time.NewTicker(lateRequestWait / 50)
	defer look.Stop()
	for i.some() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

func (i *idleConns) some() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.conns) > 0
}

// closeNew closes the connections that never had a request. Browsers open some in advance,
// and http.Server.Shutdown waits five seconds for each.
func (i *idleConns) closeNew() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for conn, state := range i.conns {
		if state == http.StateNew {
			_ = conn.Close()
		}
	}
}
