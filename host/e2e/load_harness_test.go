package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/plugins/saml/samltest"
)

const loadPassword = "wonderland, 1865"

// loadSite is a host with a fake provider of each mechanism, named after it, and another
// of each that hangs, such as "openid-hangs". It trusts a proxy on loopback to name the
// addresses of clients.
type loadSite struct {
	*testHost
	metrics string
}

// limits is RATE_LIMITER_ENABLED: it stops a flood of wrong passwords so early that the
// flood cannot show how others are served during it.
func startLoadSite(t *testing.T, limits bool) loadSite {
	t.Helper()
	port, silent := freePort(t), startSilent(t)
	client := openidtest.Client{
		ID: "doorward", Secret: newClientSecret(), RedirectURIs: []string{localURL("localhost", port) + "/auth/login/openid/callback"},
	}
	op := openidtest.Start(t, openidtest.Config{AutoApprove: true, Clients: []openidtest.Client{client}})
	idp, err := samltest.Listen(samltest.Config{AutoApprove: true, Users: []samltest.User{{NameID: "alice"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	directory := startLoadDirectory(t)

	env := map[string]string{
		"IP_TRUST_PROXY": "loopback", "METRICS_ADDRESS": net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t))), "LOG_LEVEL": "info",
		"RATE_LIMITER_ENABLED": strconv.FormatBool(limits),
	}
	var names []string
	for name, options := range map[string][3]map[string]string{ // for both, for the one that answers, for the one that hangs
		"openid": {{"CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret}, {"ISSUER_URL": op.Issuer()}, {"ISSUER_URL": "http://" + silent}},
		"ldap": {
			{"BIND_DN": loadReader, "BIND_PASSWORD": loadPassword, "USER_DN": loadBase, "USER_SCOPE": "sub", "USER_ATTRIBUTE": "uid"},
			{"CLIENT_URL": directory.URL(), "TLS_CA": directory.CA()}, {"CLIENT_URL": "ldap://" + silent},
		},
		"saml": {nil, {"IDP_METADATA_URL": idp.MetadataURL()}, {"IDP_METADATA_URL": "http://" + silent + "/metadata"}},
	} {
		for i, suffix := range []string{"", "_HANGS"} {
			prefix := strings.ToUpper(name) + suffix
			names = append(names, strings.ToLower(prefix))
			provider(env, prefix, map[string]string{"DRIVER": name, "ALLOW_PUBLIC_REGISTRATION": "true"})
			provider(env, prefix, options[0])
			provider(env, prefix, options[1+i])
		}
	}
	env["AUTH_PROVIDERS"] = strings.Join(names, ",")
	return loadSite{startHost(t, HostConfig{Port: port, Env: env}), "http://" + env["METRICS_ADDRESS"] + "/metrics"}
}

const (
	loadBase   = "dc=example,dc=com"
	loadReader = "cn=reader," + loadBase
)

// loadPeople are the users in the directory in addition to alice: person0 and so on.
const loadPeople = 500

func startLoadDirectory(t *testing.T) *ldaptest.Directory {
	t.Helper()
	entries := []ldaptest.Entry{
		{DN: loadBase, Attributes: map[string][]string{"objectClass": {"domain"}}},
		{DN: loadReader, Password: loadPassword, Attributes: map[string][]string{"cn": {"reader"}}},
		{DN: "uid=alice," + loadBase, Password: loadPassword, Attributes: map[string][]string{
			"objectClass": {"inetOrgPerson"}, "uid": {"alice"}, "entryUUID": {"7f91e13e-7d3d-1041-949a-257b2650bfba"},
		}},
	}
	for n := range loadPeople {
		name := fmt.Sprint("person", n)
		entries = append(entries, ldaptest.Entry{DN: "uid=" + name + "," + loadBase, Password: loadPassword, Attributes: map[string][]string{
			"objectClass": {"inetOrgPerson"}, "uid": {name}, "entryUUID": {fmt.Sprintf("7f91e13e-7d3d-1041-949a-%012d", n)},
		}})
	}
	return ldaptest.Start(t, ldaptest.Config{Unrecorded: true, Entries: entries})
}

// startSilent accepts connections and never answers on any of them.
func startSilent(t *testing.T) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { // until the other side closes
				defer conn.Close()
				_, _ = io.Copy(io.Discard, conn)
			})
		}
	})
	t.Cleanup(func() { listener.Close() }) // the host, which ends first, closes the connections
	return listener.Addr().String()
}

// from makes a client whose requests come from that address, as a proxy says.
type from struct {
	address string
	next    http.RoundTripper
}

func (f from) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("X-Forwarded-For", f.address)
	return f.next.RoundTrip(req)
}

// connections returns the own transport of a client, with at most this number of
// connections at a time.
func connections(t *testing.T, most int) *http.Transport {
	transport := &http.Transport{MaxConnsPerHost: most, MaxIdleConnsPerHost: most}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// visit signs alice in once through a provider, from that address.
func (s loadSite) visit(t *testing.T, mechanism, address string, transport http.RoundTripper) (answer, bool) {
	person := newAgent(t, s.testHost, "alice")
	person.client.Transport = from{address, transport}
	if mechanism == "ldap" {
		got := person.call(http.MethodPost, "/auth/login/ldap", map[string]string{"identifier": "alice", "password": loadPassword}, nil)
		return got, got.status == http.StatusOK
	}
	got := person.signIn(s.URL + "/auth/login/" + mechanism + "?mode=session&redirect=/")
	return got, person.cookie(sessionCookie) != ""
}

// ask makes a request of a flood. Any result is good except an unexpected error.
func (s loadSite) ask(ctx context.Context, client *http.Client, method, path, body string) (status int) {
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// flood is a number of clients that send requests without a pause.
type flood struct {
	asked atomic.Int64
	end   func()
}

// flood sends requests over this number of connections from one address, until it is ended.
func (s loadSite) flood(t *testing.T, connectionsAtOnce int, address, method, path, body string) *flood {
	t.Helper()
	f := &flood{}
	ctx, cancel := context.WithCancel(t.Context())
	client := &http.Client{
		Transport:     from{address, connections(t, connectionsAtOnce)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var group sync.WaitGroup
	for range connectionsAtOnce {
		group.Go(func() {
			for ctx.Err() == nil {
				s.ask(ctx, client, method, path, body)
				f.asked.Add(1)
			}
		})
	}
	f.end = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(f.end)
	return f
}

// metric is the sum of a metric's values with that label, 0 if there is none.
func (s loadSite) metric(t *testing.T, name, label string) float64 {
	t.Helper()
	sum := 0.0
	for line := range strings.Lines(fetch(t, s.metrics)) {
		if strings.HasPrefix(line, name+"{") && strings.Contains(line, label) {
			_, value, _ := strings.Cut(line, "} ")
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}

// loadBound is how long a login may take in a crowd or during a flood.
const loadBound = 20 * time.Second
