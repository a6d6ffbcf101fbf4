package e2e

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// squidConfig follows Debian's where it matters: CONNECT is allowed only to the listed
// ports.
const squidConfig = `
%[2]s %[3]s %[4]s
pid_filename %[1]s/squid.pid
hosts_file %[1]s/hosts
access_log stdio:%[1]s/access.log
cache_log %[1]s/cache.log
cache_store_log none
netdb_filename none
coredump_dir %[1]s
mime_table /usr/share/squid/mime.conf
icon_directory /usr/share/squid/icons
visible_hostname squid.corp.example
pinger_enable off
cache deny all
cache_mem 1 MB
memory_pools off
max_filedescriptors 1024
tcp_outgoing_address %[5]s
acl Safe_ports port%[6]s
acl SSL_ports port%[6]s
acl CONNECT method CONNECT
%[8]s
http_access deny !Safe_ports
http_access deny CONNECT !SSL_ports
%[7]s
http_access deny all
`

const squidAuth = `
auth_param basic program /usr/lib/squid/basic_ncsa_auth %s/passwd
auth_param basic children 2 startup=1 idle=1
auth_param basic realm proxy of the tests
acl known proxy_auth REQUIRED
http_access allow known`

// startSquid runs Squid until the test ends.
func startSquid(t testing.TB, spec proxySpec) *proxy {
	t.Helper()
	program := needProgram(t, "Squid", "squid", "squid", "/usr/sbin/squid")
	listen, pair := "http_port", ""
	if spec.Scheme = "http"; spec.Certificate != (keyPair{}) {
		spec.Scheme, listen, pair = "https", "https_port", "tls-cert=proxy.crt tls-key=proxy.key"
	}
	prepare := func(p *proxy) {
		rule := "http_access allow all"
		switch {
		case p.spec.Refusing:
			rule = ""
		case p.spec.User != "":
			rule = fmt.Sprintf(squidAuth, p.dir)
			p.write("passwd", p.spec.User+":"+hashed(t, p.spec.Password)+"\n")
		}
		if pair != "" {
			p.write("proxy.crt", readText(t, p.spec.Certificate.CertFile))
			p.write("proxy.key", readText(t, p.spec.Certificate.KeyFile))
		}
		ports := ""
		for _, port := range p.spec.Ports {
			ports += fmt.Sprint(" ", port)
		}
		p.write("squid.conf", fmt.Sprintf(squidConfig, p.dir, listen, p.Address(), pair, proxyLeavesFrom, ports, rule, p.spec.Extra))
	}
	p := startProxy(t, spec, prepare, func(p *proxy) *exec.Cmd {
		// Without different names, two of them would share files in /dev/shm.
		cmd := exec.Command(program, "-N", "-n", fmt.Sprintf("p%dx%d", os.Getpid(), p.port), "-f", p.file("squid.conf"))
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		return cmd
	})
	p.trace = func(to *firewall) []string {
		return []string{"TCP_TUNNEL/200", "CONNECT " + to.Address(), " " + cmp.Or(p.spec.User, "-") + " HIER_DIRECT"}
	}
	return p
}

// hashed is a password in a form that basic_ncsa_auth reads.
func hashed(t testing.TB, password string) string {
	t.Helper()
	cmd := exec.Command(needProgram(t, "OpenSSL", "openssl", "openssl"), "passwd", "-6", "-stdin")
	cmd.Stdin = strings.NewReader(password + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
