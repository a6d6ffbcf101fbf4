package directory

import (
	"errors"

	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/outbound"
)

// proxyServerError is a failure of one server that the proxy reports.
type proxyServerError struct{ *outbound.ProxyError }

func (e proxyServerError) Unwrap() []error { return []error{errServer, e.ProxyError} }

// ProxyFailure returns the error of the proxy in err if the proxy cannot be used for any
// server. It is nil for other errors, and for an error that concerns one server only.
func ProxyFailure(err error) error {
	if e, ok := errors.AsType[*outbound.ProxyError](err); ok && !e.OfTarget {
		return e
	}
	return nil
}

// skipBehindProxy omits the servers behind a proxy that has failed, and counts one failure
// for each. counts are their failure counts from when the operation began. Servers on this
// machine do not use the proxy.
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

// warn logs a failure. A failure of the proxy is logged once for all servers.
func (d *Directory) warn(s *Server, err error) {
	if proxy := ProxyFailure(err); proxy != nil {
		d.logger.Warn("the proxy in front of the directory failed", "error", proxy)
		return
	}
	d.logger.Warn("a directory server failed", "server", s.String(), "error", err)
}
