package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/saml/samltest"
)

const (
	floodMemory = 512 << 20
	floodSize   = 128 // requests at once
	floodLogins = 200
)

// floods are large bodies that any client can post.
var floods = []struct {
	name, path, accept, body string
}{
	{"1 MB", "/auth/login/saml/acs", "text/html", "SAMLResponse=" + strings.Repeat(`"`, 1<<20-13)},
	{"the largest that is taken, posted again", "/auth/login/saml/acs", "text/html", "SAMLResponse=" + strings.Repeat(`"`, 528_000-13)},
	{"the largest that is taken, to the plugin", "/auth/login/saml/acs", "text/html", "doorward_reposted=1&SAMLResponse=" + strings.Repeat("PHg%2B", 87_000)},
	{"the largest that is taken, to the plugin as a logout", "/auth/login/saml/logout", "*/*", "SAMLRequest=" + strings.Repeat("PHg%2B", 87_000)},
}

// TestFloodOfLargeBodies: unknown clients repeatedly post 128 large bodies at once while a user
// signs in, all in a control group of 512 MB. No login fails, and no process is killed.
func TestFloodOfLargeBodies(t *testing.T) {
	group := newMemoryGroup(t, floodMemory)
	host, login := startFlooded(t, group)
	login(0)
	for _, flood := range floods {
		t.Run(flood.name, func(t *testing.T) {
			stop := pour(t, order{URL: host.URL + flood.path, Accept: flood.accept, Body: flood.body})
			loginTimes(login)
			t.Logf("answers %v", stop())
		})
	}
	t.Logf("peak %d MB of %d", group.peak(t)>>20, int64(floodMemory)>>20)
	if kills := group.kills(t); kills > 0 {
		t.Errorf("%d times there was too little memory", kills)
	}
	if n := group.processes(t); n != 3 {
		t.Errorf("%d processes are in the group, want the host and two plugins", n)
	}
}

// BenchmarkFloodOfLargeBodies measures logins during 128 large bodies a second. "p95" and "p50"
// are their times relative to those without a flood in the same run; the goal is 2.
func BenchmarkFloodOfLargeBodies(b *testing.B) {
	group := newMemoryGroup(b, floodMemory)
	host, login := startFlooded(b, group)
	login(0)
	for _, flood := range floods {
		b.Run(flood.name, func(b *testing.B) {
			var quiet, flooded []time.Duration
			for b.Loop() { // in turns, so that other load affects both
				quiet = append(quiet, loginTimes(login)...)
				stop := pour(b, order{URL: host.URL + flood.path, Accept: flood.accept, Body: flood.body, Every: time.Second})
				flooded = append(flooded, loginTimes(login)...)
				stop()
			}
			for _, percent := range []int{50, 95} {
				b.ReportMetric(float64(percentile(flooded, percent))/float64(percentile(quiet, percent)), fmt.Sprint("p", percent))
			}
			b.ReportMetric(float64(group.peak(b)>>20), "peak-MB")
		})
	}
}

// startFlooded runs a host in the group, with a directory and a SAML provider, and returns a
// function that signs one user in.
func startFlooded(t testing.TB, group memoryGroup) (*testHost, func(n int)) {
	t.Helper()
	directory := startSlapd(t, slapdConfig{Bulk: 10})
	idp, err := samltest.Listen(samltest.Config{Users: []samltest.User{{NameID: "alice"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	// The flood and the logins have the same address, which the rate limits would refuse.
	// They are off, because they are not the protection that limits the memory.
	env := map[string]string{"AUTH_PROVIDERS": "dir,saml", "LOG_LEVEL": "info", "RATE_LIMITER_ENABLED": "false"}
	provider(env, "DIR", map[string]string{"DRIVER": "ldap"})
	for option, value := range directory.options(map[string]string{"user_dn": slapdBase, "user_scope": "sub"}) {
		env["AUTH_DIR_"+strings.ToUpper(option)] = value
	}
	provider(env, "SAML", map[string]string{
		"DRIVER": "saml", "IDP_METADATA_URL": idp.MetadataURL(), "ALLOW_PUBLIC_REGISTRATION": "true", "ALLOW_UNSOLICITED": "true",
	})
	host := startHost(t, HostConfig{Env: env, Binary: group.program(t, filepath.Join(repository(t), "bin", "doorward"))})
	host.secrets.add("password", directory.Password)
	who := program{t, host, "dir"}
	return host, func(n int) {
		if got := who.login("alice", directory.Password); got.status != http.StatusOK {
			t.Errorf("login %d: %d %s", n, got.status, got.body)
		}
	}
}

// loginTimes signs in repeatedly, and returns the duration of each login.
func loginTimes(login func(n int)) (times []time.Duration) {
	for n := range floodLogins {
		begun := time.Now()
		login(n)
		times = append(times, time.Since(begun))
	}
	return times
}

func percentile(times []time.Duration, percent int) time.Duration {
	slices.Sort(times)
	return times[(len(times)-1)*percent/100]
}
