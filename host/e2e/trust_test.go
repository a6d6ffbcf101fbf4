package e2e

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// TestPrivateAuthority: a private authority is trusted only where it is configured, with
// each way to configure it. Otherwise the error says how.
func TestPrivateAuthority(t *testing.T) {
	directory := startSlapd(t, slapdConfig{})
	hostPort := freePort(t)
	servers := startTLSServers(t, hostPort, "")
	both := writeFile(t, filepath.Join(t.TempDir(), "both.pem"), servers.CA.CA+directory.CA.CA)
	for name, way := range map[string]map[string]string{
		"nothing":               nil,
		"AUTH_X_CA":             {"AUTH_WEB_CA": servers.CA.CA, "AUTH_FED_CA": strings.ReplaceAll(servers.CA.CA, "\n", `\n`), "AUTH_DIR_CA": directory.CA.CA},
		"AUTH_X_CA_FILE":        {"AUTH_WEB_CA_FILE": servers.CA.CAFile, "AUTH_FED_CA_FILE": servers.CA.CAFile, "AUTH_DIR_CA_FILE": directory.CA.CAFile},
		"options of mechanisms": {"AUTH_WEB_CLIENT_HTTP_CA": servers.CA.CA, "AUTH_FED_CLIENT_HTTP_CA_FILE": servers.CA.CAFile, "AUTH_DIR_TLS_CA_FILE": directory.CA.CAFile},
		"options of Directus":   {"AUTH_WEB_CA": servers.CA.CA, "AUTH_FED_CA": servers.CA.CA, "AUTH_DIR_CLIENT__TLS_OPTIONS__CA_FILE": directory.CA.CAFile, "AUTH_DIR_CA": servers.CA.CA},
		"OUTBOUND_EXTRA_CA":     {"OUTBOUND_EXTRA_CA_FILE": both},
		"NODE_EXTRA_CA_CERTS":   {"NODE_EXTRA_CA_CERTS": both},
		"two of them":           {"NODE_EXTRA_CA_CERTS": servers.CA.CAFile, "OUTBOUND_EXTRA_CA": directory.CA.CA},
		"SSL_CERT_FILE":         {"SSL_CERT_FILE": both},
	} {
		t.Run(name, func(t *testing.T) {
			env := servers.options(directory)
			maps.Copy(env, way)
			host := startHost(t, HostConfig{Port: hostPort, Env: env})
			host.secrets.add("password", directory.Password)
			t.Cleanup(func() { host.secrets.addParameters(servers.openid.LastTokenRequest().Form) })
			webWant, fedWant, dirWant := http.StatusOK, http.StatusFound, http.StatusOK
			if way == nil {
				webWant, fedWant, dirWant = http.StatusServiceUnavailable, http.StatusServiceUnavailable, http.StatusServiceUnavailable
			}
			if web, fed, dir := servers.webLogin(t, host), fedBegin(t, host), dirLogin(t, host, directory); web != webWant || fed != fedWant || dir != dirWant {
				t.Errorf("OpenID %d, SAML %d, LDAP %d; want %d, %d and %d", web, fed, dir, webWant, fedWant, dirWant)
			}
			checked, code := host.run(t, "check")
			if (code == 0) != (way != nil) {
				t.Errorf("doorward check ends with %d:\n%s", code, checked)
			}
			if way != nil {
				return
			}
			for _, option := range []string{"AUTH_WEB_CA", "AUTH_FED_CA", "AUTH_DIR_CA"} {
				want := `it is signed by "CN=Doorward test authority"; if you trust that authority, give its certificate (PEM) as ` + option
				eventually(t, "the log says: "+want, func() bool { return strings.Contains(strings.ReplaceAll(host.Logs(), `\"`, `"`), want) })
				if !strings.Contains(checked, want) {
					t.Errorf("check does not say %s:\n%s", want, checked)
				}
			}
		})
	}
}

// TestAuthorityIsReplaced: the server gets a certificate of another authority, and this
// authority is written to the file that the running host has read. A half-written file is
// not used. A secret in a file is rotated in the same way.
func TestAuthorityIsReplaced(t *testing.T) {
	hostPort := freePort(t)
	servers := startTLSServers(t, hostPort, "")
	dir := t.TempDir()
	mounted := newMount(t, dir, map[string]string{"ca.crt": servers.CA.CA, "secret": servers.Client.Secret})
	env := servers.options(nil)
	delete(env, "AUTH_WEB_CLIENT_SECRET")
	env["AUTH_WEB_CLIENT_SECRET_FILE"] = mounted.path("secret")
	env["AUTH_WEB_CA_FILE"] = mounted.path("ca.crt")
	env["AUTH_FED_CA_FILE"] = writeFile(t, filepath.Join(dir, "fed.pem"), servers.CA.CA)
	host := startHost(t, HostConfig{Port: hostPort, Env: env})
	pids := host.Plugins()
	wantLogin := func(when string, want int) {
		t.Helper()
		if got := servers.webLogin(t, host); got != want {
			t.Errorf("a login %s: %d, want %d", when, got, want)
		}
		host.secrets.addParameters(servers.openid.LastTokenRequest().Form)
	}
	wantLogin("at first", http.StatusOK)

	servers.change(t)
	eventually(t, "logins fail with the authority of before", func() bool { return servers.webLogin(t, host) == http.StatusServiceUnavailable })
	mounted.swap(t, map[string]string{"ca.crt": servers.CA.CA[:300], "secret": servers.Client.Secret})
	eventually(t, "half a file is reported", func() bool {
		return strings.Contains(host.Logs(), "AUTH_WEB_CA_FILE: ends within a certificate")
	})
	wantLogin("with half a file", http.StatusServiceUnavailable)
	const old = "AUTH_WEB_CA_FILE has an authority with that name, but its certificate does not match"
	eventually(t, "the log says: "+old, func() bool { return strings.Contains(host.Logs(), old) })

	mounted.swap(t, map[string]string{"ca.crt": servers.CA.CA, "secret": servers.Client.Secret})
	eventually(t, "the new authority is trusted", func() bool { return servers.webLogin(t, host) == http.StatusOK })
	if got := strings.Count(host.Logs(), "opened with the new content of certificate and secret files"); got != 1 || strings.Contains(host.Logs(), "changed: web, fed") {
		t.Errorf("%d log lines about opening again, want one about web alone", got)
	}
	if got := strings.Count(host.Logs(), "a changed file cannot be used"); got != 1 {
		t.Errorf("told %d times of half a file, want once", got)
	}

	rotated := servers.Client
	rotated.Secret = newClientSecret()
	host.secrets.add("client secret", rotated.Secret)
	if err := servers.openid.AddClient(rotated); err != nil {
		t.Fatal(err)
	}
	if got := servers.webLogin(t, host); got == http.StatusOK {
		t.Error("the secret of before is still good: the test shows nothing")
	}
	mounted.swap(t, map[string]string{"ca.crt": servers.CA.CA, "secret": rotated.Secret})
	eventually(t, "the new secret is used", func() bool { return servers.webLogin(t, host) == http.StatusOK })
	host.secrets.addParameters(servers.openid.LastTokenRequest().Form)
	if now := host.Plugins(); len(now) != len(pids) || now[0] != pids[0] {
		t.Errorf("plugins %v were %v: a plugin was restarted", now, pids)
	}
}

// mount is a folder as Kubernetes mounts it: its files are links through ..data, which is
// a link to a folder. The folder never changes, but is replaced as a whole.
type mount struct{ dir string }

func newMount(t *testing.T, dir string, files map[string]string) mount {
	t.Helper()
	m := mount{filepath.Join(dir, "mount")}
	if err := os.Mkdir(m.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	m.swap(t, files)
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), m.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m mount) path(name string) string { return filepath.Join(m.dir, name) }

func (m mount) swap(t *testing.T, files map[string]string) {
	t.Helper()
	dir, err := os.MkdirTemp(m.dir, "..")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		writeFile(t, filepath.Join(dir, name), text)
	}
	if err := os.Symlink(filepath.Base(dir), m.path("..data.new")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(m.path("..data.new"), m.path("..data")); err != nil {
		t.Fatal(err)
	}
}

// TestClientCertificate: servers that require a client certificate accept the host, with
// each way to configure the certificate. Without one, the log says what to set.
func TestClientCertificate(t *testing.T) {
	directory := startSlapd(t, slapdConfig{Extra: "TLSVerifyClient demand"})
	hostPort := freePort(t)
	servers := startTLSServers(t, hostPort, "ssl_verify_client on; ssl_client_certificate %s;")
	ours, err := servers.CA.issue("client")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := directory.CA.issue("client")
	if err != nil {
		t.Fatal(err)
	}
	trust := map[string]string{"AUTH_WEB_CA": servers.CA.CA, "AUTH_FED_CA": servers.CA.CA, "AUTH_DIR_CA": directory.CA.CA}
	for name, test := range map[string]struct {
		env   map[string]string
		shown bool
	}{
		"none": {nil, false},
		"of each": {map[string]string{
			"AUTH_WEB_CERT_FILE": ours.CertFile, "AUTH_WEB_KEY_FILE": ours.KeyFile, "AUTH_FED_CLIENT_HTTP_CERT_FILE": ours.CertFile,
			"AUTH_FED_CLIENT_HTTP_KEY_FILE": ours.KeyFile, "AUTH_DIR_CERT_FILE": theirs.CertFile, "AUTH_DIR_KEY_FILE": theirs.KeyFile,
		}, true},
		"of all": {map[string]string{
			"OUTBOUND_CERT_FILE": ours.CertFile, "OUTBOUND_KEY_FILE": ours.KeyFile,
			"AUTH_DIR_TLS_CERT_FILE": theirs.CertFile, "AUTH_DIR_TLS_KEY_FILE": theirs.KeyFile,
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			env := servers.options(directory)
			maps.Copy(env, trust)
			maps.Copy(env, test.env)
			host := startHost(t, HostConfig{Port: hostPort, Env: env})
			host.secrets.add("password", directory.Password)
			web, fed, dir := servers.webLogin(t, host), fedBegin(t, host), dirLogin(t, host, directory)
			if test.shown {
				if web != http.StatusOK || fed != http.StatusFound || dir != http.StatusOK {
					t.Errorf("OpenID %d, SAML %d, LDAP %d", web, fed, dir)
				}
				host.secrets.addParameters(servers.openid.LastTokenRequest().Form)
				return
			}
			if web == http.StatusOK || fed == http.StatusFound || dir == http.StatusOK {
				t.Errorf("admitted without a certificate: OpenID %d, SAML %d, LDAP %d", web, fed, dir)
			}
			const hint = "the server asks for a client certificate: set AUTH_DIR_CERT and AUTH_DIR_KEY"
			eventually(t, "the log says: "+hint, func() bool { return strings.Contains(host.Logs(), hint) })
		})
	}
}

// TestLowestVersionOfTLS: a server with an older version of TLS than the operator allows is
// refused, and the log names the setting.
func TestLowestVersionOfTLS(t *testing.T) {
	hostPort := freePort(t)
	servers := startTLSServers(t, hostPort, "ssl_protocols TLSv1.2;")
	env := servers.options(nil)
	env["AUTH_WEB_CA"] = servers.CA.CA
	for version, want := range map[string]int{"1.2": http.StatusOK, "1.3": http.StatusServiceUnavailable} {
		env["OUTBOUND_TLS_MIN_VERSION"] = version
		host := startHost(t, HostConfig{Port: hostPort, Env: maps.Clone(env)})
		if got := servers.webLogin(t, host); got != want {
			t.Errorf("%s: %d, want %d", version, got, want)
		}
		host.secrets.addParameters(servers.openid.LastTokenRequest().Form)
		const hint = "the server does not speak TLS 1.3, the lowest version according to OUTBOUND_TLS_MIN_VERSION"
		if err := host.Stop(); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(host.Logs(), hint); said != (version == "1.3") {
			t.Errorf("%s: the log says so: %v", version, said)
		}
	}
}

// TestChecksAreNotSwitchedOff: the setting with which Node.js accepts every certificate is
// refused, at the start and by a reload, which changes nothing.
func TestChecksAreNotSwitchedOff(t *testing.T) {
	const hint = "NODE_TLS_REJECT_UNAUTHORIZED: is 0, which would accept any certificate"
	_, err := StartHost(t.Context(), HostConfig{Env: map[string]string{"NODE_TLS_REJECT_UNAUTHORIZED": "0"}})
	if err == nil || !strings.Contains(err.Error(), hint) || !strings.Contains(err.Error(), "AUTH_<PROVIDER>_CA_FILE") {
		t.Fatalf("starting with it: %v", err)
	}
	s := startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, nil)
	env := filepath.Join(filepath.Dir(s.host.Env("DB_FILENAME")), ".env")
	for value, refused := range map[string]bool{"0": true, "1": false} {
		writeFile(t, env, "NODE_TLS_REJECT_UNAUTHORIZED="+value+"\n")
		out, code := s.host.run(t, "reload")
		if (code != 0) != refused || strings.Contains(out, "NODE_TLS_REJECT_UNAUTHORIZED (.env:1): is 0") != refused {
			t.Errorf("a reload with %s: %d %s", value, code, out)
		}
		if got := newAgent(t, s.host, "alice").signIn(s.host.URL + "/auth/login/fake?mode=json"); got.status != http.StatusOK {
			t.Errorf("a login after it: %d", got.status)
		}
	}
}
