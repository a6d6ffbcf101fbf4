package e2e

import (
	"fmt"
	"os/exec"
	"strconv"
	"testing"
)

const danteConfig = `
logoutput: stderr
internal: %[1]s port = %[2]d
external: %[3]s
clientmethod: none
socksmethod: none
client pass {
	from: 0.0.0.0/0 to: 0.0.0.0/0
}
socks pass {
	from: 0.0.0.0/0 to: 0.0.0.0/0
	command: connect
	log: connect error
}
`

// startDante runs the SOCKS server Dante until the test ends. The scheme determines who
// resolves names.
func startDante(t testing.TB, spec proxySpec) *proxy {
	t.Helper()
	program := needProgram(t, "Dante", "dante-server", "danted", "/usr/sbin/danted")
	spec.Host = "127.0.0.1" // it accepts only addresses of interfaces
	prepare := func(p *proxy) {
		p.write("danted.conf", fmt.Sprintf(danteConfig, p.host, p.port, proxyLeavesFrom))
	}
	p := startProxy(t, spec, prepare, func(p *proxy) *exec.Cmd {
		return p.withHosts(program, "-f", p.file("danted.conf"), "-p", p.file("danted.pid"))
	})
	p.trace = func(to *firewall) []string {
		return []string{"pass(1): tcp/connect", fmt.Sprintf(" 127.0.0.1.%d\n", to.Port)}
	}
	return p
}

// startMicrosocks runs the SOCKS server Microsocks until the test ends.
func startMicrosocks(t testing.TB, spec proxySpec) *proxy {
	t.Helper()
	program := needProgram(t, "Microsocks", "microsocks", "microsocks", "/usr/bin/microsocks")
	p := startProxy(t, spec, func(*proxy) {}, func(p *proxy) *exec.Cmd {
		args := []string{"-i", p.host, "-p", strconv.Itoa(p.port), "-b", proxyLeavesFrom}
		if p.spec.User != "" {
			args = append(args, "-u", p.spec.User, "-P", p.spec.Password)
		}
		return p.withHosts(program, args...)
	})
	p.trace = func(to *firewall) []string {
		name := to.Name
		if spec.Scheme == "socks5" {
			name = "127.0.0.1"
		}
		return []string{fmt.Sprintf("connected to %s:%d\n", name, to.Port)}
	}
	return p
}
