package directory

import (
	"errors"

	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/outbound"
)

// proxyServerError is a failure of a server that was asked for through a proxy, in the words
// of that.
type proxyServerError struct{ *outbound.ProxyError }

func (e proxyServerError) Unwrap() []error { return []error{errServer, e.ProxyError} }

// ProxyFailure is the error of the proxy in the tree of err, if no server can be
// reached through it. It is nil if there is none, and if it is about one server.
func ProxyFailure(err error) error {
	if e, ok := errors.AsType[*outbound.ProxyError](err); ok && !e.OfTarget {
		return e
	}
	return nil
}

// skipBehindProxy leaves out the servers behind a proxy that lets nothing through: they have
// failed with it, once for all that was under way: hung is what they said when it
// began. Servers on this machine need no proxy, as package outbound has it.
func (d *Directory) skipBehindProxy(servers []*Server, counts map[*Server]int) (left []*Server) {
	for _, s := range servers {
		if s.network == "unix" || contract.IsLoopback(s.host) {
			left = append(left, s)
			continue
		}
		s.failed(d.now(), counts[s])
	}
	return left
}

// warn tells of a failure. That of the proxy is told for all servers together, by
// whoever meets it.
func (d *Directory) warn(s *Server, err error) {
	if proxy := ProxyFailure(err); proxy != nil {
		d.logger.Warn("the proxy before the directory failed", "error", proxy)
		return
	}
	d.logger.Warn("a directory server failed", "server", s.String(), "error", err)
}
