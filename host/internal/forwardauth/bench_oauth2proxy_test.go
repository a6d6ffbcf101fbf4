package forwardauth_test

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the form of a password file
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkBesideOAuth2Proxy compares checks of the host and of oauth2-proxy, with sessions in
// cookies, in one run: "of-oauth2-proxy" is the number of checks of the host in the CPU time
// of one check of oauth2-proxy. The CPU time of the client counts for the host, because the
// client runs in the same process. Run it manually, with the path of the program from
// github.com/oauth2-proxy/oauth2-proxy/v7 in OAUTH2_PROXY.
func BenchmarkBesideOAuth2Proxy(b *testing.B) {
	program := os.Getenv("OAUTH2_PROXY")
	if program == "" {
		b.Skip("OAUTH2_PROXY does not name the program")
	}
	proxy := startOAuth2Proxy(b, program)
	theirs := newFlood(b, proxy.address, [][]byte{proxy.check(b)})
	theirs.okay = []byte("HTTP/1.1 202 Accepted\r\n")
	r := newRig(b)
	ours := newFlood(b, listen(b, r.server.HTTPServer()), r.checks(1))
	ours.send(b, 1)
	theirs.send(b, 1)
	var spent, spentThere time.Duration
	for b.Loop() {
		begun := cpuTime(b)
		ours.send(b, burst)
		spent += cpuTime(b) - begun
		begun = proxy.cpuTime(b)
		theirs.send(b, burst)
		spentThere += proxy.cpuTime(b) - begun
	}
	each := float64(b.N * burst * depth * conns)
	b.ReportMetric(spentThere.Seconds()/spent.Seconds(), "of-oauth2-proxy")
	b.ReportMetric(float64(spent.Nanoseconds())/each, "cpu-ns/check")
	b.ReportMetric(float64(spentThere.Nanoseconds())/each, "cpu-ns/theirs")
}

type oauth2Proxy struct {
	address string
	pid     int
}

func startOAuth2Proxy(b *testing.B, program string) oauth2Proxy {
	b.Helper()
	passwords := filepath.Join(b.TempDir(), "htpasswd")
	hash := sha1.Sum([]byte("a password")) //nolint:gosec // as above
	if err := os.WriteFile(passwords, []byte("alice:{SHA}"+base64.StdEncoding.EncodeToString(hash[:])+"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	free, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "--provider=github", "--client-id=x", "--client-secret=y", "--cookie-secret=0123456789abcdef0123456789abcdef",
		"--cookie-secure=false", "--email-domain=*", "--htpasswd-file="+passwords, "--upstream=static://202", "--http-address="+address,
		"--set-xauthrequest", "--reverse-proxy", "--request-logging=false", "--auth-logging=false", "--standard-logging=false")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(30 * time.Second); ; {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
			return oauth2Proxy{address, cmd.Process.Pid}
		}
		if time.Now().After(deadline) {
			b.Fatalf("it does not listen: %v; %s", err, log.String())
		}
	}
}

// check signs in, and returns a request as a proxy sends it.
func (p oauth2Proxy) check(b *testing.B) []byte {
	b.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.PostForm("http://"+p.address+"/oauth2/sign_in", url.Values{"username": {"alice"}, "password": {"a password"}})
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
	for _, cookie := range resp.Cookies() {
		if cookie.Name == "_oauth2_proxy" && cookie.Value != "" {
			q := forward("Cookie: theme=dark; _oauth2_proxy=" + cookie.Value + "; lang=en")
			q.line = "GET /oauth2/auth"
			return q.bytes()
		}
	}
	b.Fatalf("signing in: %s", resp.Status)
	return nil
}

// cpuTime returns the CPU time of the process (proc(5), in ticks of 10 ms).
func (p oauth2Proxy) cpuTime(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}
