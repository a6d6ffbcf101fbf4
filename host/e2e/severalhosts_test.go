package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/store/pgtest"
)

// atOnce is for tests in which it does not matter how a host ends.
var atOnce = map[string]string{"SHUTDOWN_DELAY": "0"}

// Two hosts behind HAProxy, which sends requests to them by turns, behave as one.
func TestSeveralHosts(t *testing.T) {
	for name, bouncer := range map[string]bool{"PostgreSQL": false, "through pgbouncer": true} {
		t.Run(name, func(t *testing.T) {
			c := startCluster(t, bouncer, atOnce)
			t.Run("logins", func(t *testing.T) { testLoginsAtSeveral(t, c) })
			t.Run("refreshes", func(t *testing.T) { testRefreshesAtSeveral(t, c) })
			t.Run("revocation", func(t *testing.T) { testRevocationAtSeveral(t, c) })
			t.Run("limits", func(t *testing.T) { testLimitsOfSeveral(t, c) })
			t.Run("keys", func(t *testing.T) { testKeysOfSeveral(t, c) })
			for _, host := range c.hosts {
				if log := c.log(t); !strings.Contains(log, serverName(c, host)) {
					t.Errorf("HAProxy sent nothing to %s:\n%s", serverName(c, host), log)
				}
			}
		})
	}
}

// serverName is the name of a host in HAProxy's log.
func serverName(c *cluster, host *testHost) string {
	if host == c.hosts[0] {
		return "] one "
	}
	return "] two "
}

func testLoginsAtSeveral(t *testing.T, c *cluster) {
	for _, provider := range []string{"fake", "idp", "directory"} {
		for range 4 {
			_, token := c.signIn(t, provider, "session")
			for i, host := range c.hosts {
				if status := c.direct(host, token); status != http.StatusOK {
					t.Errorf("%s, at host %d: %d", provider, i, status)
				}
			}
		}
	}
}

// The provider is asked only once for each token, although it answers slowly.
func testRefreshesAtSeveral(t *testing.T, c *cluster) {
	transport := c.outside(t)
	for _, mode := range []string{"json", "session"} {
		_, token := c.signIn(t, "fake", mode)
		for round := range 3 {
			before := c.refreshes.Load()
			nexts := make([]string, 100)
			var tabs sync.WaitGroup
			for i := range nexts {
				tabs.Go(func() {
					var status int
					if status, nexts[i] = c.refresh(t, transport, mode, token); status != http.StatusOK {
						t.Errorf("%s, round %d, a tab: %d", mode, round, status)
					}
				})
			}
			tabs.Wait()
			for _, next := range nexts {
				if next != nexts[0] || next == token || next == "" {
					t.Fatalf("%s, round %d: the tabs got more than one token", mode, round)
				}
			}
			if asked := c.refreshes.Load() - before; asked != 1 {
				t.Errorf("%s, round %d: the provider was asked %d times", mode, round, asked)
			}
			c.want(t, "current tokens", 1, "doorward.session_tokens WHERE spent_at IS NULL AND session_pk = (SELECT max(pk) FROM doorward.sessions)")
			token = nexts[0]
		}
	}
	c.want(t, "leases that are left", 0, "doorward.sessions WHERE leased_by IS NOT NULL")
}

// Anything that ends a session at one host ends it at all hosts within a second.
func testRevocationAtSeveral(t *testing.T, c *cluster) {
	for what, end := range map[string]func(person *agent){
		"logout": func(person *agent) {
			wantStatus(t, "logout", person.call(http.MethodPost, "/auth/logout", map[string]string{"mode": "session"}, nil), http.StatusNoContent)
		},
		"logout at the provider": func(*agent) {
			message, err := c.op.LogoutToken("doorward", "alice", "")
			if err != nil {
				t.Fatal(err)
			}
			c.public.secrets.add("logout token", message)
			client := c.client(t)
			resp, err := client.PostForm(c.public.URL+"/auth/login/fake/logout", url.Values{"logout_token": {message}}) //nolint:noctx // bounded by HAProxy
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("back-channel logout: %s", resp.Status)
			}
		},
		"suspended": func(*agent) {
			c.server.Exec(t, c.database, "UPDATE doorward.users SET status = 'suspended'")
		},
	} {
		person, token := c.signIn(t, "fake", "session")
		for _, host := range c.hosts {
			c.direct(host, token) // puts the session into the host's memory
		}
		end(person)
		ended := time.Now()
		for i, host := range c.hosts {
			again := time.NewTicker(5 * time.Millisecond)
			defer again.Stop()
			for ; ; <-again.C {
				asked := time.Now()
				status := c.direct(host, token)
				if status == http.StatusUnauthorized || status == http.StatusForbidden {
					break
				}
				if late := asked.Sub(ended); late > time.Second || status != http.StatusOK {
					t.Fatalf("%s: host %d answers %d, %v afterwards", what, i, status, late)
				}
			}
		}
		c.server.Exec(t, c.database, "UPDATE doorward.users SET status = 'active'")
	}
}

// Somebody guesses a password at both hosts by turns. Each alone would allow ten tries.
// Their common count lags by the second in which they exchange counts.
func testLimitsOfSeveral(t *testing.T, c *cluster) {
	const each, late = 10, 5 // late is generous, and half of what a second host would allow
	at := func(host *testHost, address, name, password string) (status int) {
		t.Helper()
		client := http.Client{Transport: from{address, http.DefaultTransport}}
		body := `{"identifier":"` + name + `","password":"` + password + `","mode":"json"}`
		resp, err := client.Post("http://"+addressOf(host)+"/auth/login/directory", "application/json", strings.NewReader(body)) //nolint:noctx // a test's own host
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	const guesser, name = "192.0.2.66", "person7"
	second := time.NewTicker(time.Second)
	defer second.Stop()
	judged, refused := 0, 0
	for n := 0; refused < len(c.hosts); n++ { // until both refuse, one after the other
		switch status := at(c.hosts[n%2], guesser, name, "guessed"); status {
		case http.StatusUnauthorized:
			judged, refused = judged+1, 0
		case http.StatusTooManyRequests:
			refused++
		default:
			t.Fatalf("guess %d: %d", n, status)
		}
		if judged > each+late {
			t.Fatalf("%d guesses at two hosts were judged, want %d and those of about a second", judged, each)
		}
		<-second.C
	}
	t.Logf("%d guesses were judged", judged)
	if judged < each {
		t.Errorf("%d guesses were judged, want at least %d: something is counted twice", judged, each)
	}
	for i, host := range c.hosts {
		for what, c := range map[string]struct {
			address, name string
			want          int
		}{
			"the right password, where it was guessed at": {guesser, name, http.StatusTooManyRequests},
			"that person, elsewhere":                      {"192.0.2.1", name, http.StatusOK},
			"somebody else at the same address":           {guesser, "person8", http.StatusOK},
			"somebody else":                               {"192.0.2.2", "person9", http.StatusOK},
		} {
			if status := at(host, c.address, c.name, loadPassword); status != c.want {
				t.Errorf("%s, at host %d: %d, want %d", what, i, status, c.want)
			}
		}
	}
}

// Keys are replaced through the socket of one host. The other one accepts the new key at
// once, and refuses tokens that deleted keys signed.
func testKeysOfSeveral(t *testing.T, c *cluster) {
	one, two := c.hosts[0], c.hosts[1]
	_, token := c.signIn(t, "fake", "json")
	signed := func(host *testHost) (access string) {
		t.Helper()
		access, token = c.refreshDirectly(t, host, token)
		return access
	}
	wantGood := func(what, access string) {
		t.Helper()
		for i, host := range []*testHost{two, one} {
			if status := bearerAt(t, host, access); status != http.StatusOK {
				t.Errorf("%s, at the host that is %d hosts away: %d", what, 1-i, status)
			}
		}
	}
	later := func() { // than the time that a new key is published before it signs
		c.server.Exec(t, c.database, "UPDATE doorward.signing_keys SET created_at = created_at - 11 * 60 * 1000")
	}
	later()
	before := signed(two)
	if out := one.mustRun(t, "keys", "rotate"); !strings.Contains(out, "is published, and signs from") {
		t.Errorf("rotating: %s", out)
	}
	eventually(t, "both hosts to publish the same keys, and the new one", func() bool {
		published := one.published(t)
		return len(published) >= 2 && slices.Equal(published, two.published(t))
	})
	later()
	after := before
	eventually(t, "a host to sign with the new key", func() bool {
		after = signed(one)
		return keyOf(t, after) != keyOf(t, before)
	})
	wantGood("a token by the new key", after)
	wantGood("a token by the key before", before)

	replaceAll := func() {
		t.Helper()
		if out := one.mustRun(t, "keys", "rotate", "--now", "--yes"); !strings.Contains(out, "signs now; keys deleted: ") {
			t.Errorf("rotating at once: %s", out)
		}
	}
	wantRefused := func(what, access string) {
		t.Helper()
		if status := bearerAt(t, one, access); status != http.StatusForbidden {
			t.Errorf("%s, at the host that deleted its key: %d", what, status)
		}
		begun := time.Now()
		eventually(t, "the other host to refuse "+what, func() bool { return bearerAt(t, two, access) == http.StatusForbidden })
		t.Logf("%s was refused at the other host %v later", what, time.Since(begun).Round(time.Millisecond))
	}
	replaceAll()
	newest := signed(one)
	wantGood("a token by the key that has replaced all", newest) // the host that did not make the key is asked first
	wantRefused("a token by the key before", after)
	wantRefused("a token by the one before that", before)
	replaceAll() // and no token tells the other host that there is a newer key
	wantRefused("a token by the key that had replaced all", newest)
	again := signed(two)
	if keyOf(t, again) == keyOf(t, newest) {
		t.Error("the other host signs with a key that was deleted")
	}
	wantGood("a token of the session that goes on", again)
	if one, two := one.published(t), two.published(t); len(one) != 1 || !slices.Equal(one, two) {
		t.Errorf("published keys: %v, %v", one, two)
	}
}

// refreshDirectly refreshes at this host.
func (c *cluster) refreshDirectly(t *testing.T, host *testHost, token string) (access, next string) {
	t.Helper()
	body := `{"mode":"json","refresh_token":"` + token + `"}`
	resp, err := http.Post("http://"+addressOf(host)+"/auth/refresh", "application/json", strings.NewReader(body)) //nolint:noctx // a test's own host
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got envelope
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || got.Data.AccessToken == "" {
		t.Fatalf("refreshing: %s, %v", resp.Status, err)
	}
	c.public.secrets.add("access token", got.Data.AccessToken)
	c.public.secrets.add("refresh token", got.Data.RefreshToken)
	return got.Data.AccessToken, got.Data.RefreshToken
}

func keyOf(t *testing.T, access string) string {
	t.Helper()
	header, _, _ := strings.Cut(access, ".")
	text, err := base64.RawURLEncoding.DecodeString(header)
	var read struct {
		KeyID string `json:"kid"`
	}
	if err != nil || json.Unmarshal(text, &read) != nil {
		t.Fatalf("header of an access token: %q", header)
	}
	return read.KeyID
}

func bearerAt(t *testing.T, host *testHost, access string) (status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addressOf(host)+"/users/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = bearer(access)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// A host is stopped and started again, and then the other one, while people sign in.
// No request is lost.
func TestSeveralHostsAreRestarted(t *testing.T) {
	c := startCluster(t, false, nil)
	people := arrive(t, c.behind, c.hosts[0], []string{"fake", "idp"})
	defer people.end()
	more := func() {
		t.Helper()
		before := people.completed()
		eventually(t, "people to sign in", func() bool { return people.completed() >= before+arrivalsPerSecond })
	}
	more()
	for i, host := range c.hosts {
		if err := host.Stop(); err != nil {
			t.Fatalf("host %d: %v", i, err)
		}
		more()
		if err := host.Restart(t.Context()); err != nil {
			t.Fatalf("host %d: %v", i, err)
		}
		before := strings.Count(c.log(t), serverName(c, host))
		eventually(t, "HAProxy to find the host again", func() bool { return strings.Count(c.log(t), serverName(c, host)) > before })
		more()
	}
	people.end()
	if all, _ := people.between(time.Time{}, time.Now()); people.completed() != all {
		t.Errorf("%d of %d have signed in", people.completed(), all)
	}
}

// journal records what clients were told.
type journal struct {
	mu     sync.Mutex
	latest []string // a token for each session

	logins, refreshes, unanswered atomic.Int32
}

// client signs in and refreshes until the load ends, and records the answers. A refresh
// without an answer is sent again, with the same token.
func (j *journal) client(ctx context.Context, t *testing.T, c *cluster) {
	client := c.client(t)
	for ctx.Err() == nil {
		status, got := c.post(client, "/auth/login/directory", map[string]string{"identifier": "alice", "password": loadPassword, "mode": "json"})
		if status != http.StatusOK || got.Data.RefreshToken == "" {
			j.unanswered.Add(1) // it may have happened, or not
			continue
		}
		j.logins.Add(1)
		token := got.Data.RefreshToken
		c.public.secrets.add("refresh token", token)
		for n := 0; n < 3 && ctx.Err() == nil; {
			status, got := c.post(client, "/auth/refresh", map[string]string{"mode": "json", "refresh_token": token})
			switch {
			case status == http.StatusOK:
				token = got.Data.RefreshToken
				n++
				j.refreshes.Add(1)
			case status == 0 || status >= http.StatusInternalServerError:
				j.unanswered.Add(1)
			default:
				t.Errorf("a refresh with the token that the client was told last: %d %+v", status, got.Errors)
				return
			}
		}
		j.mu.Lock()
		j.latest = append(j.latest, token)
		j.mu.Unlock()
	}
}

// A host is killed under load. Everything that clients were told holds at the other one.
func TestSeveralHostsAndOneIsKilled(t *testing.T) {
	c := startCluster(t, false, atOnce)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	j := &journal{}
	var load sync.WaitGroup
	for range 8 {
		load.Go(func() { j.client(ctx, t, c) })
	}
	sessions := func() int {
		j.mu.Lock()
		defer j.mu.Unlock()
		return len(j.latest)
	}
	eventually(t, "sessions", func() bool { return sessions() >= 20 })
	for _, host := range []*testHost{c.hosts[0], c.hosts[1]} {
		if err := host.Crash(); err != nil {
			t.Error(err)
		}
		before := sessions()
		eventually(t, "sessions at the host that is left", func() bool { return sessions() >= before+20 })
		if err := host.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		served := strings.Count(c.log(t), serverName(c, host))
		eventually(t, "requests at the host that is back", func() bool { return strings.Count(c.log(t), serverName(c, host)) > served })
	}
	cancel()
	load.Wait()
	client := c.client(t)
	for i, token := range j.latest {
		status, got := c.post(client, "/auth/refresh", map[string]string{"mode": "json", "refresh_token": token})
		if status != http.StatusOK {
			t.Errorf("session %d of %d: %d %+v", i, len(j.latest), status, got.Errors)
		}
	}
	c.want(t, "sessions with more than one current token", 0,
		"(SELECT 1 FROM doorward.session_tokens WHERE spent_at IS NULL GROUP BY session_pk HAVING count(*) > 1) AS several")
	t.Logf("%d logins, %d refreshes, %d without an answer", j.logins.Load(), j.refreshes.Load(), j.unanswered.Load())
}

// A host is killed while it asks the provider, and another host waits for the result. When
// the lease is over, the other host asks, and the client gets its answer.
func TestSeveralHostsAndOneIsKilledWhileItAsks(t *testing.T) {
	c := startCluster(t, false, atOnce)
	_, token := c.signIn(t, "fake", "json")
	asked, over := make(chan struct{}, 2), make(chan struct{})
	defer close(over)
	hang := func() {
		asked <- struct{}{}
		<-over
	}
	c.onRefresh.Store(&hang)
	lost := make(chan struct{})
	go func() {
		defer close(lost)
		resp, err := http.Post("http://"+addressOf(c.hosts[0])+"/auth/refresh", "application/json", //nolint:noctx // ends with the host
			strings.NewReader(`{"mode":"json","refresh_token":"`+token+`"}`))
		if err == nil {
			resp.Body.Close()
			t.Errorf("a host that was killed answered %s", resp.Status)
		}
	}()
	<-asked
	c.onRefresh.Store(nil)
	type told struct {
		status int
		next   string
	}
	answer := make(chan told, 1)
	go func() {
		status, got := c.post(c.client(t), "/auth/refresh", map[string]string{"mode": "json", "refresh_token": token})
		answer <- told{status, got.Data.RefreshToken}
	}()
	if err := c.hosts[0].Crash(); err != nil {
		t.Error(err)
	}
	<-lost
	begun := time.Now()
	got := <-answer
	if got.status != http.StatusOK || got.next == "" || got.next == token {
		t.Errorf("at the other host: %+v", got)
	}
	if asked := c.refreshes.Load(); asked != 2 {
		t.Errorf("the provider was asked %d times", asked)
	}
	t.Logf("the other host answered %v after the first one was killed", time.Since(begun).Round(time.Millisecond))
}

// A host with another SECRET would write data that the others cannot read, and end their
// sessions.
func TestSecondHostWithAnotherSecret(t *testing.T) {
	server, err := pgtest.Start()
	pgtest.Require(t, err)
	t.Cleanup(func() {
		if err := server.Remove(); err != nil {
			t.Error(err)
		}
	})
	env := map[string]string{
		"DB_CLIENT": "pg", "DB_HOST": server.Host, "DB_PORT": fmt.Sprint(server.Port), "DB_USER": pgtest.User, "DB_DATABASE": server.NewDatabase(t),
	}
	one := startHost(t, HostConfig{Env: env})
	second := one.Command("serve")
	second.Env = append(second.Env, "SECRET="+rand.Text()+rand.Text(), "PORT=0", "CONTROL_SOCKET=other.sock")
	out, code := one.ended(t, second)
	if code != 1 || !strings.Contains(out, "this database is sealed under another SECRET") || !strings.Contains(out, "nothing was changed") {
		t.Errorf("exit status %d: %s", code, out)
	}
	env["SECRET"] = one.Env("SECRET")
	startHost(t, HostConfig{Env: env}) // a host with the same SECRET
}

// Only one host at a time can use a database file, whatever the name of its socket, and no
// command changes the database while a host uses it.
func TestTwoHostsOnOneFile(t *testing.T) {
	host := startHost(t, HostConfig{})
	second := host.Command("serve")
	second.Env = append(second.Env, fmt.Sprint("PORT=", freePort(t)), "CONTROL_SOCKET=other.sock")
	out, code := host.ended(t, second)
	if code != 1 || !strings.Contains(out, "another doorward works with this database") || !strings.Contains(out, "PostgreSQL") {
		t.Errorf("exit status %d: %s", code, out)
	}
	end := host.Command("session", "end", "--all")
	end.Env = append(end.Env, "CONTROL_SOCKET=other.sock")
	if out, code := runCommand(t, end); code != 1 || !strings.Contains(out, "a doorward is running with this database") {
		t.Errorf("exit status %d: %s", code, out)
	}
	if out, code := runCommand(t, host.Command("session", "end", "--all")); code != 0 || !bytes.Contains([]byte(out), []byte("sessions ended: 0")) {
		t.Errorf("by the socket of the host: exit status %d: %s", code, out)
	}
	if err := host.Crash(); err != nil {
		t.Error(err)
	}
	if err := host.Restart(t.Context()); err != nil {
		t.Errorf("after a crash: %v", err)
	}
}
