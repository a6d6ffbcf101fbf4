package e2e

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// arrivals are people who sign in through a front at a steady rate, whether or not those
// before them are done. SAML comes with a POST. Half of them share connections, over
// HTTP/2; the others use a new one for each request and never repeat a request.
type arrivals struct {
	mu    sync.Mutex
	begun []time.Time
	done  []time.Time // by the order of beginning; zero: not yet
	end   func()
}

const arrivalsPerSecond = 50

func arrive(t *testing.T, b *behind, host *testHost, mechanisms []string) *arrivals {
	t.Helper()
	a := &arrivals{}
	transports := []http.RoundTripper{b.outside(t), b.unrepeating(t)}
	var group sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	group.Go(func() {
		each := time.NewTicker(time.Second / arrivalsPerSecond)
		defer each.Stop()
		for n := 0; ; n++ {
			select {
			case <-each.C:
			case <-ctx.Done():
				return
			}
			a.mu.Lock()
			a.begun, a.done = append(a.begun, time.Now()), append(a.done, time.Time{})
			a.mu.Unlock()
			group.Go(func() { a.signIn(t, b.seen(host), transports[n/2%2], mechanisms[n%len(mechanisms)], n) })
		}
	})
	a.end = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(a.end)
	return a
}

func (a *arrivals) signIn(t *testing.T, host *testHost, transport http.RoundTripper, mechanism string, n int) {
	person := newAgent(t, host, "alice")
	person.client.Transport = transport
	got := person.signIn(host.URL + "/auth/login/" + mechanism + "?redirect=/sso/users/me")
	if got.location() == nil || got.location().Path != "/sso/users/me" {
		t.Errorf("login %d through %s: %d %.300s", n, mechanism, got.status, got.body)
		return
	}
	if me := person.call(http.MethodGet, "/users/me", nil, nil); me.status != http.StatusOK || me.json(t).Data.Provider != mechanism {
		t.Errorf("login %d through %s, afterwards: %d %.300s", n, mechanism, me.status, me.body)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done[n] = time.Now()
}

// completed is the number of people who have signed in.
func (a *arrivals) completed() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, done := range a.done {
		if !done.IsZero() {
			n++
		}
	}
	return n
}

// between counts the people who began in that time, and returns how long the slowest took.
func (a *arrivals) between(from, until time.Time) (came int, slowest time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for n, begun := range a.begun {
		if begun.After(from) && begun.Before(until) {
			came++
			slowest = max(slowest, a.done[n].Sub(begun))
		}
	}
	return came, slowest
}

// The host is restarted behind HAProxy or Caddy, as docs/production.md configures them,
// while 50 people a second sign in. All of them succeed: requests that come while nobody
// listens wait. Caddy cannot hold a POST, and OpenID Connect has none.
func TestRestartBehindProxies(t *testing.T) {
	t.Run("HAProxy", func(t *testing.T) { testRestartBehind(t, "HAProxy", "fake", "idp") })
	t.Run("Caddy", func(t *testing.T) { testRestartBehind(t, "Caddy", "fake") })
}

func testRestartBehind(t *testing.T, name string, mechanisms ...string) {
	const delay = 2 * time.Second
	b, host := startBehind(t, name, openidtest.Config{AutoApprove: true}, map[string]string{
		"SHUTDOWN_DELAY": delay.String(), "LOG_LEVEL": "info",
	})
	people := arrive(t, b, host, mechanisms)
	defer people.end()
	eventually(t, "people to sign in", func() bool { return people.completed() >= arrivalsPerSecond })

	signalled := time.Now()
	plugins := host.Plugins()
	for _, pid := range plugins { // as some service managers do, which signal all processes of a service
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	stopped := make(chan error, 1)
	go func() { stopped <- host.Stop() }()
	direct := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	status := func(path string) int {
		resp, err := direct.Get(host.URL + path) //nolint:noctx // bounded by eventually
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	eventually(t, "readiness to turn", func() bool { return status("/server/health") == http.StatusServiceUnavailable })
	before := people.completed()
	if got := status("/server/ping"); got != http.StatusOK {
		t.Errorf("not ready, and the ping is answered %d", got)
	}
	eventually(t, "people to sign in at a host that is not ready", func() bool { return people.completed() > before+arrivalsPerSecond/2 })
	if still := host.Plugins(); !slices.Equal(still, plugins) {
		t.Errorf("while people sign in, the plugins are %v, and were %v", still, plugins)
	}
	eventually(t, "the end of the listening", func() bool { return status("/server/ping") == 0 })
	silent := time.Now()
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	eventually(t, "people to wait for the host", func() bool {
		waiting, _ := people.between(silent, time.Now())
		return waiting >= 5*arrivalsPerSecond // longer than HAProxy waits unless it is told to
	})
	if err := host.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	after := people.completed()
	eventually(t, "people to sign in again", func() bool { return people.completed() > after+2*arrivalsPerSecond })
	people.end()

	came, slowest := people.between(silent, back)
	all, _ := people.between(time.Time{}, time.Now())
	if completed := people.completed(); completed != all {
		t.Errorf("%d of %d have signed in", completed, all)
	}
	if silent.Sub(signalled) < delay {
		t.Errorf("it listened for %s after SIGTERM, want %s", silent.Sub(signalled), delay)
	}
	t.Logf("%d logins, none lost; nobody listened for %s, in which %d began, the slowest of which took %s",
		all, back.Sub(silent).Round(time.Millisecond), came, slowest.Round(time.Millisecond))
}
