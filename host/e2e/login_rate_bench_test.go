package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
)

// BenchmarkLoginRate signs in known people through a directory, one request each: alone, 8
// and 32 at once, with the disk as it is and with 5 ms more for each sync. With
// DOORWARD_BASE_BIN, the programs in that folder take turns with the built ones: "times" is
// the median of the rounds' quotients, built to base. Run it with -benchtime 10x for ten
// rounds. "syncs" are the syncs of one login; only the slow disk counts them.
//
// The machine also does the work of the clients and of the directory.
func BenchmarkLoginRate(b *testing.B) {
	directory := startRateDirectory(b)
	for _, disk := range []struct {
		name  string
		delay time.Duration
	}{{"disk as it is", 0}, {"slow disk", 5 * time.Millisecond}} {
		b.Run(disk.name, func(b *testing.B) {
			sides := map[string]*rateSide{"built": startRateSide(b, builtPrograms(b), directory, disk.delay)}
			if base := os.Getenv(baseVariable); base != "" {
				sides["base"] = startRateSide(b, base, directory, disk.delay)
			}
			for _, atOnce := range []int{1, 8, 32} {
				b.Run(strconv.Itoa(atOnce)+" at once", func(b *testing.B) { compareRates(b, sides, "built", "base", atOnce) })
			}
		})
	}
}

// BenchmarkHostsOnPostgres signs in 32 people at once, by turns at one host on a PostgreSQL
// that syncs and at two hosts on another of its databases. "times" is the median of the
// rounds' quotients, two to one.
func BenchmarkHostsOnPostgres(b *testing.B) {
	directory, sides := startRateDirectory(b), map[string]*rateSide{}
	server, env := startPostgres(b)
	env["SECRET"] = rand.Text() + rand.Text()
	for name, hosts := range map[string]int{"one": 1, "two": 2} {
		env["DB_DATABASE"] = "logins_" + name
		server.Exec(b, "postgres", "CREATE DATABASE "+env["DB_DATABASE"])
		s := startRateHost(b, builtPrograms(b), directory, 0, env)
		for range hosts - 1 {
			s.hosts = append(s.hosts, startRateHost(b, builtPrograms(b), directory, 0, env).hosts...)
		}
		s.others = server.Processes
		sides[name] = s
	}
	compareRates(b, sides, "two", "one", 32)
}

func builtPrograms(b *testing.B) string { return filepath.Join(repositoryOf(b), "bin") }

// compareRates runs the sides by turns. Of two sides, it compares the first with the second.
func compareRates(b *testing.B, sides map[string]*rateSide, first, second string, atOnce int) {
	b.Helper()
	for _, s := range sides {
		s.round(b, atOnce) // connections and accounts
	}
	figures := map[string][]float64{}
	for b.Loop() {
		for name, s := range sides {
			for unit, value := range s.round(b, atOnce) {
				figures[name+unit] = append(figures[name+unit], value)
			}
		}
		if len(sides) > 1 {
			last := len(figures[first+"/s"]) - 1
			figures["times"] = append(figures["times"], figures[first+"/s"][last]/figures[second+"/s"][last])
			figures["cpu-ratio"] = append(figures["cpu-ratio"], figures[first+"-cpu-µs"][last]/figures[second+"-cpu-µs"][last])
		}
	}
	b.ReportMetric(0, "ns/op")
	for unit, values := range figures {
		slices.Sort(values)
		b.ReportMetric(values[len(values)/2], unit)
	}
}

func startRateDirectory(b *testing.B) *ldaptest.Directory {
	entries := []ldaptest.Entry{
		{DN: loadBase, Attributes: map[string][]string{"objectClass": {"domain"}}},
		{DN: loadReader, Password: loadPassword, Attributes: map[string][]string{"cn": {"reader"}}},
	}
	for n := range benchPeople {
		entries = append(entries, ldaptest.Entry{DN: "uid=" + benchPerson(n) + "," + loadBase, Password: loadPassword, Attributes: map[string][]string{
			"objectClass": {"inetOrgPerson"}, "uid": {benchPerson(n)}, "entryUUID": {fmt.Sprintf("7f91e13e-7d3d-1041-949a-%012x", n)},
		}})
	}
	return ldaptest.Start(b, ldaptest.Config{Unrecorded: true, Entries: entries})
}

// rateSide is one or more hosts that sign in people of a directory, by turns.
type rateSide struct {
	hosts  []*Host
	client *http.Client
	trace  string                // file with a line for each sync; empty: they are not counted
	others func() ([]int, error) // processes of the database; nil: there are none
}

func startRateSide(b *testing.B, bin string, directory *ldaptest.Directory, delay time.Duration) *rateSide {
	b.Helper()
	return startRateHost(b, bin, directory, delay, nil)
}

// startRateHost starts a host with these settings and those of its database.
func startRateHost(b *testing.B, bin string, directory *ldaptest.Directory, delay time.Duration, database map[string]string) *rateSide {
	b.Helper()
	plugins, err := filepath.Glob(filepath.Join(bin, "plugins", "*"))
	if err != nil {
		b.Fatal(err)
	}
	s := &rateSide{}
	program := filepath.Join(bin, "doorward")
	if delay > 0 {
		program, s.trace = slowSyncs(b, program, delay)
	}
	env := map[string]string{"AUTH_PROVIDERS": "dir", "LOG_LEVEL": "warn", "SESSION_COOKIE_NAME": sessionCookie}
	provider(env, "DIR", map[string]string{
		"DRIVER": "ldap", "CLIENT_URL": directory.URL(), "ALLOW_INSECURE_PLAINTEXT": "true", "ALLOW_PUBLIC_REGISTRATION": "true",
		"BIND_DN": loadReader, "BIND_PASSWORD": loadPassword, "USER_DN": loadBase, "USER_SCOPE": "sub", "USER_ATTRIBUTE": "uid",
	})
	maps.Copy(env, database)
	host, err := StartHost(b.Context(), HostConfig{Binary: program, Plugins: plugins, Env: env})
	if err != nil {
		b.Fatal(err)
	}
	s.hosts = []*Host{host}
	b.Cleanup(func() {
		if err := host.Remove(); err != nil {
			b.Error(err)
		}
	})
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	b.Cleanup(transport.CloseIdleConnections)
	s.client = &http.Client{Transport: transport}
	return s
}

// slowSyncs makes a program that runs another one under strace, which delays the return of
// each sync and writes a line for it. It stops the program for nothing else.
func slowSyncs(b *testing.B, program string, delay time.Duration) (slow, trace string) {
	b.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		missing(b, "strace: install with apt-get install strace")
	}
	if out, err := exec.Command(strace, "-D", "-f", "--seccomp-bpf", "-qq", "-o", os.DevNull, "-e", "trace=fsync", "true").CombinedOutput(); err != nil {
		b.Skipf("strace cannot trace here: %v: %s", err, out)
	}
	dir := b.TempDir()
	slow, trace = filepath.Join(dir, "slow"), filepath.Join(dir, "trace")
	// -D: the program keeps the process ID.
	script := fmt.Sprintf("#!/bin/sh\nexec %s -D -f --seccomp-bpf -qq -o %s -e trace=fsync,fdatasync -e signal=none -e inject=fsync,fdatasync:delay_exit=%d %s \"$@\"\n",
		strace, trace, delay.Microseconds(), program)
	if err := os.WriteFile(slow, []byte(script), 0o700); err != nil {
		b.Fatal(err)
	}
	return slow, trace
}

// rateSpan is how long one round of one side takes.
const rateSpan = 300 * time.Millisecond

// round returns the logins a second, and for each of them the CPU time of hosts and
// plugins, that of the database, and the syncs.
func (s *rateSide) round(b *testing.B, atOnce int) map[string]float64 {
	b.Helper()
	var programs []int
	for _, host := range s.hosts {
		programs = append(append(programs, host.PID()), host.Plugins()...)
	}
	cpu, database, syncs := cpuTime(b, programs...), s.ofDatabase(b), s.syncs(b)
	var made atomic.Int64
	rate := throughput(b, atOnce, rateSpan, func(n int64) error {
		made.Add(1)
		return s.login(b.Context(), n)
	})
	of := func(all float64) float64 { return all / float64(made.Load()) }
	figures := map[string]float64{"/s": rate, "-cpu-µs": of(float64((cpuTime(b, programs...) - cpu).Microseconds()))}
	if s.trace != "" {
		figures["-syncs"] = of(float64(s.syncs(b) - syncs))
	}
	if s.others != nil {
		figures["-database-µs"] = of(float64((s.ofDatabase(b) - database).Microseconds()))
	}
	return figures
}

// ofDatabase is the CPU time of the database's processes; none of them ends during a round.
func (s *rateSide) ofDatabase(b *testing.B) time.Duration {
	b.Helper()
	if s.others == nil {
		return 0
	}
	pids, err := s.others()
	if err != nil {
		b.Fatal(err)
	}
	return cpuTime(b, pids...)
}

// syncs is the number of syncs so far.
func (s *rateSide) syncs(b *testing.B) int {
	b.Helper()
	if s.trace == "" {
		return 0
	}
	text, err := os.ReadFile(s.trace)
	if err != nil {
		b.Fatal(err)
	}
	return bytes.Count(text, []byte("sync("))
}

func (s *rateSide) login(ctx context.Context, n int64) error {
	body := fmt.Sprintf(`{"identifier":%q,"password":%q}`, benchPerson(int(n)), loadPassword)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.hosts[int(n)%len(s.hosts)].URL+"/auth/login/dir", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("signing in: %s: %s", resp.Status, text)
	}
	return err
}
