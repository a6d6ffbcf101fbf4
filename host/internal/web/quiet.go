package web

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// requestComes is how long after the end of listening connections are kept on which
// nothing is asked: one that was accepted at the last moment has its request on the
// way, and http.Server.Shutdown drops what it has not read by then.
const requestComes = 250 * time.Millisecond

// quietConns are connections on which nothing is asked now.
type quietConns struct {
	mu    sync.Mutex
	conns map[net.Conn]http.ConnState
}

// watch is the ConnState of an http.Server.
func (q *quietConns) watch(conn net.Conn, state http.ConnState) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if state == http.StateNew || state == http.StateIdle {
		q.conns[conn] = state
		return
	}
	delete(q.conns, conn)
}

// wait returns when there is none left, or after so long, or when ctx is done.
func (q *quietConns) wait(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	look := time.NewTicker(requestComes / 50)
	defer look.Stop()
	for q.some() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

func (q *quietConns) some() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.conns) > 0
}

// closeUnused closes those on which nothing was asked at all. Browsers open some in
// advance, and http.Server.Shutdown waits five seconds for each.
func (q *quietConns) closeUnused() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for conn, state := range q.conns {
		if state == http.StateNew {
			_ = conn.Close()
		}
	}
}
