package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The demo prints its URL, works at this URL, and leaves no files or processes behind.
func TestDemo(t *testing.T) {
	root := repository(t)
	program := filepath.Join(t.TempDir(), "demo")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, "./host/e2e/cmd/demo")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, out)
	}
	// The path must be short, as for any host: it contains the plugin sockets.
	temp, err := os.MkdirTemp("", "dw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temp) })

	cmd := exec.Command(program)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	demo, err := StartProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = demo.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), hostReadyBound)
	defer cancel()
	line, err := demo.WaitForLine(ctx, "    http://")
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, line, "Acme Staff", "Partner Login", "Campus Login", "GitHub", "Staff Directory")
	behind, err := demo.WaitForLine(ctx, "    wiki: ")
	if err != nil {
		t.Fatal(err)
	}
	checkWiki(t, strings.TrimSuffix(line, "/"), strings.TrimPrefix(behind, "wiki: "))

	if err := demo.signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := demo.ExitCode(); code != 0 {
		t.Errorf("Ctrl-C ends the demo with status %d:\n%s", code, demo.Output())
	}
	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("the demo left %v behind, %v", left, err)
	}
	if pids := processesBelow(temp); len(pids) > 0 {
		t.Errorf("the demo left the processes %v behind", pids)
	}
}

// checkWiki signs in to open a page of the application of the demo.
func checkWiki(t *testing.T, public, wiki string) {
	t.Helper()
	person := newAgent(t, &testHost{Host: &Host{URL: public}, secrets: &secretSet{}}, "alice")
	link := wiki + "a/page?and=another"
	sent := person.get(link).location()
	if sent == nil || sent.Path != "/login" || sent.Query().Get("redirect") != link {
		t.Fatalf("the application sends to %v", sent)
	}
	done := person.signIn(public + "/auth/login/acme?mode=session&" + sent.RawQuery)
	if done.url.String() != link || done.status != http.StatusOK || !strings.Contains(done.body, "Alice Archer") {
		t.Errorf("signed in, and at %s: %d %s", done.url, done.status, done.body)
	}
}

func checkPage(t *testing.T, url string, texts ...string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if !strings.Contains(string(body), text) {
			t.Errorf("%s does not show %q:\n%s", url, text, body)
		}
	}
}
