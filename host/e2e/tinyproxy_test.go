package e2e

import (
	"fmt"
	"os/exec"
	"testing"
)

const tinyproxyConfig = `
Listen %[2]s
Port %[3]d
Bind %[4]s
Timeout 600
MaxClients 100
LogFile "%[1]s/access.log"
LogLevel Connect
PidFile "%[1]s/tinyproxy.pid"
`

// startTinyproxy runs Tinyproxy until the test ends. It accepts only letters, digits, dots,
// dashes and underscores in a password.
func startTinyproxy(t testing.TB, spec proxySpec) *proxy {
	t.Helper()
	program := needProgram(t, "Tinyproxy", "tinyproxy", "tinyproxy", "/usr/sbin/tinyproxy")
	spec.Scheme = "http"
	prepare := func(p *proxy) {
		config := fmt.Sprintf(tinyproxyConfig, p.dir, p.host, p.port, proxyLeavesFrom)
		for _, port := range p.spec.Ports {
			config += fmt.Sprintln("ConnectPort", port)
		}
		if p.spec.User != "" {
			config += fmt.Sprintln("BasicAuth", p.spec.User, p.spec.Password)
		}
		p.write("tinyproxy.conf", config)
	}
	p := startProxy(t, spec, prepare, func(p *proxy) *exec.Cmd {
		return p.withHosts(program, "-d", "-c", p.file("tinyproxy.conf"))
	})
	p.trace = func(to *firewall) []string { return []string{"CONNECT " + to.Address()} }
	return p
}
