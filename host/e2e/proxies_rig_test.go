package e2e

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	proxyReadyBound = 30 * time.Second
	proxyStopBound  = 10 * time.Second
	nobody          = 65534 // on Debian, user and group
)

// proxySpec says how to run a proxy.
type proxySpec struct {
	Scheme         string // of the URL in settings
	User, Password string // empty: it requires none
	Host           string // where it listens, if not on proxyListensOn

	// Names are the names that it can resolve, to 127.0.0.1. Ports are the ports to which
	// it allows connections.
	Names []string
	Ports []int

	// Refusing: it refuses all connections.
	Refusing bool

	// Extra are more lines of the configuration of Squid, before the rules.
	Extra string

	// Certificate makes it a proxy that is reached over TLS.
	Certificate keyPair
}

// proxy is a running proxy with its own folder.
type proxy struct {
	t    testing.TB
	spec proxySpec
	dir  string

	host string // where it listens
	port int

	prepare func(p *proxy)              // writes the files that it reads
	command func(p *proxy) *exec.Cmd    // how to run it
	trace   func(to *firewall) []string // words in the log line about a connection to this firewall
	process *Process
	past    string // output of processes before a restart
}

// proxyListensOn is an address of this process, because a proxy is restarted on the
// same port.
var proxyListensOn = own(3)

// newProxyPassword has characters that must be encoded in a URL.
func newProxyPassword() string { return "p@ss:w/rd%+?#&=-" + rand.Text() }

// startProxy runs a proxy until the test ends.
func startProxy(t testing.TB, spec proxySpec, prepare func(p *proxy), command func(p *proxy) *exec.Cmd) *proxy {
	t.Helper()
	dir, err := os.MkdirTemp("", "dwp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &proxy{t: t, spec: spec, dir: dir, host: cmp.Or(spec.Host, proxyListensOn), prepare: prepare, command: command}
	p.trace = func(to *firewall) []string { return []string{to.Address()} }
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(p.host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	p.port = listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	p.start()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("log of the proxy %s:\n%s", p.Address(), p.log())
		}
	})
	return p
}

// write puts a file into the folder.
func (p *proxy) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(p.file(name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *proxy) file(name string) string { return filepath.Join(p.dir, name) }

// giveAway makes nobody the owner of the folder: a proxy runs as nobody if the test is root.
func (p *proxy) giveAway() {
	p.t.Helper()
	if os.Getuid() != 0 {
		return
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	paths := []string{p.dir}
	for _, e := range entries {
		paths = append(paths, p.file(e.Name()))
	}
	for _, path := range paths {
		if err := os.Chown(path, nobody, nobody); err != nil {
			p.t.Fatal(err)
		}
	}
}

// reconfigure restarts the proxy with another configuration.
func (p *proxy) reconfigure(spec proxySpec) {
	p.t.Helper()
	p.stop()
	p.spec = spec
	p.start()
}

// start runs the program, and waits until it accepts connections.
func (p *proxy) start() {
	p.t.Helper()
	p.write("hosts", "127.0.0.1 localhost "+strings.Join(p.spec.Names, " ")+"\n")
	p.prepare(p)
	p.giveAway()
	cmd := p.command(p)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	process, err := StartProcess(cmd)
	if err != nil {
		p.t.Fatal(err)
	}
	p.process = process
	ctx, cancel := context.WithTimeout(p.t.Context(), proxyReadyBound)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.Address())
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-again.C:
		case <-process.Done():
			p.t.Fatalf("the proxy ended:\n%s", p.log())
		case <-ctx.Done():
			p.t.Fatalf("the proxy does not listen:\n%s", p.log())
		}
	}
}

// stop ends the program with its children, and its connections with them.
func (p *proxy) stop() {
	p.t.Helper()
	if p.process == nil {
		return
	}
	// On SIGTERM, some wait for open connections to end.
	_ = syscall.Kill(-p.process.PID(), syscall.SIGKILL)
	select {
	case <-p.process.Done():
	case <-time.After(proxyStopBound):
		p.t.Errorf("the proxy %s does not end", p.Address())
	}
	p.past += p.process.Output()
	p.process = nil
}

// connect requests a tunnel, and returns the status.
func (p *proxy) connect(t testing.TB, address string) int {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Host: address}, Host: address}
	if err := req.Write(conn); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// Address is where it listens.
func (p *proxy) Address() string { return net.JoinHostPort(p.host, strconv.Itoa(p.port)) }

// URL is what an operator writes.
func (p *proxy) URL() string {
	u := url.URL{Scheme: p.spec.Scheme, Host: p.Address()}
	if p.spec.User != "" {
		u.User = url.UserPassword(p.spec.User, p.spec.Password)
	}
	return u.String()
}

// log is all that it has written.
func (p *proxy) log() string {
	text := p.past
	if p.process != nil {
		text += p.process.Output()
	}
	for _, name := range []string{"access.log", "cache.log"} {
		content, _ := os.ReadFile(p.file(name))
		text += string(content)
	}
	return text
}

// carried waits until the log shows a connection to this firewall. Squid logs a connection
// when it ends, so carried ends it.
func (p *proxy) carried(t testing.TB, to *firewall) {
	t.Helper()
	to.cut(false)
	p.logged(t, p.trace(to)...)
}

// logged waits until the log has a line with all of these words.
func (p *proxy) logged(t testing.TB, words ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the proxy %s logs %q", p.Address(), words), func() bool { return p.lineWith(words...) != "" })
}

func (p *proxy) lineWith(words ...string) string { return lineOf(p.log(), words...) }

// lineOf is the first line with all of the words, or "".
func lineOf(text string, words ...string) string {
	for line := range strings.Lines(text) {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			return line
		}
	}
	return ""
}

// keepSecret adds the password, in each of its forms, to the secrets that must not be
// logged.
func (p *proxy) keepSecret(secrets *secretSet) {
	if p.spec.Password == "" {
		return
	}
	for what, text := range proxySecrets(p.spec.User, p.spec.Password) {
		secrets.add(what, text)
	}
}

func proxySecrets(user, password string) map[string]string {
	encoded := url.UserPassword(user, password).String()
	return map[string]string{
		"password of the proxy":                    password,
		"password of the proxy, in a URL":          strings.SplitN(encoded, ":", 2)[1],
		"password of the proxy, for a query":       url.QueryEscape(password),
		"password of the proxy, its random part":   password[len(password)-20:],
		"credentials of the proxy, as a field has": base64.StdEncoding.EncodeToString([]byte(user + ":" + password)),
	}
}

// nssWrapper makes the C library read names from a file of the test.
const nssWrapper = "libnss_wrapper.so"

func needProgram(t testing.TB, what, pkg string, paths ...string) string {
	t.Helper()
	for _, path := range paths {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	missing(t, what+": install with apt-get install "+pkg)
	return ""
}

// withHosts runs a program with an /etc/hosts that contains the names of the proxy.
func (p *proxy) withHosts(program string, args ...string) *exec.Cmd {
	p.t.Helper()
	found, _ := filepath.Glob("/usr/lib/*/" + nssWrapper)
	if len(found) == 0 {
		missing(p.t, "nss_wrapper: install with apt-get install libnss-wrapper")
	}
	cmd := exec.Command(program, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LD_PRELOAD=" + found[0], "NSS_WRAPPER_HOSTS=" + p.file("hosts")}
	return cmd
}
