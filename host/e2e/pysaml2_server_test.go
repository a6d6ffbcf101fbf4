package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// debianPython can import Debian's packages; another Python may come first in PATH.
const debianPython = "/usr/bin/python3"

// pysaml2Server is pysaml2 as an identity provider.
type pysaml2Server struct {
	t   *testing.T
	URL string
	dir string
	sps map[string]map[string]any
}

// startPysaml2 runs pysaml2 until the test ends.
func startPysaml2(t *testing.T) *pysaml2Server {
	t.Helper()
	needPysaml2(t)
	s := &pysaml2Server{t: t, dir: t.TempDir(), sps: map[string]map[string]any{}}
	key := newSAMLKey(t, "pysaml2")
	s.write("idp.key", key.private)
	s.write("idp.crt", key.certificate)
	s.write("sps.json", "{}")
	cmd := exec.Command(debianPython, filepath.Join(repository(t), "host", "e2e", "pysaml2", "idp.py"))
	cmd.Env = append(os.Environ(), "PYSAML2_DIR="+s.dir, "TMPDIR="+t.TempDir(), "PYTHONDONTWRITEBYTECODE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.URL = startPeer(t, "pysaml2", cmd).URL
	return s
}

func needPysaml2(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/usr/lib/python3/dist-packages/saml2"); err != nil {
		missing(t, "pysaml2: install with apt-get install python3-pysaml2")
	}
	if _, err := exec.LookPath("xmlsec1"); err != nil {
		missing(t, "xmlsec1: install with apt-get install xmlsec1")
	}
}

func (s *pysaml2Server) write(name, content string) {
	s.t.Helper()
	writeAtOnce(s.t, filepath.Join(s.dir, name), content)
}

// MetadataURL is the URL of its metadata.
func (s *pysaml2Server) MetadataURL() string { return s.URL + "/metadata" }

// register adds a provider of a host with the metadata that the host publishes. It takes
// effect with the next message.
func (s *pysaml2Server) register(host *testHost, provider string, settings map[string]any) {
	s.t.Helper()
	id := pysaml2EntityID(host, provider)
	metadata := newAgent(s.t, host, "").get(id)
	if metadata.status != http.StatusOK {
		s.t.Fatalf("metadata of %s: %d %s", provider, metadata.status, metadata.body)
	}
	sp := map[string]any{"metadata": metadata.body, "sign_response": false, "sign_assertion": false, "encrypt_assertion": false, "self_contained": false}
	maps.Copy(sp, settings)
	s.sps[id] = sp
	data, err := json.Marshal(s.sps)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("sps.json", string(data))
}

// pysaml2EntityID is the entity ID of a provider of a host at pysaml2.
func pysaml2EntityID(host *testHost, provider string) string {
	return host.URL + "/auth/login/" + provider + "/metadata"
}
