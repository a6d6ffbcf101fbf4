package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// guard is a proxy that asks Doorward, configured with its files in docs/forward-auth.
type guard struct {
	program, pkg string

	// write writes the files with the addresses of the test, and returns the arguments of
	// the program.
	write func(t *testing.T, g *guarded) []string
}

// addresses are the addresses in the files and their replacements in the test.
func (g *guarded) addresses() []string {
	return []string{"127.0.0.1:8055", g.place.host(), "127.0.0.1:3000", g.wiki.address, "127.0.0.1:3001", g.files.address}
}

func (g *guarded) put(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(g.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

var guards = map[string]guard{
	"nginx":   {program: "nginx", pkg: "nginx-light", write: writeNginxGuard},
	"HAProxy": {program: "haproxy", pkg: "haproxy", write: writeHAProxyGuard},
	"Caddy":   {program: "caddy", pkg: "caddy", write: writeCaddyGuard},
}

func writeNginxGuard(t *testing.T, g *guarded) []string {
	g.put(t, "doorward-server.conf", forwardAuthFile(t, "nginx-server.conf"))
	g.put(t, "doorward-location.conf", forwardAuthFile(t, "nginx-location.conf"))
	config := g.put(t, "doorward.conf", forwardAuthFile(t, "nginx.conf", append(g.addresses(),
		"127.0.0.1:8056", g.checks, "listen 443 ssl http2", fmt.Sprintf("listen 127.0.0.1:%d ssl http2", g.port), "/etc/nginx/", g.dir+"/",
		"/etc/ssl/example.org.crt", g.pair.CertFile, "/etc/ssl/example.org.key", g.pair.KeyFile)...))
	temporary := ""
	for _, module := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += fmt.Sprintf("%s_temp_path %s/%s;\n", module, g.dir, module)
	}
	main := g.put(t, "main.conf", fmt.Sprintf("daemon off;\npid %s/pid;\nerror_log stderr warn;\nevents {}\nhttp {\naccess_log off;\n%sinclude %s;\n}\n", g.dir, temporary, config))
	return []string{"-c", main, "-p", g.dir, "-e", "stderr"}
}

func writeHAProxyGuard(t *testing.T, g *guarded) []string {
	var both []byte
	for _, file := range []string{g.pair.CertFile, g.pair.KeyFile} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	certificate := g.put(t, "both.pem", string(both))
	lua := g.put(t, "doorward.lua", forwardAuthFile(t, "doorward.lua", append(g.lua, "127.0.0.1:8056", g.checks)...))
	config := g.put(t, "haproxy.cfg", forwardAuthFile(t, "haproxy.cfg", append(g.addresses(),
		"bind :443", "bind "+g.address(), "/etc/haproxy/example.org.pem", certificate, "/etc/haproxy/doorward.lua", lua,
		"log /dev/log local0", "log stdout format raw local0")...))
	return []string{"-db", "-f", config}
}

func writeCaddyGuard(t *testing.T, g *guarded) []string {
	here := append(g.addresses(), "127.0.0.1:8056", g.checks,
		"{\n\tservers {", fmt.Sprintf("{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n\thttps_port %d\n\tstorage file_system %s\n\tservers {", g.port, g.dir))
	for _, name := range []string{"sso", "wiki", "files"} {
		here = append(here, "\n"+name+".example.org {", fmt.Sprintf("\nhttps://%s.example.org {\n\ttls %s %s", name, g.pair.CertFile, g.pair.KeyFile))
	}
	return []string{"run", "--adapter", "caddyfile", "--config", g.put(t, "Caddyfile", forwardAuthFile(t, "Caddyfile", here...))}
}

// guardBy runs the proxy until the test ends.
func (g *guarded) guardBy(t *testing.T, name string) {
	t.Helper()
	by := guards[name]
	program := needProgram(t, name, by.pkg, by.program, "/usr/sbin/"+by.program)
	cmd := exec.Command(program, by.write(t, g)...)
	cmd.Dir = g.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + g.dir, "XDG_CONFIG_HOME=" + g.dir, "XDG_DATA_HOME=" + g.dir}
	g.process = startUnprivileged(t, name, g.dir, cmd)
	client := &http.Client{Transport: g.transport(t)}
	eventually(t, name+" answers", func() bool {
		resp, err := client.Get(ssoOrigin + "/server/ping") //nolint:noctx // bounded by eventually
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}
