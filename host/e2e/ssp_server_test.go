package e2e

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const sspReadyBound = time.Minute

// sspServer is SimpleSAMLphp as an identity provider.
type sspServer struct {
	t        *testing.T
	URL      string
	Password string
	dir      string
	sps      map[string]map[string]any
}

// startSSP runs SimpleSAMLphp until the test ends.
func startSSP(t *testing.T) *sspServer {
	t.Helper()
	needSimpleSAMLphp(t)
	port := freePort(t)
	s := &sspServer{t: t, URL: localURL("127.0.0.1", port), Password: rand.Text(), dir: t.TempDir(), sps: map[string]map[string]any{}}
	s.prepare()
	files := filepath.Join(repository(t), "host", "e2e", "ssp")
	cmd := exec.Command("php", "-d", "display_errors=0", "-d", "session.save_path="+filepath.Join(s.dir, "sess"),
		"-S", "127.0.0.1:"+strconv.Itoa(port), filepath.Join(files, "router.php"))
	cmd.Env = append(os.Environ(), "PHP_CLI_SERVER_WORKERS=4", "SIMPLESAMLPHP_CONFIG_DIR="+filepath.Join(files, "config"),
		"SSP_DIR="+s.dir, "SSP_URL="+s.URL, "SSP_SALT="+rand.Text(), "SSP_PASSWORD="+s.Password)
	// Its workers outlive it, so the whole group must be ended, also if this process is
	// killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	process, err := StartProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Kill(-process.PID(), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Errorf("ending SimpleSAMLphp: %v", err)
		}
		<-process.Done()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(s.dir, "log", "ssp.log"))
			t.Logf("output of SimpleSAMLphp:\n%s\nits log:\n%s", process.Output(), log)
		}
	})
	s.waitReady(process)
	return s
}

func needSimpleSAMLphp(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("php"); err != nil {
		missing(t, "PHP: install with apt-get install php-cli")
	}
	if _, err := os.Stat("/usr/share/simplesamlphp/www"); err != nil {
		missing(t, "SimpleSAMLphp: install with apt-get install simplesamlphp php-cli php-xml php-mbstring php-sqlite3 php-curl")
	}
}

func (s *sspServer) prepare() {
	s.t.Helper()
	for _, name := range []string{"cert", "log", "data", "tmp", "sess"} {
		if err := os.Mkdir(filepath.Join(s.dir, name), 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, name := range []string{"old", "new"} {
		key := newSAMLKey(s.t, "SimpleSAMLphp "+name)
		s.write("cert/"+name+".key", key.private)
		s.write("cert/"+name+".crt", key.certificate)
	}
	s.write("sps.json", "{}")
}

func (s *sspServer) write(name, content string) {
	s.t.Helper()
	writeAtOnce(s.t, filepath.Join(s.dir, name), content)
}

// writeAtOnce replaces a file that a server can read at any time: the server finds either
// the old or the new content.
func writeAtOnce(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func (s *sspServer) waitReady(process *Process) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), sspReadyBound)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.MetadataURL(), nil)
		if err != nil {
			s.t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-again.C:
		case <-process.Done():
			s.t.Fatalf("SimpleSAMLphp ended:\n%s", process.Output())
		case <-ctx.Done():
			s.t.Fatalf("SimpleSAMLphp does not answer:\n%s", process.Output())
		}
	}
}

// MetadataURL is the URL of its metadata.
func (s *sspServer) MetadataURL() string { return s.URL + "/simplesaml/saml2/idp/metadata.php" }

// register adds a provider of a host with the metadata that the host publishes, and with
// further settings. It takes effect with the next request.
func (s *sspServer) register(host *testHost, provider string, settings map[string]any) {
	s.t.Helper()
	metadata := newAgent(s.t, host, "").get(host.URL + "/auth/login/" + provider + "/metadata")
	if metadata.status != http.StatusOK {
		s.t.Fatalf("metadata of %s: %d %s", provider, metadata.status, metadata.body)
	}
	files := filepath.Join(repository(s.t), "host", "e2e", "ssp")
	convert := exec.CommandContext(s.t.Context(), "php", filepath.Join(files, "convert.php"))
	convert.Env = append(os.Environ(), "SIMPLESAMLPHP_CONFIG_DIR="+filepath.Join(files, "config"), "SSP_DIR="+s.dir, "SSP_URL="+s.URL, "SSP_SALT=x")
	convert.Stdin = strings.NewReader(metadata.body)
	out, err := convert.Output()
	if err != nil {
		s.t.Fatalf("SimpleSAMLphp cannot read our metadata: %v\n%s", err, metadata.body)
	}
	var read map[string]map[string]any
	if err := json.Unmarshal(out, &read); err != nil || len(read) != 1 {
		s.t.Fatalf("SimpleSAMLphp reads our metadata as %s", out)
	}
	for id, sp := range read {
		delete(sp, "expire") // SimpleSAMLphp would check it, and this file is never renewed
		maps.Copy(sp, settings)
		s.sps[id] = sp
	}
	data, err := json.Marshal(s.sps)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("sps.json", string(data))
}

// samlKey is a private key and its certificate, in PEM.
type samlKey struct{ private, certificate string }

func newSAMLKey(t *testing.T, name string) samlKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return samlKey{
		private:     string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
	}
}
