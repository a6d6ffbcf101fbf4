package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// nginxConfig has the default sizes: 8 KB for a line of a request's header, and one page of
// memory for the header of a response.
const nginxConfig = `
daemon off;
pid %[1]s/nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen 127.0.0.1:%[2]d;
		location / { proxy_pass http://127.0.0.1:%[3]d; }
	}
}
`

// startNginx runs nginx in front of a host until the test ends.
func startNginx(t *testing.T, port, hostPort int) {
	t.Helper()
	dir := t.TempDir()
	runNginx(t, dir, fmt.Sprintf(nginxConfig, dir, port, hostPort))
	eventually(t, "nginx answers", func() bool {
		resp, err := http.Get(localURL("127.0.0.1", port) + "/server/ping") //nolint:noctx // bounded by eventually
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// runNginx runs nginx with this configuration until the test ends.
func runNginx(t *testing.T, dir, text string) *Process {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program = "/usr/sbin/nginx"; exec.Command(program, "-v").Run() != nil {
			missing(t, "nginx: install with apt-get install nginx-light")
		}
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-c", config, "-p", dir, "-e", "stderr")
	// The workers outlive the main process, so the whole group must be ended.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	process, err := StartProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-process.PID(), syscall.SIGKILL)
		<-process.Done()
		if t.Failed() {
			t.Logf("output of nginx:\n%s", process.Output())
		}
	})
	return process
}

// A person who starts many logins with long return URLs must not be locked out of all
// applications behind the proxy (A09).
func TestManyLoginsBehindNginx(t *testing.T) {
	port := freePort(t)
	public := localURL("127.0.0.1", port)
	client := openidtest.Client{ID: "doorward", Secret: newClientSecret(), RedirectURIs: []string{public + "/auth/login/fake/callback"}}
	fake := openidtest.Start(t, openidtest.Config{AutoApprove: true, Clients: []openidtest.Client{client}})
	env := map[string]string{"AUTH_PROVIDERS": "fake", "PUBLIC_URL": public}
	provider(env, "FAKE", map[string]string{
		"DRIVER": "openid", "ISSUER_URL": fake.Issuer(), "CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret,
		"ALLOW_PUBLIC_REGISTRATION": "true",
	})
	hostPort := freePort(t)
	host := startHost(t, HostConfig{Port: hostPort, Env: env})
	startNginx(t, port, hostPort)
	long := url.QueryEscape("/" + strings.Repeat("r", 2000))
	ping := func(t *testing.T, person *agent) {
		t.Helper()
		wantStatus(t, "ping with the cookies of all logins", person.get(public+"/server/ping"), http.StatusOK)
	}
	t.Run("one after the other", func(t *testing.T) {
		person := newAgent(t, host, "alice")
		for range 10 {
			wantStatus(t, "beginning a login", person.get(public+"/auth/login/fake?redirect="+long), http.StatusFound)
			ping(t, person)
		}
		for _, redirect := range []string{long, "%2Fapp"} {
			begun := person.get(public + "/auth/login/fake?redirect=" + redirect)
			if begun.location() == nil {
				t.Fatalf("beginning a login: %d %s", begun.status, begun.body)
			}
			back := person.get(begun.location().String())
			if done := person.get(back.location().String()); done.location() == nil || url.QueryEscape(done.location().Path) != redirect {
				t.Errorf("the last login: %d %s", done.status, done.body)
			}
			ping(t, person)
		}
	})
	for name, query := range map[string]string{"at once, long": "?redirect=" + long, "at once, short": "?redirect=/app"} {
		t.Run(name, func(t *testing.T) {
			person := newAgent(t, host, "alice")
			var group sync.WaitGroup
			for range 20 {
				group.Go(func() { person.get(public + "/auth/login/fake" + query) })
			}
			group.Wait()
			ping(t, person)
		})
	}
}
