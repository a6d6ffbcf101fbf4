package outbound

import (
	"fmt"
	"net"

	"github.com/doorward/doorward/sdk/contract"
)

// Choice is the proxy of a connection, and why it was chosen.
type Choice struct {
	Proxy *Proxy // nil: a direct connection
	Why   string // the setting that decided, in words: "NO_PROXY has .example.org"
}

// ForRequest chooses for an https request to host:port.
func (d *Dialer) ForRequest(address string) Choice {
	if d.own.decided {
		return d.own.Choice
	}
	return d.rules(address)
}

// ForConnection chooses for any other connection to host:port.
func (d *Dialer) ForConnection(network, address string) Choice {
	host, port, err := net.SplitHostPort(address)
	switch {
	case err != nil || !isTCP(network):
		return Choice{Why: "only TCP goes through a proxy"}
	case port == portDNS:
		return Choice{Why: "connections to DNS servers are direct"}
	case d.own.decided && d.own.Proxy != nil && contract.IsLoopback(host):
		// Mechanisms send passwords to loopback without TLS, and for a proxy this
		// address is another machine.
		return Choice{Why: d.names(KeyProxy) + " does not apply to loopback, which would be the proxy's own"}
	case d.own.decided:
		return d.own.Choice
	}
	return Choice{Why: fmt.Sprintf("only %s applies to connections that are not HTTP", d.names(KeyProxy))}
}

const portDNS = "53"

func isTCP(network string) bool { return network == "tcp" || network == "tcp4" || network == "tcp6" }

// ownChoice is the choice of the provider's own setting, if there is one.
type ownChoice struct {
	Choice
	decided bool
}

// rules chooses for an https request to host:port.
type rules func(address string) Choice

func noRules(string) Choice { return Choice{Why: "no proxy is set"} }
