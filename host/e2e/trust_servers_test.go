package e2e

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/plugins/saml/samltest"
)

// tlsServerConfig has the defaults of nginx, except for the values that are filled in.
const tlsServerConfig = `
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
		listen 127.0.0.1:%[2]d ssl;
		ssl_certificate %[1]s/server.crt;
		ssl_certificate_key %[1]s/server.key;
		%[3]s
		location / { proxy_pass http://%[4]s; proxy_set_header Host $http_host; }
		location /saml/ { proxy_pass http://%[5]s/; proxy_set_header Host $http_host; }
	}
}
`

// tlsServers are an OpenID provider and a SAML provider behind nginx, which adds TLS with a
// certificate of a private authority, and can change the certificate.
type tlsServers struct {
	CA     *authority
	URL    string // of the OpenID provider; the metadata of the other is at /saml/metadata
	Plain  string // of the OpenID provider without TLS, for the browser
	Client openidtest.Client

	openid *openidtest.Provider
	nginx  *Process
	dir    string
	port   int
}

// startTLSServers runs the servers until the test ends. Directives are for nginx, with %s
// for the file of the authority.
func startTLSServers(t *testing.T, hostPort int, directives string) *tlsServers {
	t.Helper()
	s := &tlsServers{dir: t.TempDir(), port: freePort(t)}
	s.URL = "https://localhost:" + strconv.Itoa(s.port)
	s.Client = openidtest.Client{
		ID: "doorward", Secret: newClientSecret(),
	}
	for _, name := range []string{"web", "direct", "noproxy"} {
		s.Client.RedirectURIs = append(s.Client.RedirectURIs, localURL("localhost", hostPort)+"/auth/login/"+name+"/callback")
	}
	address := "127.0.0.1:" + strconv.Itoa(freePort(t))
	s.Plain = "http://" + address
	s.openid = openidtest.Start(t, openidtest.Config{Addr: address, Issuer: s.URL, AutoApprove: true, Clients: []openidtest.Client{s.Client}})
	idp, err := samltest.Listen(samltest.Config{Users: []samltest.User{{NameID: "alice"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	s.change(t)
	if strings.Contains(directives, "%s") {
		directives = fmt.Sprintf(directives, s.CA.CAFile)
	}
	samlAddress := strings.TrimPrefix(strings.TrimSuffix(idp.Metadata().EntityID, "/metadata"), "http://")
	s.nginx = runNginx(t, s.dir, fmt.Sprintf(tlsServerConfig, s.dir, s.port, directives, address, samlAddress))
	eventually(t, "nginx takes connections", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(s.port)) //nolint:noctx // loopback
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return s
}

// change gives the servers a certificate of another authority, as when an authority is
// replaced.
func (s *tlsServers) change(t *testing.T) {
	t.Helper()
	var err error
	if s.CA, err = newAuthority(s.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CA.issue("server", "localhost"); err != nil {
		t.Fatal(err)
	}
	if s.nginx == nil {
		return
	}
	if err := syscall.Kill(s.nginx.PID(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "nginx has its new certificate", func() bool {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+strconv.Itoa(s.port), s.CA.trust("localhost")) //nolint:noctx // loopback
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// options configure the providers web (OpenID), fed (SAML) and, if there is a directory,
// dir (LDAP).
func (s *tlsServers) options(directory *slapd) map[string]string {
	env := map[string]string{"AUTH_PROVIDERS": "web,fed"}
	provider(env, "WEB", map[string]string{
		"DRIVER": "openid", "ISSUER_URL": s.URL, "CLIENT_ID": s.Client.ID, "CLIENT_SECRET": s.Client.Secret, "ALLOW_PUBLIC_REGISTRATION": "true",
	})
	provider(env, "FED", map[string]string{"DRIVER": "saml", "IDP_METADATA_URL": s.URL + "/saml/metadata"})
	if directory != nil {
		env["AUTH_PROVIDERS"] += ",dir"
		provider(env, "DIR", map[string]string{
			"DRIVER": "ldap", "CLIENT_URL": directory.LDAPS(), "BIND_DN": readerDN, "BIND_PASSWORD": directory.Password,
			"USER_DN": peopleDN, "USER_ATTRIBUTE": "uid",
		})
	}
	return env
}

// webLogin signs somebody in by OpenID Connect, with a browser that does not need to trust
// the authority. It returns the status of the last answer of the host.
func (s *tlsServers) webLogin(t *testing.T, host *testHost) int {
	t.Helper()
	person := newAgent(t, host, "alice")
	begun := person.get(host.URL + "/auth/login/web?mode=json")
	if begun.location() == nil {
		return begun.status
	}
	back := person.get(strings.Replace(begun.location().String(), s.URL, s.Plain, 1))
	if back.location() == nil {
		t.Fatalf("the provider answers %d %s", back.status, back.body)
	}
	return person.get(back.location().String()).status
}

// fedBegin begins a login by SAML, for which the host needs the metadata, and returns the
// status.
func fedBegin(t *testing.T, host *testHost) int {
	t.Helper()
	return newAgent(t, host, "alice").get(host.URL + "/auth/login/fed").status
}

// dirLogin signs somebody in by LDAP, and returns the status.
func dirLogin(t *testing.T, host *testHost, directory *slapd) int {
	t.Helper()
	return program{t, host, "dir"}.login("alice", directory.Password).status
}

// writeFile is os.WriteFile for a test.
func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
