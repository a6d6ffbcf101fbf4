package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

const benchUsers = 1000

func benchUser(n int64) string { return fmt.Sprintf("user%d", n%benchUsers+1) }

// startBenchLDAP runs OpenLDAP on loopback, and the plugin in its process. In plain
// text, the work of TLS, which is the same for both sides, hides nothing.
func startBenchLDAP(b *testing.B) (*slapd, wire) {
	b.Helper()
	s := startSlapd(b, slapdConfig{Bulk: benchUsers})
	return s, openLDAP(b, s.options(map[string]string{"start_tls": "", "user_dn": bulkDN}))
}

// throughput runs this number of workers for a while and returns how many times
// a second they finished.
func throughput(b *testing.B, workers int, span time.Duration, do func(n int64) error) float64 {
	b.Helper()
	var count atomic.Int64
	var failed atomic.Pointer[error]
	begin := time.Now()
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for time.Since(begin) < span && failed.Load() == nil {
				if err := do(count.Add(1)); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	return float64(count.Load()) / time.Since(begin).Seconds()
}

// bareLogin is what a login costs without Doorward: a search on one connection that
// stays bound and is shared by all, and a bind on a new one.
func bareLogin(b *testing.B, s *slapd, url string) func(n int64) error {
	b.Helper()
	trust := ldap.DialWithTLSConfig(s.CA.trust("127.0.0.1"))
	service := bindDirectory(b, url, trust, readerDN, s.Password)
	return func(n int64) error {
		found, err := service.Search(ldap.NewSearchRequest(bulkDN, ldap.ScopeSingleLevel, ldap.NeverDerefAliases, 2, 0, false,
			"(uid="+ldap.EscapeFilter(benchUser(n))+")", []string{"entryUUID", "uid", "mail", "givenName", "sn", "cn"}, nil))
		if err != nil || len(found.Entries) != 1 {
			return fmt.Errorf("searching %s: %w", benchUser(n), err)
		}
		conn, err := dialLDAP(url, trust)
		if err != nil {
			return err
		}
		defer conn.Close()
		return conn.Bind(found.Entries[0].DN, s.Password)
	}
}

func (w wire) loginOnce(password string) func(n int64) error {
	return func(n int64) error {
		step, err := w.login(benchUser(n), password)
		if _, ok := step.(sdk.Authenticated); err != nil || !ok {
			return fmt.Errorf("%s is not signed in: %+v, %w", benchUser(n), step, err)
		}
		return nil
	}
}

// benchSpan is how long each side runs in one iteration. The sides take turns,
// so that other work of the machine affects both.
const benchSpan = 300 * time.Millisecond

// BenchmarkLDAPLogin compares the plugin, over the wire, with bare go-ldap doing
// the minimum that a login needs, in plain text and over TLS. "ratio" is plugin to
// bare; 0.6 is the goal.
func BenchmarkLDAPLogin(b *testing.B) {
	s, plain := startBenchLDAP(b)
	secured := openLDAP(b, s.options(map[string]string{"client_url": s.LDAPS(), "start_tls": "", "user_dn": bulkDN}))
	for _, protection := range []struct {
		name   string
		plugin wire
		url    string
	}{{"plain", plain, s.URL()}, {"TLS", secured, s.LDAPS()}} {
		ours, bare := protection.plugin.loginOnce(s.Password), bareLogin(b, s, protection.url)
		for _, workers := range []int{1, 8, 32} {
			b.Run(fmt.Sprintf("%s, %d at once", protection.name, workers), func(b *testing.B) { compareLogins(b, workers, ours, bare) })
		}
	}
}

func compareLogins(b *testing.B, workers int, ours, bare func(n int64) error) {
	b.Helper()
	throughput(b, workers, benchSpan/10, ours)
	throughput(b, workers, benchSpan/10, bare)
	var plugin, floor float64
	for b.Loop() {
		plugin += throughput(b, workers, benchSpan, ours)
		floor += throughput(b, workers, benchSpan, bare)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(plugin/float64(b.N), "logins/s")
	b.ReportMetric(floor/float64(b.N), "bare/s")
	b.ReportMetric(plugin/floor, "ratio")
}

// BenchmarkLDAPUnknownUser compares the time for an unknown user with that for a
// wrong password (J07): run it with -benchtime 500x. "ratio" is the quotient of
// the medians. To judge it, "spread" is the interquartile range of the wrong
// passwords, relative to their median.
func BenchmarkLDAPUnknownUser(b *testing.B) {
	_, w := startBenchLDAP(b)
	timed := func(name string) time.Duration {
		begin := time.Now()
		step, err := w.login(name, "not the password")
		took := time.Since(begin)
		if prompt, ok := step.(sdk.Prompt); err != nil || !ok || prompt.Reason != sdk.ReasonBadCredentials {
			b.Fatalf("%s: %+v, %v", name, step, err)
		}
		return took
	}
	for n := range int64(20) { // connections, caches, and what the plugin learns
		timed(benchUser(n))
	}
	var wrong, unknown []time.Duration
	for n := int64(0); b.Loop(); n++ {
		wrong = append(wrong, timed(benchUser(n)))
		unknown = append(unknown, timed(fmt.Sprintf("nobody%d", n)))
	}
	slices.Sort(wrong)
	slices.Sort(unknown)
	middle := wrong[len(wrong)/2]
	b.ReportMetric(float64(middle.Microseconds()), "wrong-us")
	b.ReportMetric(float64(unknown[len(unknown)/2].Microseconds()), "unknown-us")
	b.ReportMetric(float64(unknown[len(unknown)/2])/float64(middle), "ratio")
	b.ReportMetric(float64(wrong[len(wrong)*3/4]-wrong[len(wrong)/4])/float64(middle), "spread")
}

// BenchmarkLDAPMemory measures the memory that logins leave in the plugin: run it with
// -benchtime 100000x. "before-MB" is the plugin's memory after the first thousand logins,
// "after-MB" at the end.
func BenchmarkLDAPMemory(b *testing.B) {
	s, w := startBenchLDAP(b)
	login := w.loginOnce(s.Password)
	many := func(times int) {
		var next atomic.Int64
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for n := next.Add(1); n <= int64(times); n = next.Add(1) {
					if err := login(n); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
	}
	many(1000)
	before := pluginMemoryMB(b)
	b.ResetTimer()
	many(b.N)
	b.StopTimer()
	b.ReportMetric(before, "before-MB")
	b.ReportMetric(pluginMemoryMB(b), "after-MB")
}

// pluginMemoryMB reads the resident memory of the LDAP plugin that this process
// started last.
func pluginMemoryMB(b *testing.B) float64 {
	b.Helper()
	newest, path := 0, ldapPlugin(b)
	for _, pid := range processesBelow(path[:strings.LastIndexByte(path, '/')]) {
		if program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && program == path && isOurs(pid) {
			newest = max(newest, pid)
		}
	}
	if newest == 0 {
		b.Skip("no /proc to find the plugin by")
	}
	return statusMB(b, newest, "VmRSS:")
}

// isOurs reports whether this process started it.
func isOurs(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, ok := strings.Cut(string(status), "PPid:")
	parent := 0
	if _, scanErr := fmt.Sscan(rest, &parent); err != nil || scanErr != nil || !ok {
		return false
	}
	return parent == os.Getpid()
}
