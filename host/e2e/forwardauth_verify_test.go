package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// readJSON parses a text that must be JSON.
func readJSON(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("reading %s: %v", text, err)
	}
}

// verifiers are the programs in docs/forward-auth/verify and their commands.
func verifiers(t *testing.T, dir string, here ...string) map[string]func() *exec.Cmd {
	t.Helper()
	put := func(dir, name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(forwardAuthFile(t, "verify/"+name, here...)), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	module := filepath.Join(repository(t), "host", "e2e")
	program := filepath.Join(dir, "verify")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, put(dir, "verify.go"))
	build.Dir = module
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	python, script := needProgram(t, "Python", "python3", debianPython), put(dir, "verify.py")
	if exec.Command(python, "-c", "import jwt, cryptography").Run() != nil {
		missing(t, "PyJWT: install with apt-get install python3-jwt python3-cryptography")
	}
	node, op := needProgram(t, "Node", "nodejs", "node"), needOpenIDProvider(t)
	if err := os.Symlink(filepath.Join(op, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	page := put(dir, "verify.mjs")
	return map[string]func() *exec.Cmd{
		"Go":     func() *exec.Cmd { return exec.CommandContext(t.Context(), program) },
		"Python": func() *exec.Cmd { return exec.CommandContext(t.Context(), python, script) },
		"Node":   func() *exec.Cmd { return exec.CommandContext(t.Context(), node, page) },
	}
}

// An application accepts only assertions of Doorward for itself, so that a request that
// bypasses the proxy has no user.
func TestForwardAuthVerifiers(t *testing.T) {
	g := startGuarded(t)
	g.guardBy(t, "nginx")
	alice, session := g.signedIn(t, "alice")
	p := &passage{t: t, g: g, session: session, user: g.userID(t, alice)}
	good := p.ask("GET /x", p.cookie()).Header.Get("X-Doorward-Assertion")
	g.raw(t, "files.example.org", "GET / HTTP/1.1\r\nHost: files.example.org\r\nConnection: close\r\n"+p.cookie()+"\r\n\r\n")
	elsewhere := g.files.one(t, "files").Header.Get("X-Doorward-Assertion")
	if elsewhere == "" || elsewhere == good {
		t.Fatalf("the assertion for files is %q", elsewhere)
	}
	parts := strings.Split(good, ".")
	encode := base64.RawURLEncoding.EncodeToString
	// The URL of the keys has the name of Doorward, which has no address in a test.
	keys := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(mustParse(t, g.host.URL)) }})
	defer keys.Close()
	access := p.accessToken()
	for language, run := range verifiers(t, t.TempDir(), `issuer + "/.well-known`, `"`+keys.URL+`/.well-known`) {
		for what, assertion := range map[string]string{
			"good": good, "FA50 nothing": "", "FA50 a name": "alice", "FA47 for another app": elsewhere, "FA47 an access token": access,
			"FA47 no signature":      encode([]byte(`{"alg":"none","typ":"doorward-assertion+jwt"}`)) + "." + parts[1] + ".",
			"FA47 another signature": parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		} {
			cmd := run()
			cmd.Stdin = strings.NewReader(assertion)
			out, err := cmd.Output()
			got := strings.TrimSpace(string(out))
			if isGood := what == "good"; isGood && (err != nil || got != p.user) || !isGood && (err == nil || got != "") {
				t.Errorf("%s: %s: %q, %v", language, what, got, err)
			}
		}
	}
}
