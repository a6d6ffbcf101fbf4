package e2e

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// front is a proxy in front of a host, with the configuration of docs/production.md: with TLS,
// and the host at /sso/.
type front struct {
	program, pkg string // the program and its Debian package

	// here contains pairs of texts: a text of the configuration in the page, and its
	// replacement in a test.
	here func(p place) []string

	// command returns the command with the configuration.
	command func(p place, config string) []string
}

// place contains the addresses and folders of a front and its host.
type place struct {
	dir             string // of the files of the front, with the names that the front expects
	port, plainPort int    // its ports, with and without TLS
	hostPort        int
	pair            keyPair
}

func (p place) public() string { return "https://localhost:" + strconv.Itoa(p.port) + "/sso" }

func (p place) host() string { return "127.0.0.1:" + strconv.Itoa(p.hostPort) }

// documentedHost is the address of the host in the configurations of the page.
const documentedHost = "127.0.0.1:8055"

var fronts = map[string]front{
	"nginx": {
		program: "nginx", pkg: "nginx-light",
		here: func(p place) []string {
			return []string{
				"listen 443 ssl", fmt.Sprintf("listen 127.0.0.1:%d ssl", p.port), "listen 80", fmt.Sprintf("listen 127.0.0.1:%d", p.plainPort),
				"/var/log/nginx/", p.dir + "/", "/etc/ssl/example.org.crt", p.pair.CertFile, "/etc/ssl/example.org.key", p.pair.KeyFile,
			}
		},
		command: func(p place, config string) []string {
			main := filepath.Join(p.dir, "main.conf")
			temporary := ""
			for _, module := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
				temporary += fmt.Sprintf("%s_temp_path %s/%s;\n", module, p.dir, module)
			}
			must(os.WriteFile(main, fmt.Appendf(nil, "daemon off;\npid %s/pid;\nerror_log stderr warn;\nevents {}\nhttp {\naccess_log off;\n%sinclude %s;\n}\n",
				p.dir, temporary, config), 0o644))
			return []string{"-c", main, "-p", p.dir, "-e", "stderr"}
		},
	},
	"HAProxy": {
		program: "haproxy", pkg: "haproxy",
		here: func(p place) []string {
			both := filepath.Join(p.dir, "both.pem")
			certificate, err := os.ReadFile(p.pair.CertFile)
			must(err)
			key, err := os.ReadFile(p.pair.KeyFile)
			must(err)
			must(os.WriteFile(both, append(certificate, key...), 0o644))
			return []string{
				"bind :80", fmt.Sprintf("bind 127.0.0.1:%d", p.plainPort), "bind :443", fmt.Sprintf("bind 127.0.0.1:%d", p.port),
				"/etc/haproxy/example.org.pem", both, "log /dev/log local0", "log stdout format raw local0",
			}
		},
		command: func(_ place, config string) []string { return []string{"-db", "-f", config} },
	},
	"Caddy": {
		program: "caddy", pkg: "caddy",
		here: func(p place) []string {
			return []string{
				"{\n\tservers {", fmt.Sprintf("{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system %s\n\tservers {", p.dir),
				"example.org {", fmt.Sprintf("https://localhost:%d {\n\tbind 127.0.0.1\n\ttls %s %s", p.port, p.pair.CertFile, p.pair.KeyFile),
			}
		},
		command: func(_ place, config string) []string {
			return []string{"run", "--adapter", "caddyfile", "--config", config}
		},
	},
}

// must is for operations that always work in the folder of a test.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// documented returns the configuration below this heading of a page in docs, with the
// replacements of here.
func documented(t *testing.T, page, name string, here []string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository(t), "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)### " + name + "\n.*?```[a-z]+\n(.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatalf("the page has no configuration of %s", name)
	}
	config := string(block[1])
	for i := 0; i < len(here); i += 2 {
		before := config
		if config = strings.ReplaceAll(config, here[i], here[i+1]); config == before {
			t.Fatalf("the configuration of %s does not have %q", name, here[i])
		}
	}
	return config
}

// behind is a front with the data that a client outside needs.
type behind struct {
	place
	authority *authority
	process   *Process
}

// newPlace chooses ports, so that a host can be configured before its front starts. The files of
// the front are readable by all users, because it drops the rights of root.
func newPlace(t *testing.T) *behind {
	t.Helper()
	dir, err := os.MkdirTemp("", "front")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b := &behind{place: place{dir: dir, port: freePort(t), plainPort: freePort(t), hostPort: freePort(t)}}
	if b.authority, err = newAuthority(dir); err != nil {
		t.Fatal(err)
	}
	if b.pair, err = b.authority.issue("front", "localhost"); err != nil {
		t.Fatal(err)
	}
	return b
}

// start runs the front until the test ends. The host must already run. Edits are additional
// replacements in the configuration, in pairs as for documented.
func (b *behind) start(t *testing.T, name string, edits ...string) {
	t.Helper()
	b.startFrom(t, "production.md", name, append([]string{documentedHost, b.host()}, edits...)...)
}

// startFrom is start with the configuration of another page.
func (b *behind) startFrom(t *testing.T, page, name string, edits ...string) {
	t.Helper()
	f := fronts[name]
	program, err := exec.LookPath(f.program)
	if err != nil {
		program = "/usr/sbin/" + f.program
	}
	if _, err := os.Stat(program); err != nil {
		missing(t, name+": install with apt-get install "+f.pkg)
	}
	file := filepath.Join(b.dir, "config")
	here := append(f.here(b.place), edits...)
	if err := os.WriteFile(file, []byte(documented(t, page, name, here)), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, f.command(b.place, file)...)
	cmd.Dir = b.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "XDG_CONFIG_HOME=" + b.dir, "XDG_DATA_HOME=" + b.dir}
	b.process = startUnprivileged(t, name, b.dir, cmd)
	client := &http.Client{Transport: b.outside(t)}
	eventually(t, name+" answers", func() bool {
		resp, err := client.Get(b.public() + "/server/ping") //nolint:noctx // bounded by eventually
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// log returns the log of requests and errors of the front.
func (b *behind) log(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(b.dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	log := b.process.Output()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		log += string(text)
	}
	return log
}

// startUnprivileged runs a server, which owns the folder, until the test ends, and then ends it
// with all its children.
func startUnprivileged(t *testing.T, name, dir string, cmd *exec.Cmd) *Process {
	t.Helper()
	// The workers outlive the main process, so the whole group must be ended.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			return cmp.Or(err, os.Lchown(path, nobody, nobody))
		}); err != nil {
			t.Fatal(err)
		}
	}
	process, err := StartProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-process.PID(), syscall.SIGKILL)
		<-process.Done()
		if t.Failed() {
			t.Logf("output of %s:\n%s", name, process.Output())
		}
	})
	return process
}

// outsideAddress is the address of clients. It differs from the address of the front, so that
// the host can distinguish them.
const outsideAddress = "127.0.0.2"

// outside returns the transport of a client that trusts the certificate of the front.
func (b *behind) outside(t *testing.T) *http.Transport {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(outsideAddress)}, Timeout: 10 * time.Second}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, strings.Replace(address, "localhost", "127.0.0.1", 1))
		},
		TLSClientConfig:     &tls.Config{RootCAs: b.authority.trust("").RootCAs, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 100,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// unrepeating returns such a transport that never repeats a request.
func (b *behind) unrepeating(t *testing.T) *http.Transport {
	transport := b.outside(t)
	transport.ForceAttemptHTTP2, transport.DisableKeepAlives = false, true
	return transport
}

// seen returns the host with the URL that a client outside uses.
func (b *behind) seen(host *testHost) *testHost {
	outside := *host.Host
	outside.URL = b.public()
	return &testHost{Host: &outside, secrets: host.secrets}
}

// person returns an agent outside.
func (b *behind) person(t *testing.T, host *testHost, login string) *agent {
	t.Helper()
	person := newAgent(t, b.seen(host), login)
	person.client.Transport = b.outside(t)
	return person
}
