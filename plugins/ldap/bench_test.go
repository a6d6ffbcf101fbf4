package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
)

// peer is a directory to compare with.
type peer struct {
	url, ca string
}

// peers are the fake directory, and slapd if it is installed.
func peers(b *testing.B) map[string]peer {
	b.Helper()
	dir := start(b, ldaptest.Config{})
	all := map[string]peer{"ldaptest": {dir.URL(), dir.CA()}}
	if path, err := exec.LookPath("slapd"); err == nil {
		all["slapd"] = peer{url: startSlapd(b, path)}
	} else if _, err := os.Stat("/usr/sbin/slapd"); err == nil {
		all["slapd"] = peer{url: startSlapd(b, "/usr/sbin/slapd")}
	}
	return all
}

func (p peer) options() map[string]any {
	return optionsFor(map[string]any{"client_url": p.url, "tls_ca": nil, "pool_size": 8, "connect_timeout": "10s", "operation_timeout": "10s"})
}

// parallel runs n logins in that many goroutines, and returns the logins per second.
func parallel(b *testing.B, n, workers int, login func() error) float64 {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var group sync.WaitGroup
	begin := time.Now()
	for range workers {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := login(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	return float64(n) / time.Since(begin).Seconds()
}

// BenchmarkLogin compares logins with bare go-ldap: one bound connection for searches, and
// another for each bind. The parts alternate, so that a busy machine affects all of them.
func BenchmarkLogin(b *testing.B) {
	for name, p := range peers(b) {
		for _, workers := range []int{1, 8, 32} {
			b.Run(fmt.Sprintf("%s/%d", name, workers), func(b *testing.B) {
				inside := openLocal(b, nil, p.options())
				wire := openRig(b, p.options())
				bare := openBare(b, p.url)
				var ours, overWire, theirs float64
				const rounds = 5
				for b.Loop() {
					for range rounds {
						ours += parallel(b, 200, workers, inside.loginOnce)
						theirs += parallel(b, 200, workers, bare.login)
						overWire += parallel(b, 200, workers, wire.loginOnce)
					}
				}
				n := float64(b.N * rounds)
				b.ReportMetric(theirs/n, "bare/s")
				b.ReportMetric(ours/n, "logins/s")
				b.ReportMetric(ours/theirs, "ratio")
				b.ReportMetric(overWire/theirs, "ratio-over-wire")
			})
		}
	}
}

func (l *local) loginOnce() error {
	return wantSignedIn(l.enter(context.Background(), "alice", alicePassword))
}

func (r *rig) loginOnce() error {
	step, err := r.provider.Begin(context.Background(), sdk.BeginRequest{State: testState})
	if err != nil {
		return err
	}
	return wantSignedIn(r.provider.Continue(context.Background(), sdk.ContinueRequest{
		State: testState, Memory: step.(sdk.Prompt).Memory, Answers: map[string]string{fieldUsername: "alice", fieldPassword: alicePassword},
	}))
}

func wantSignedIn(step sdk.Step, err error) error {
	if _, ok := step.(sdk.Authenticated); err == nil && !ok {
		return fmt.Errorf("got %T %+v", step, step)
	}
	return err
}

// bare is go-ldap alone.
type bare struct {
	url    string
	search *ldap.Conn
}

func openBare(b *testing.B, url string) *bare {
	b.Helper()
	conn, err := ldap.DialURL(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	if err := conn.Bind(readerDN, readerPassword); err != nil {
		b.Fatal(err)
	}
	return &bare{url: url, search: conn}
}

func (p *bare) login() error {
	req := ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, 5, false,
		"(uid="+ldap.EscapeFilter("alice")+")", []string{"uid", "mail", "givenName", "sn", "cn", "displayName", "entryUUID"}, nil)
	found, err := p.search.Search(req)
	if err != nil || len(found.Entries) != 1 {
		return fmt.Errorf("searching: %w", err)
	}
	conn, err := ldap.DialURL(p.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.Bind(found.Entries[0].DN, alicePassword)
}

// BenchmarkMemory signs in and refuses many times, and reports what remains on the heap. Run
// it with -benchtime 100000x.
func BenchmarkMemory(b *testing.B) {
	dir := start(b, ldaptest.Config{Unrecorded: true})
	l := openLocal(b, nil, map[string]any{"max_wrong_passwords": 100}, dir)
	once := func() error {
		if err := l.loginOnce(); err != nil {
			return err
		}
		_, err := l.enter(context.Background(), "nobody", "wrong")
		return err
	}
	heap := func() (uint64, int) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	parallel(b, 200, 8, once)
	before, goroutines := heap()
	b.ResetTimer()
	parallel(b, b.N, 8, once)
	b.StopTimer()
	after, left := heap()
	grown := int64(after) - int64(before) - int64(len(l.log.String()))
	b.ReportMetric(float64(grown)/1024, "grown-KiB")
	b.ReportMetric(float64(left-goroutines), "goroutines-more")
}

// BenchmarkRefusal compares a wrong password with an unknown name (J07), alternating, 500 of
// each.
func BenchmarkRefusal(b *testing.B) {
	for name, p := range peers(b) {
		b.Run(name, func(b *testing.B) {
			l := openLocal(b, nil, p.options())
			try := func(name string) time.Duration {
				begin := time.Now()
				if _, err := l.enter(context.Background(), name, "wrong"); err != nil {
					b.Fatal(err)
				}
				return time.Since(begin)
			}
			for range 20 {
				try("alice")
			}
			var known, unknown []time.Duration
			for b.Loop() {
				for range 500 {
					known, unknown = append(known, try("alice")), append(unknown, try("nobody"))
				}
			}
			slices.Sort(known)
			slices.Sort(unknown)
			b.ReportMetric(float64(known[len(known)/2].Microseconds()), "wrong-µs")
			b.ReportMetric(float64(unknown[len(unknown)/2].Microseconds()), "unknown-µs")
			b.ReportMetric(float64(unknown[len(unknown)/2])/float64(known[len(known)/2]), "ratio")
			b.ReportMetric(float64(known[len(known)*9/10]-known[len(known)/10])/float64(known[len(known)/2]), "spread")
		})
	}
}

const slapdConfig = `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile DIR/pid
database mdb
suffix dc=example,dc=com
directory DIR
index uid eq
access to attrs=userPassword by anonymous auth
access to * by * read
`

// startSlapd runs OpenLDAP with two entries, until the benchmark ends.
func startSlapd(b *testing.B, path string) string {
	b.Helper()
	dir := b.TempDir()
	config := filepath.Join(dir, "slapd.conf")
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(slapdConfig, "DIR", dir)), 0o600); err != nil {
		b.Fatal(err)
	}
	ldif := "dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: example\n\n" +
		"dn: cn=reader,dc=example,dc=com\nobjectClass: person\ncn: reader\nsn: x\nuserPassword: " + readerPassword + "\n\n" +
		"dn: ou=people,dc=example,dc=com\nobjectClass: organizationalUnit\nou: people\n\n" +
		"dn: " + aliceDN + "\nobjectClass: inetOrgPerson\nuid: alice\ncn: Alice\nsn: Liddell\nmail: alice@example.com\nuserPassword: " + alicePassword + "\n\n"
	add := exec.Command(path, "-Tadd", "-f", config)
	add.Stdin = strings.NewReader(ldif)
	if out, err := add.CombinedOutput(); err != nil {
		b.Skipf("filling slapd: %v\n%s", err, out)
	}
	socket := filepath.Join(dir, "s")
	url := "ldapi://" + strings.ReplaceAll(socket, "/", "%2F")
	port := freePort(b)
	tcp := "ldap://127.0.0.1:" + port
	slapd := exec.Command(path, "-d", "0", "-f", config, "-h", url+" "+tcp)
	if err := slapd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = slapd.Process.Signal(os.Interrupt)
		_ = slapd.Wait()
	})
	eventually(b, "slapd answers", func() bool {
		conn, err := ldap.DialURL(tcp)
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close() }()
		return conn.Bind(readerDN, readerPassword) == nil
	})
	return tcp
}

// freePort returns a port that the kernel chooses.
func freePort(b *testing.B) string {
	b.Helper()
	dir := ldaptest.Start(b, ldaptest.Config{})
	address := dir.Address()
	dir.Stop()
	return address[strings.LastIndex(address, ":")+1:]
}
