package e2e

import (
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// verifyingConfig makes HAProxy verify access tokens itself and respond with their subject.
// The algorithm is fixed in the configuration and not taken from the token: for HS256, the
// name of the key file would be the secret.
const verifyingConfig = `
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s

frontend verifying
    bind 127.0.0.1:%[1]d
    http-request set-var(txn.token) http_auth_bearer
    http-request deny deny_status 401 unless { var(txn.token) -m found }
    http-request deny deny_status 401 unless { var(txn.token),jwt_header_query('$.alg') -m str %[2]s }
    http-request deny deny_status 401 unless { var(txn.token),jwt_header_query('$.typ') -m str at+jwt }
    http-request deny deny_status 401 unless { var(txn.token),jwt_payload_query('$.iss') -m str %[3]s }
    http-request deny deny_status 401 unless { var(txn.token),jwt_payload_query('$.aud') -m str %[3]s }
    http-request set-var(txn.now) date()
    http-request deny deny_status 401 unless { var(txn.token),jwt_payload_query('$.exp','int'),sub(txn.now) -m int gt 0 }
    http-request deny deny_status 401 unless %[4]s
    http-request return status 200 content-type text/plain lf-string %%[var(txn.token),jwt_payload_query('$.sub')]
`

// keyFiles writes the published keys of an algorithm in the format of HAProxy.
func keyFiles(t *testing.T, host *testHost, dir, algorithm string) (files []string) {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(newAgent(t, host, "").call(http.MethodGet, "/.well-known/jwks.json", nil, nil).body), &set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		if k.Algorithm != algorithm {
			continue
		}
		der, err := x509.MarshalPKIXPublicKey(k.Key)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, k.KeyID+".pem")
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// verifying is an HAProxy with this configuration.
type verifying struct {
	t       *testing.T
	program string
	dir     string
	file    string
	port    int
}

func newVerifying(t *testing.T, host *testHost, algorithm string) *verifying {
	t.Helper()
	v := &verifying{
		t: t, program: needProgram(t, "HAProxy", "haproxy", "haproxy", "/usr/sbin/haproxy"), dir: t.TempDir(), port: freePort(t),
	}
	v.file = filepath.Join(v.dir, "haproxy.cfg")
	var keys []string
	for _, file := range keyFiles(t, host, v.dir, algorithm) {
		keys = append(keys, fmt.Sprintf(`{ var(txn.token),jwt_verify("%s","%s") 1 }`, algorithm, file))
	}
	config := fmt.Sprintf(verifyingConfig, v.port, algorithm, host.URL, strings.Join(keys, " || "))
	if err := os.WriteFile(v.file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *verifying) start() {
	v.t.Helper()
	process, err := StartProcess(exec.Command(v.program, "-db", "-f", v.file))
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() {
		if err := process.Kill(); err != nil {
			v.t.Error(err)
		}
		if v.t.Failed() {
			v.t.Logf("output of HAProxy:\n%s", process.Output())
		}
	})
	eventually(v.t, "HAProxy answers", func() bool {
		status, _ := v.ask("")
		return status != 0
	})
}

// ask sends a request with a token, or without one if it is empty. The status is 0 if there
// is no response.
func (v *verifying) ask(token string) (status int, body string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, localURL("127.0.0.1", v.port)+"/", http.NoBody)
	if err != nil {
		v.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// HAProxy 2.6 verifies tokens of the two algorithms that it supports, even with two keys of
// one algorithm, and refuses modified tokens.
func TestHAProxyVerifiesTokens(t *testing.T) {
	for _, algorithm := range []string{"ES256", "RS256"} {
		t.Run(algorithm, func(t *testing.T) {
			host := startSigning(t, algorithm)
			_, access, _, user := signedIn(t, host)
			rotateLater(t, host)
			v := newVerifying(t, host, algorithm)
			v.start()
			if status, sub := v.ask(access); status != http.StatusOK || sub != user {
				t.Errorf("a good token: %d %q, want 200 %q", status, sub, user)
			}
			last := strings.LastIndexByte(access, '.')
			for what, token := range map[string]string{
				"no token": "", "no signature": access[:last+1], "another signature": access[:last+1] + strings.Repeat("A", len(access)-last-1),
			} {
				if status, _ := v.ask(token); status != http.StatusUnauthorized {
					t.Errorf("%s: %d, want 401", what, status)
				}
			}
			stranger := startSigning(t, algorithm)
			_, foreign, _, _ := signedIn(t, stranger)
			if status, _ := v.ask(foreign); status != http.StatusUnauthorized {
				t.Errorf("a token of another host: %d, want 401", status)
			}
		})
	}
}

// rotateLater creates a second key an hour after the first, by changing the time of the
// first key in the database.
func rotateLater(t *testing.T, host *testHost) {
	t.Helper()
	if err := host.Stop(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+host.Env("DB_FILENAME"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), "UPDATE signing_keys SET created_at = created_at - ?", time.Hour.Milliseconds())
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if err := host.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out := host.mustRun(t, "keys", "rotate"); !strings.Contains(out, "is published") {
		t.Fatalf("rotating: %s", out)
	}
}

// HAProxy 2.6 does not support EdDSA, which is why Doorward also has ES256 and RS256.
func TestHAProxyKnowsNoEdDSA(t *testing.T) {
	host := startSigning(t, "EdDSA")
	v := newVerifying(t, host, "EdDSA")
	version, err := exec.Command(v.program, "-v").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(version), "version 2.6") {
		t.Skipf("this is another HAProxy: %s", version)
	}
	out, err := exec.Command(v.program, "-c", "-f", v.file).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "EdDSA") {
		t.Errorf("it takes the algorithm EdDSA: %v\n%s", err, out)
	}
}
