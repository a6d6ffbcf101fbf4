package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestJ09_Silence: a server that falls silent at any step costs no more than the time limits,
// and leaves nothing behind.
func TestJ09_Silence(t *testing.T) {
	const limit = 150 * time.Millisecond
	for name, test := range map[string]struct {
		config ldaptest.Config
		values map[string]any
		flaw   ldaptest.Misbehaviour
	}{
		"connect": {ldaptest.Config{LDAPS: true}, nil, ldaptest.On(ldaptest.Connect, ldaptest.Silent)},
		"no TLS hello": {ldaptest.Config{}, map[string]any{"start_tls": true}, ldaptest.On(ldaptest.StartTLS, func(r ldaptest.Request) bool {
			r.Send(ldaptest.Result(r.ID, ldaptest.StartTLS, ldaptest.Answer{}))
			r.Stall()
			return true
		})},
		"StartTLS":      {ldaptest.Config{}, map[string]any{"start_tls": true}, ldaptest.On(ldaptest.StartTLS, ldaptest.Silent)},
		"half StartTLS": {ldaptest.Config{}, map[string]any{"start_tls": true}, ldaptest.On(ldaptest.StartTLS, ldaptest.Truncated)},
		"bind":          {ldaptest.Config{}, nil, ldaptest.On(ldaptest.Bind, ldaptest.Silent)},
		"search":        {ldaptest.Config{}, nil, ldaptest.On(ldaptest.Search, ldaptest.Silent)},
		"half a search": {ldaptest.Config{}, nil, ldaptest.On(ldaptest.Search, ldaptest.Truncated)},
		"half a bind":   {ldaptest.Config{LDAPS: true}, nil, ldaptest.On(ldaptest.Bind, ldaptest.Truncated)},
		"user's bind":   {ldaptest.Config{}, nil, ldaptest.On(ldaptest.Bind, func(r ldaptest.Request) bool { return r.DN == aliceDN && ldaptest.Silent(r) })},
	} {
		t.Run(name, func(t *testing.T) {
			dir := start(t, test.config)
			dir.Misbehave(test.flaw)
			values := map[string]any{"connect_timeout": limit.String(), "operation_timeout": limit.String()}
			for k, v := range test.values {
				values[k] = v
			}
			l := openLocal(t, nil, values, dir)
			before := runtime.NumGoroutine()
			begin := time.Now()
			_, err := l.enter(t.Context(), "alice", alicePassword)
			plugintest.Refused(t, err, sdk.ErrUnavailable, directory.ReasonUnreachable)
			if took := time.Since(begin); took < limit || took > 20*limit {
				t.Errorf("took %v, the limit is %v", took, limit)
			}
			_ = l.Close()
			eventually(t, "all connections are closed", func() bool { return dir.Open() == 0 })
			eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
		})
	}
}

// TestJ09_CallerGoesAway: the end of the call ends the work at once.
func TestJ09_CallerGoesAway(t *testing.T) {
	for _, op := range []ldaptest.Operation{ldaptest.Bind, ldaptest.Search} {
		dir := start(t, ldaptest.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		dir.Misbehave(ldaptest.On(op, func(r ldaptest.Request) bool {
			cancel()
			return ldaptest.Silent(r)
		}))
		l := openLocal(t, nil, map[string]any{"operation_timeout": "60s"}, dir)
		if _, err := l.enter(ctx, "alice", alicePassword); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", op, err)
		}
		dir.Misbehave(nil)
		step, err := l.enter(t.Context(), "alice", alicePassword) // which is not a failure of the server
		identityOf(t, step, err)
	}
}

// TestJ12_MalformedMessages: malformed messages end the connection, not the plugin.
func TestJ12_MalformedMessages(t *testing.T) {
	for name, flaw := range map[string]ldaptest.Misbehaviour{
		"2 GiB":             ldaptest.HugeLength,
		"10,000 levels":     ldaptest.Deep(10_000),
		"another message":   ldaptest.WrongID,
		"half a message":    ldaptest.Truncated,
		"disconnection":     ldaptest.Disconnection,
		"hang up":           ldaptest.HangUp,
		"not BER":           raw([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")),
		"indefinite length": raw([]byte{0x30, 0x80, 0x02, 0x01, 0x02, 0x00, 0x00}),
		"empty message":     raw([]byte{0x30, 0x00}),
		"no operation":      raw([]byte{0x30, 0x03, 0x02, 0x01, 0x02}),
		"empty operation":   raw([]byte{0x30, 0x05, 0x02, 0x01, 0x02, 0x61, 0x00}),
		"high tag":          raw([]byte{0x30, 0x05, 0x02, 0x01, 0x02, 0x7f, 0x00}),
		"no end":            raw([]byte{0x30, 0x0a, 0x02, 0x01, 0x02, 0x61, 0x7f, 0x0a, 0x01, 0x00, 0x04, 0x00}),
		"odd result code":   raw([]byte{0x30, 0x0c, 0x02, 0x01, 0x02, 0x61, 0x07, 0x0a, 0x01, 0xff, 0x04, 0x00, 0x04, 0x00}),
		"long result code":  raw([]byte{0x30, 0x0e, 0x02, 0x01, 0x02, 0x61, 0x09, 0x0a, 0x03, 0x01, 0x00, 0x00, 0x04, 0x00, 0x04, 0x00}),
	} {
		for _, op := range []ldaptest.Operation{ldaptest.Bind, ldaptest.Search} {
			t.Run(name+" "+string(op), func(t *testing.T) {
				dir := start(t, ldaptest.Config{})
				r := openRig(t, map[string]any{"operation_timeout": "300ms"}, dir)
				r.signIn("alice", alicePassword)
				dir.Misbehave(ldaptest.On(op, flaw))
				step, err := r.enter("alice", alicePassword)
				if _, ok := step.(sdk.Authenticated); ok || err == nil {
					t.Errorf("got %T, %v", step, err)
				}
				if !errors.Is(err, sdk.ErrUnavailable) {
					t.Errorf("error: %v", err)
				}
				dir.Misbehave(nil)
				r.signIn("alice", alicePassword)
			})
		}
	}
}

func raw(data []byte) ldaptest.Misbehaviour {
	return func(r ldaptest.Request) bool {
		r.Send(data)
		r.Stall()
		return true
	}
}

// TestJ13_Floods: what a server sends is bounded in entries, bytes and values.
func TestJ13_Floods(t *testing.T) {
	for name, flaw := range map[string]ldaptest.Misbehaviour{
		"entries without end": ldaptest.Flood(people),
		"100 MB in one value": ldaptest.Photograph(100 << 20),
		"a million values":    ldaptest.Crowded(1_000_000),
		"60,000 small values": ldaptest.Crowded(60_000),
		"references for ever": func(r ldaptest.Request) bool {
			return flood(r, ldaptest.SearchReference(r.ID, "ldap://x/"+strings.Repeat("y", 5000)))
		},
		"messages of no id": func(r ldaptest.Request) bool { return flood(r, ldaptest.SearchReference(0, strings.Repeat("y", 5000))) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := start(t, ldaptest.Config{Entries: entries(group("staff", "member", aliceDN))})
			dir.Misbehave(func(r ldaptest.Request) bool {
				return r.Operation == ldaptest.Search && strings.HasPrefix(r.DN, "ou=groups") && flaw(r)
			})
			l := openLocal(t, nil, map[string]any{"group_dn": "ou=groups," + base, "operation_timeout": "5s"}, dir)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			peak := watchMemory(t)
			step, err := l.enter(t.Context(), "alice", alicePassword)
			most := peak()
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Errorf("got %T", step)
			}
			if grown := int64(most) - int64(before.HeapAlloc); grown > 400<<20 {
				t.Errorf("the heap grew by %d MiB", grown>>20)
			}
		})
	}
}

func flood(r ldaptest.Request, message []byte) bool {
	for range 20_000 {
		r.Send(message)
	}
	return true
}

// watchMemory samples the heap until the returned function is called.
func watchMemory(t *testing.T) func() uint64 {
	t.Helper()
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				peak <- most
				return
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
	}()
	return func() uint64 {
		close(done)
		return <-peak
	}
}

// TestJ13_AsksForLittle: searches name their attributes, so that photographs are not sent,
// and request two entries.
func TestJ13_AsksForLittle(t *testing.T) {
	dir := start(t, ldaptest.Config{Entries: entries(person("carol", "secret", map[string][]string{"jpegPhoto": {strings.Repeat("x", 10<<20)}}))})
	openRig(t, nil, dir).signIn("carol", "secret")
}

// TestJ18_Failover: logins continue when one server fails in any way.
func TestJ18_Failover(t *testing.T) {
	for name, down := range map[string]func(*ldaptest.Directory){
		"stopped":      (*ldaptest.Directory).Stop,
		"silent":       func(d *ldaptest.Directory) { d.Misbehave(ldaptest.Silent) },
		"silent later": func(d *ldaptest.Directory) { d.Misbehave(ldaptest.On(ldaptest.Bind, ldaptest.Silent)) },
		"hangs up":     func(d *ldaptest.Directory) { d.Misbehave(ldaptest.HangUp) },
		"busy":         func(d *ldaptest.Directory) { d.Misbehave(notOnConnect(ldaptest.Reply(ldaptest.Answer{Code: 51}))) },
		"unavailable":  func(d *ldaptest.Directory) { d.Misbehave(notOnConnect(ldaptest.Reply(ldaptest.Answer{Code: 52}))) },
		"nonsense":     func(d *ldaptest.Directory) { d.Misbehave(ldaptest.HugeLength) },
	} {
		t.Run(name, func(t *testing.T) {
			first, second := start(t, ldaptest.Config{}), start(t, ldaptest.Config{})
			r := openRig(t, map[string]any{"connect_timeout": "200ms", "operation_timeout": "200ms"}, first, second)
			r.signIn("alice", alicePassword)
			if got := second.Counts().Connections; got != 0 {
				t.Errorf("%d connections to the second server while the first one serves", got)
			}
			down(first)
			begin := time.Now()
			r.signIn("alice", alicePassword)
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("the first login after took %v", took)
			}
			asked := first.Counts()
			for range 5 {
				r.signIn("bob", "builder")
			}
			// One probe may have gone there in the meantime.
			if got := first.Counts(); got.Binds > asked.Binds+1 {
				t.Errorf("the server that fails was asked again: %+v, then %+v", asked, got)
			}
		})
	}
}

func notOnConnect(m ldaptest.Misbehaviour) ldaptest.Misbehaviour {
	return func(r ldaptest.Request) bool { return r.Operation != ldaptest.Connect && m(r) }
}

// TestJ18_WrongPasswordOnce: a wrong password is a final answer. It is not tried on another
// server, because each attempt counts there.
func TestJ18_WrongPasswordOnce(t *testing.T) {
	first, second := start(t, ldaptest.Config{}), start(t, ldaptest.Config{})
	r := openRig(t, nil, first, second)
	for _, name := range []string{"alice", "nobody"} {
		step, err := r.enter(name, "wrong")
		wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	}
	if got := second.Counts(); got.Connections != 0 || first.Counts().Binds != 3 {
		t.Errorf("binds: %q and %q", first.Binds(), second.Binds())
	}
	first.Change(func(list []ldaptest.Entry) []ldaptest.Entry {
		list[5].Any = &ldaptest.Answer{Code: 14} // an unusual answer, but an answer
		return list
	})
	_, err := r.enter("alice", alicePassword)
	plugintest.Refused(t, err, sdk.ErrUnavailable, directory.ReasonSearchRefused)
	if got := second.Counts().Connections; got != 0 {
		t.Errorf("another server is asked about what the first one has answered: %q", second.Binds())
	}
}

// TestJ18_Deadline: many silent servers together do not exceed the time of the call.
func TestJ18_Deadline(t *testing.T) {
	var dirs []*ldaptest.Directory
	for range 5 {
		dir := start(t, ldaptest.Config{})
		dir.Misbehave(ldaptest.Silent)
		dirs = append(dirs, dir)
	}
	good := start(t, ldaptest.Config{})
	l := openLocal(t, nil, map[string]any{"connect_timeout": "5s", "operation_timeout": "5s"}, append(dirs, good)...)
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := l.enter(ctx, "alice", alicePassword)
	if took := time.Since(begin); took > 4*time.Second { // one server alone may take 5 s
		t.Errorf("took %v", took)
	}
	if err != nil {
		plugintest.Refused(t, err, sdk.ErrUnavailable, directory.ReasonUnreachable)
	}
}

// TestServerComesBack: a probe, and not a user, finds that a server works again, and then the
// order of the operator applies again.
func TestServerComesBack(t *testing.T) {
	first, second := start(t, ldaptest.Config{}), start(t, ldaptest.Config{})
	now := plugintest.NewClock()
	l := openLocal(t, func(env *sdk.Env) { env.Now = now.Now }, nil, first, second)
	enter := func() {
		t.Helper()
		step, err := l.enter(t.Context(), "alice", alicePassword)
		identityOf(t, step, err)
	}
	enter()
	first.Stop()
	enter()
	first.Restart(t)
	now.Advance(3 * time.Minute)
	enter() // starts the probe
	eventually(t, "the probe reached the first server", func() bool {
		servers, err := l.directory.Candidates(t.Context())
		return err == nil && servers[0].Address == first.Address()
	})
	before := second.Counts().Binds
	enter()
	if got := second.Counts().Binds; got != before {
		t.Error("the second server is still asked")
	}
}

// TestLoneServerComesBack: with a single server, the first login after it returns works.
func TestLoneServerComesBack(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	r := openRig(t, nil, dir)
	r.signIn("alice", alicePassword)
	dir.Stop()
	_, err := r.enter("alice", alicePassword)
	plugintest.Refused(t, err, sdk.ErrUnavailable, directory.ReasonUnreachable)
	dir.Restart(t)
	r.signIn("alice", alicePassword)
}

// TestStaleConnections: closing idle connections is not a failure of the server.
func TestStaleConnections(t *testing.T) {
	first, second := start(t, ldaptest.Config{}), start(t, ldaptest.Config{})
	r := openRig(t, nil, first, second)
	for range 3 {
		r.signIn("alice", alicePassword)
		first.HangUp()
	}
	if got := second.Counts().Connections; got != 0 {
		t.Errorf("%d connections to the second server", got)
	}
}

// TestIdleConnectionsAreNotTrusted: firewalls drop idle connections silently.
func TestIdleConnectionsAreNotTrusted(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	now := plugintest.NewClock()
	r := openRigAt(t, now.Now, nil, dir)
	r.signIn("alice", alicePassword)
	now.Advance(directory.MaxIdle)
	r.signIn("alice", alicePassword)
	if got := dir.Counts().Connections; got != 4 {
		t.Errorf("%d connections, want 4: two to search, two to bind", got)
	}
}

// TestDroppedConnections: firewalls drop connections that were in use a moment ago. The next
// user waits for a part of the time limit, and does not have to enter anything twice.
func TestDroppedConnections(t *testing.T) {
	const limit = 2400 * time.Millisecond
	for name, others := range map[string]int{"one server": 0, "two servers": 1} {
		t.Run(name, func(t *testing.T) {
			first, second := start(t, ldaptest.Config{}), start(t, ldaptest.Config{})
			r := openRig(t, map[string]any{"operation_timeout": limit.String()}, []*ldaptest.Directory{first, second}[:1+others]...)
			var group sync.WaitGroup
			for range 4 { // several connections in the pool
				group.Go(func() { r.signIn("alice", alicePassword) })
			}
			group.Wait()
			grant := r.signIn("alice", alicePassword).Grant
			first.Forget()
			before := len(first.Binds())
			begin := time.Now()
			r.signIn("alice", alicePassword)
			if took := time.Since(begin); took > limit/2 {
				t.Errorf("the next login took %v, the time limit is %v", took, limit)
			}
			if got := first.Binds()[before:]; !slices.Equal(got, []string{readerDN, aliceDN}) {
				t.Errorf("the binds %q", got)
			}
			begin = time.Now()
			r.signIn("bob", "builder")
			if took := time.Since(begin); took > limit/4 {
				t.Errorf("the other connections of the pool are believed in still: %v", took)
			}
			first.Forget()
			if _, err := r.provider.Refresh(t.Context(), grant); err != nil {
				t.Errorf("refresh: %v", err)
			}
			if got := second.Counts().Connections; got != 0 {
				t.Errorf("%d connections to the second server", got)
			}
		})
	}
}

// TestSlowSearches: searches on a server that is slower than the timeout for pooled
// connections are repeated only until that is known.
func TestSlowSearches(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	r := openRig(t, map[string]any{"operation_timeout": "1200ms"}, dir)
	r.signIn("alice", alicePassword)
	const slow = 450 * time.Millisecond // more than a quarter
	dir.Misbehave(ldaptest.On(ldaptest.Search, func(ldaptest.Request) bool {
		<-time.After(slow)
		return false
	}))
	r.signIn("alice", alicePassword)
	before := dir.Counts().Searches
	r.signIn("alice", alicePassword)
	r.signIn("bob", "builder")
	if got := dir.Counts().Searches - before; got != 2 {
		t.Errorf("%d searches for two logins", got)
	}
}

// TestOneHangCountsOnce: if a server falls silent while many operations wait for it, one
// failure is counted, so that the server is used again soon after it returns.
func TestOneHangCountsOnce(t *testing.T) {
	first, second := start(t, ldaptest.Config{}), start(t, ldaptest.Config{})
	now := plugintest.NewClock()
	l := openLocal(t, func(env *sdk.Env) { env.Now = now.Now }, map[string]any{"connect_timeout": "300ms", "operation_timeout": "300ms"}, first, second)
	const several = 12
	var waiting sync.WaitGroup
	waiting.Add(several)
	first.Misbehave(ldaptest.On(ldaptest.Bind, func(r ldaptest.Request) bool {
		if r.DN == readerDN {
			return false
		}
		waiting.Done()
		waiting.Wait() // until all are there
		return ldaptest.Silent(r)
	}))
	var group sync.WaitGroup
	for range several {
		group.Go(func() {
			step, err := l.enter(t.Context(), "alice", alicePassword)
			identityOf(t, step, err)
		})
	}
	group.Wait()
	first.Misbehave(nil)
	now.Advance(3 * time.Second) // slightly more than the first pause
	eventually(t, "the preferred server is used again", func() bool {
		servers, err := l.directory.Candidates(t.Context())
		return err == nil && servers[0].Address == first.Address()
	})
}

// TestManyAtOnce: 40 concurrent logins of 40 users, and of one user; none of them waits
// indefinitely.
func TestManyAtOnce(t *testing.T) {
	var people []ldaptest.Entry
	for i := range 40 {
		people = append(people, person("user"+strconv.Itoa(i), "secret", nil))
	}
	dir := start(t, ldaptest.Config{Entries: entries(people...)})
	for name, who := range map[string]func(int) string{
		"40 people": func(i int) string { return "user" + strconv.Itoa(i) },
		"one":       func(int) string { return "user1" },
	} {
		t.Run(name, func(t *testing.T) {
			r := openRig(t, map[string]any{"pool_size": 2}, dir)
			var signedIn atomic.Int32
			var group sync.WaitGroup
			for i := range 40 {
				group.Go(func() {
					step, err := r.enter(who(i), "secret")
					if done, ok := step.(sdk.Authenticated); ok && done.Identity.Subject == "uuid-of-"+who(i) {
						signedIn.Add(1)
						return
					}
					t.Errorf("%s: %T, %v", who(i), step, err)
				})
			}
			group.Wait()
			if signedIn.Load() != 40 {
				t.Errorf("%d of 40", signedIn.Load())
			}
		})
	}
}

// TestSRV: the DNS provides the servers within the domain of the operator, and the
// certificate must be for the name in the DNS.
func TestSRV(t *testing.T) {
	first, second := start(t, ldaptest.Config{LDAPS: true, CertificateFor: "one.example.com"}), start(t, ldaptest.Config{LDAPS: true, CertificateFor: "two.example.com"})
	first.Stop()
	hosts := map[string]*ldaptest.Directory{"one.example.com": first, "two.example.com": second}
	dns := startDNS(t, map[string][]dnsmessage.SRVResource{
		"_ldaps._tcp.example.com.": {
			{Priority: 2, Weight: 1, Port: 636, Target: dnsmessage.MustNewName("two.example.com.")},
			{Priority: 1, Weight: 1, Port: 636, Target: dnsmessage.MustNewName("one.example.com.")},
			{Priority: 0, Weight: 1, Port: 636, Target: dnsmessage.MustNewName("elsewhere.example.net.")},
		},
		"_ldaps._tcp.example.net.":                         {{Port: 636, Target: dnsmessage.MustNewName("two.example.com.")}},
		"_ldaps._tcp.Berlin._sites.dc._msdcs.example.com.": {{Port: 636, Target: dnsmessage.MustNewName("two.example.com.")}},
		"_ldaps._tcp.Paris._sites.dc._msdcs.example.com.":  {{Port: 636, Target: dnsmessage.MustNewName("elsewhere.example.net.")}},
		"_ldaps._tcp._sites.":                              {{Port: 636, Target: dnsmessage.MustNewName("two.example.com.")}},
		"_ldaps._tcp.none.example.":                        {{Port: 0, Target: dnsmessage.MustNewName(".")}},
	})
	var asked []string
	var mu sync.Mutex
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, _ := net.SplitHostPort(address)
		if port == "53" {
			return (&net.Dialer{}).DialContext(ctx, "udp", dns)
		}
		mu.Lock()
		asked = append(asked, address)
		mu.Unlock()
		dir := hosts[host]
		if dir == nil {
			return nil, fmt.Errorf("no such host %s", address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, dir.Address())
	}
	for name, test := range map[string]struct {
		url    string
		server string // tls_server_name
		ok     bool
	}{
		"records":                          {"ldaps+srv://example.com", "", true},
		"no records":                       {"ldaps+srv://example.org", "", false},
		"not available":                    {"ldaps+srv://none.example", "", false},
		"of a site":                        {"ldaps+srv://Berlin._sites.dc._msdcs.example.com", "", true},
		"of a site, then of the domain":    {"ldaps+srv://Berlin._sites.dc._msdcs.example.com, ldaps+srv://example.com", "", true},
		"J10 of a site, of another domain": {"ldaps+srv://Paris._sites.dc._msdcs.example.com", "", false},
		"J10 of a site of no domain":       {"ldaps+srv://_sites", "", false},
		// An attacker who can answer DNS queries can have a certificate for their own name.
		"J10 of another domain":        {"ldaps+srv://example.net", "", false},
		"another domain, but one name": {"ldaps+srv://example.net", "two.example.com", true},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLocal(t, func(env *sdk.Env) { env.Dial = dial }, map[string]any{
				"client_url": test.url, "tls_ca": second.CA(), "tls_server_name": test.server,
			}, second)
			asked = nil
			step, err := l.enter(t.Context(), "alice", alicePassword)
			if !test.ok {
				plugintest.Refused(t, err, sdk.ErrUnavailable, directory.ReasonServerLookup)
				if len(asked) > 0 {
					t.Errorf("asked %q", asked)
				}
				return
			}
			identityOf(t, step, err)
			first := "one.example.com:636" // the lower priority
			if strings.Contains(test.url, "_sites") {
				first = "two.example.com:636"
			}
			if test.server == "" && asked[0] != first {
				t.Errorf("asked %q, want %s first", asked, first)
			}
		})
	}
}

// startDNS answers SRV queries over UDP.
func startDNS(t *testing.T, records map[string][]dnsmessage.SRVResource) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			buf := make([]byte, 1500)
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var msg dnsmessage.Message
			if msg.Unpack(buf[:n]) != nil || len(msg.Questions) != 1 {
				continue
			}
			msg.Response, msg.Authoritative, msg.Additionals = true, true, nil
			question := msg.Questions[0]
			for _, record := range records[question.Name.String()] {
				msg.Answers = append(msg.Answers, dnsmessage.Resource{
					Header: dnsmessage.ResourceHeader{Name: question.Name, Type: dnsmessage.TypeSRV, Class: dnsmessage.ClassINET, TTL: 1},
					Body:   &record,
				})
			}
			if len(msg.Answers) == 0 {
				msg.RCode = dnsmessage.RCodeNameError
			}
			if out, err := msg.Pack(); err == nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return conn.LocalAddr().String()
}

// TestSocket: ldapi is as secure as the machine.
func TestSocket(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "unix" || address != "/run/slapd/ldapi" {
			t.Errorf("dialling %s %s", network, address)
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", dir.Address())
	}
	l := openLocal(t, func(env *sdk.Env) { env.Dial = dial }, map[string]any{"client_url": "ldapi://%2Frun%2Fslapd%2Fldapi"}, dir)
	step, err := l.enter(t.Context(), "alice", alicePassword)
	identityOf(t, step, err)
}
