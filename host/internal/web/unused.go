package web

import (
	"net"
	"net/http"
	"sync"
)

// unusedConns are connections on which no request has come yet. Browsers open
// them in advance, and http.Server.Shutdown waits five seconds for each.
type unusedConns struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// watch is the ConnState of an http.Server.
func (u *unusedConns) watch(conn net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.conns[conn] = struct{}{}
		return
	}
	delete(u.conns, conn)
}

func (u *unusedConns) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for conn := range u.conns {
		_ = conn.Close()
	}
}
