package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

// benchSide is a plugin with a provider that approves immediately, and the CPU time of its
// process.
type benchSide struct {
	provider *plugin.Provider
	signIn   func(ctx context.Context, target string) (*http.Request, error)
	pid      int
}

const benchCallback = "http://localhost:8055/auth/login/test/callback" // as in plugintest.Request

func startBenchSide(b *testing.B, mechanism string, options map[string]any, signIn func(context.Context, string, string) (*http.Request, error)) benchSide {
	b.Helper()
	binary := filepath.Join(repositoryOf(b), "bin", "plugins", "doorward-plugin-"+mechanism)
	if _, err := os.Stat(binary); err != nil {
		b.Fatal("the plugins are not there: run make build")
	}
	p, err := plugintest.Start(b, binary).Open(b.Context(), plugintest.Request(options))
	if err != nil {
		b.Fatal(err)
	}
	return benchSide{provider: p, pid: childCalled(b, filepath.Base(binary)), signIn: func(ctx context.Context, target string) (*http.Request, error) {
		return signIn(ctx, target, "alice")
	}}
}

func repositoryOf(b *testing.B) string {
	b.Helper()
	root, err := Root()
	if err != nil {
		b.Fatal(err)
	}
	return root
}

// childCalled returns the process of a plugin that this test has started.
func childCalled(b *testing.B, name string) int {
	b.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		b.Fatal(err)
	}
	for _, folder := range folders {
		exe, err := os.Readlink(folder + "/exe")
		if err != nil || filepath.Base(exe) != name || statField(folder, 4) != os.Getpid() {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			b.Fatal(err)
		}
		return pid
	}
	b.Fatalf("no process %s", name)
	return 0
}

// statField returns a number of /proc/PID/stat, with the index of proc(5).
func statField(folder string, field int) int {
	text, err := os.ReadFile(folder + "/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name of the program can contain spaces
	fields := strings.Fields(rest)
	if field-3 >= len(fields) {
		return 0
	}
	n, err := strconv.Atoi(fields[field-3])
	if err != nil {
		return 0
	}
	return n
}

// spent returns the CPU time of the plugin's process, in ticks of 10 ms.
func (s benchSide) spent() int {
	folder := "/proc/" + strconv.Itoa(s.pid)
	return statField(folder, 14) + statField(folder, 15)
}

func (s benchSide) login(ctx context.Context) error {
	const state = "state-of-a-login-of-the-benchmark"
	step, err := s.provider.Begin(ctx, sdk.BeginRequest{State: state})
	if err != nil {
		return err
	}
	redirect := step.(sdk.Redirect)
	back, err := s.signIn(ctx, redirect.URL)
	if err != nil {
		return err
	}
	step, err = s.provider.Continue(ctx, sdk.ContinueRequest{State: state, Memory: redirect.Memory, Response: sdk.InboundRequest{
		Method: http.MethodGet, RawQuery: back.URL.RawQuery, Query: back.URL.Query(),
	}})
	if _, ok := step.(sdk.Authenticated); err != nil || !ok {
		return fmt.Errorf("not signed in: %T, %w", step, err)
	}
	return nil
}

// BenchmarkOAuth2Login compares complete logins of the oauth2 plugin and the openid plugin.
// Each login sends two requests to the provider: for the tokens and for the user. Only the
// CPU time of the plugin processes counts, not that of the providers and of this client.
// The plugins take turns. "ratio" is oauth2 to openid; the limit is 1.2.
func BenchmarkOAuth2Login(b *testing.B) {
	secret := newClientSecret()
	as := oauth2test.Start(b, oauth2test.Config{AutoApprove: true, Clients: []oauth2test.Client{{
		ID: "doorward", Secret: secret, RedirectURIs: []string{benchCallback},
	}}})
	op := openidtest.Start(b, openidtest.Config{AutoApprove: true, Clients: []openidtest.Client{{
		ID: "doorward", Secret: secret, RedirectURIs: []string{benchCallback},
	}}})
	sides := []benchSide{
		startBenchSide(b, "oauth2", as.Options(oauth2test.Client{ID: "doorward", Secret: secret}), oauth2test.SignIn),
		startBenchSide(b, "openid", map[string]any{"issuer_url": op.Issuer(), "client_id": "doorward", "client_secret": secret}, openidtest.SignIn),
	}
	const logins = 400
	run := func(s benchSide) (ticks int) {
		before := s.spent()
		for range logins {
			if err := s.login(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		return s.spent() - before
	}
	for _, s := range sides {
		run(s)
	}
	var spent [2]int
	for b.Loop() {
		for i, s := range sides {
			spent[i] += run(s)
		}
	}
	perLogin := func(i int) float64 {
		return float64(spent[i]) * float64(10*time.Millisecond/time.Microsecond) / float64(b.N*logins)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(perLogin(0), "oauth2-µs")
	b.ReportMetric(perLogin(1), "openid-µs")
	b.ReportMetric(float64(spent[0])/float64(spent[1]), "ratio")
}
