package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// baseVariable names a folder with a doorward and its plugins, laid out like bin, with
// which the built ones are compared.
const baseVariable = "DOORWARD_BASE_BIN"

const (
	benchRounds = 7
	benchLogins = 400 // in a round
	benchPeople = 50
)

// loginSide is a host with an OpenID provider that approves at once.
type loginSide struct {
	host   *Host
	client *http.Client
}

// startLoginSide runs the program in the folder bin with its plugins.
func startLoginSide(b *testing.B, bin string, op *openidtest.Provider) loginSide {
	b.Helper()
	port, err := FreePort()
	if err != nil {
		b.Fatal(err)
	}
	client := openidtest.Client{
		ID: "client" + strconv.Itoa(port), Secret: newClientSecret(),
		RedirectURIs: []string{localURL("localhost", port) + "/auth/login/fake/callback"},
	}
	if err := op.AddClient(client); err != nil {
		b.Fatal(err)
	}
	plugins, err := filepath.Glob(filepath.Join(bin, "plugins", "*"))
	if err != nil {
		b.Fatal(err)
	}
	env := map[string]string{"AUTH_PROVIDERS": "fake", "SESSION_COOKIE_NAME": sessionCookie}
	provider(env, "FAKE", map[string]string{
		"DRIVER": "openid", "ISSUER_URL": op.Issuer(), "CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret,
		"ALLOW_PUBLIC_REGISTRATION": "true",
	})
	host, err := StartHost(b.Context(), HostConfig{Binary: filepath.Join(bin, "doorward"), Plugins: plugins, Port: port, Env: env})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := host.Remove(); err != nil {
			b.Error(err)
		}
	})
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	b.Cleanup(transport.CloseIdleConnections)
	return loginSide{host: host, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// login does what a browser does: it starts a login, goes to the provider, and comes back
// to get a session.
func (s loginSide) login(ctx context.Context, person int) error {
	start, err := http.NewRequestWithContext(ctx, http.MethodGet, s.host.URL+"/auth/login/fake?mode=session", nil)
	if err != nil {
		return err
	}
	target, cookies, err := s.ask(start)
	if err != nil {
		return err
	}
	back, err := openidtest.SignIn(ctx, target, benchPerson(person))
	if err != nil {
		return err
	}
	for _, cookie := range cookies {
		back.AddCookie(cookie)
	}
	if _, cookies, err = s.ask(back); err != nil {
		return err
	}
	for _, cookie := range cookies {
		if cookie.Name == sessionCookie && cookie.Value != "" {
			return nil
		}
	}
	return fmt.Errorf("no session\n%s", s.host.Output())
}

// ask returns the Location of the answer, and its cookies.
func (s loginSide) ask(req *http.Request) (target string, cookies []*http.Cookie, err error) {
	resp, err := s.client.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.Header.Get("Location"), resp.Cookies(), err
}

func benchPerson(n int) string { return "person" + strconv.Itoa(n%benchPeople) }

func benchPersons() []openidtest.Person {
	var people []openidtest.Person
	for n := range benchPeople {
		person := openidtest.DefaultPeople()[0]
		person.Subject = benchPerson(n)
		people = append(people, person)
	}
	return people
}

// round signs in this number of times and returns the CPU time of host and plugins per
// login, in µs.
func (s loginSide) round(b *testing.B, atOnce, logins int) (ofHost, ofPlugins float64) {
	b.Helper()
	plugins := s.host.Plugins()
	hostBefore, pluginsBefore := cpuTime(b, s.host.PID()), cpuTime(b, plugins...)
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for n := next.Add(1); n <= int64(logins) && failed.Load() == nil; n = next.Add(1) {
				if err := s.login(b.Context(), int(n)); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	of := func(spent time.Duration) float64 { return float64(spent.Microseconds()) / float64(logins) }
	return of(cpuTime(b, s.host.PID()) - hostBefore), of(cpuTime(b, plugins...) - pluginsBefore)
}

// cpuTime is the CPU time of processes so far, in user and in system mode.
func cpuTime(b *testing.B, pids ...int) time.Duration {
	b.Helper()
	var spent time.Duration
	for _, pid := range pids {
		// The clock of a process, as clock_getcpuclockid(3) makes it: /proc has a resolution
		// of 10 ms, which is several logins.
		const ofProcess = 2
		var now unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|ofProcess), &now); err != nil {
			b.Fatalf("reading the CPU time of process %d: %v", pid, err)
		}
		spent += time.Duration(now.Nano())
	}
	return spent
}

// BenchmarkOpenIDLogin measures the CPU time that host and plugin take for a whole login:
// its start, the code exchange, the user info, and the session in the database. It does
// not include the provider and the browsers. With DOORWARD_BASE_BIN, the programs in that
// folder take turns with the built ones: "ratio" is the median of the rounds' quotients,
// built to base. Run it with -benchtime 1x.
func BenchmarkOpenIDLogin(b *testing.B) {
	op := openidtest.Start(b, openidtest.Config{AutoApprove: true, People: benchPersons()})
	sides := map[string]loginSide{"built": startLoginSide(b, filepath.Join(repositoryOf(b), "bin"), op)}
	if base := os.Getenv(baseVariable); base != "" {
		sides["base"] = startLoginSide(b, base, op)
	}
	for _, atOnce := range []int{1, 32} {
		b.Run(strconv.Itoa(atOnce)+" at once", func(b *testing.B) { compareSides(b, sides, atOnce) })
	}
}

func compareSides(b *testing.B, sides map[string]loginSide, atOnce int) {
	b.Helper()
	for _, s := range sides {
		s.round(b, atOnce, benchLogins/2) // connections, caches, and the people's accounts
	}
	figures := map[string][]float64{}
	for b.Loop() {
		for range benchRounds {
			for name, s := range sides {
				host, plugins := s.round(b, atOnce, benchLogins)
				figures[name+"-µs"] = append(figures[name+"-µs"], host+plugins)
				figures[name+"-host-µs"] = append(figures[name+"-host-µs"], host)
				figures[name+"-plugin-µs"] = append(figures[name+"-plugin-µs"], plugins)
			}
			if _, ok := sides["base"]; ok {
				last := len(figures["built-µs"]) - 1
				figures["ratio"] = append(figures["ratio"], figures["built-µs"][last]/figures["base-µs"][last])
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for unit, values := range figures {
		slices.Sort(values)
		b.ReportMetric(values[len(values)/2], unit)
	}
}
