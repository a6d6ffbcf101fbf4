package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Listen listens on TCP. Host and port are the settings that say where, which may be
// one; an error says what to do about them.
func Listen(ctx context.Context, address, host, port string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w; %s", address, err, bindAdvice(err, host, port))
	}
	return listener, nil
}

func bindAdvice(err error, host, port string) string {
	both := host
	if port != host {
		both += " and " + port
	}
	_, unknown := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "stop what listens there, or change " + both
	case errors.Is(err, syscall.EACCES):
		return "only the system's administrator may listen on such a port: change " + port + " to one from 1024 on, or give the process the capability CAP_NET_BIND_SERVICE"
	case errors.Is(err, syscall.EADDRNOTAVAIL), unknown:
		return "no address of this machine is that: change " + host + " to one that is, or to 0.0.0.0 for all of them"
	}
	return "change " + both
}
