package config

import (
	"net"
	"strconv"

	"github.com/doorward/doorward/sdk/contract"
)

// checkAddress checks the address of a listener other than the public one; ok is false if
// there is none, or it has a problem.
func (g *optionGroup) checkAddress(option, address, example string) (host string, port int, ok bool) {
	if address == "" || !g.ok(option) {
		return "", 0, false
	}
	host, text, err := net.SplitHostPort(address)
	port, portErr := strconv.Atoi(text)
	if err != nil || host == "" || portErr != nil || port < 0 || port > 65535 {
		g.refuse(option, "must be a host and a port, such as %s", example)
		return "", 0, false
	}
	return host, port, true
}

// adminAddress refuses to serve the administration on the public port, or where keys can
// be read on the network.
func (g *optionGroup) adminAddress(s Settings) {
	const option, example = "admin_address", "127.0.0.1:8057"
	host, port, ok := g.checkAddress(option, s.AdminAddress, example)
	switch {
	case !ok:
	case port == s.Port && port != 0:
		g.refuse(option, "must have a different port from %s, which is public; write %s", g.spell("port"), example)
	case !contract.IsLoopback(host) && !s.AdminInsecureBeyondLoopback:
		g.refuse(option, "must be on loopback, such as %s: it uses http, and other machines would send keys as plain text. "+
			"Put a proxy with TLS in front of it; if the proxy is on another machine, or nobody else uses the network between them, set %s to true",
			example, g.spell("admin_insecure_beyond_loopback"))
	}
}
