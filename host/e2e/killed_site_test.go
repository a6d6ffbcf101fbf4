package e2e

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // to read the database of the host

	"github.com/doorward/doorward/host/internal/store/pgtest"
	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// killedSite is a host that is killed while people sign in, with its database.
type killedSite struct {
	*testHost
	server   *pgtest.Server // nil: SQLite
	db       *sql.DB
	schema   string // the prefix of the names of tables
	provider *forgivingProvider
	client   *http.Client
}

const killedPeople = 4000

func newcomer(n int64) string { return "newcomer" + strconv.FormatInt(n, 10) }
func regular(n int) string    { return "regular" + strconv.Itoa(n) }

// startKilledSite runs a host whose sessions and replaced tokens are valid for the whole test.
func startKilledSite(t *testing.T, server *pgtest.Server, env map[string]string) *killedSite {
	t.Helper()
	var people []openidtest.Person
	for n := range killedPeople {
		people = append(people, openidtest.Person{Subject: newcomer(int64(n))})
	}
	for n := range killedCallers {
		people = append(people, openidtest.Person{Subject: regular(n)})
	}
	s := &killedSite{server: server, provider: newForgivingProvider(), client: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: killedCallers},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	t.Cleanup(s.client.CloseIdleConnections)
	settings := map[string]string{
		"LOG_LEVEL": "info", "SESSION_REFRESH_GRACE_PERIOD": "5m", "AUTH_FAKE_LOGIN_TIMEOUT": "1h",
		"RATE_LIMITER_ENABLED": "false", // otherwise many repeated requests are refused
	}
	maps.Copy(settings, env)
	s.testHost = startFakeBehind(t, s.provider.serve, openidtest.Config{AutoApprove: true, People: people}, openidtest.Client{}, settings).host
	driver, source := "sqlite", "file:"+s.Env("DB_FILENAME")+"?_pragma=busy_timeout(30000)"
	if server != nil {
		s.schema = "doorward."
		driver = "pgx"
		source = fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable", server.Host, server.Port, pgtest.User, env["DB_DATABASE"])
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(0) // a connection to a killed server cannot be reused
	t.Cleanup(func() { _ = db.Close() })
	s.db = db
	return s
}

// A victim is the process that is killed.
type victim string

const (
	theHost   victim = "the host"
	theServer victim = "PostgreSQL"
	powerCut  victim = "the host and PostgreSQL"
)

// kill ends the victim like a power cut.
func (s *killedSite) kill(who victim) error {
	var err error
	if who != theHost {
		err = s.server.Kill()
	}
	if who != theServer {
		err = errors.Join(err, s.Crash())
	}
	return err
}

// resume restarts the killed process.
func (s *killedSite) resume(t *testing.T, who victim) {
	t.Helper()
	if who != theHost {
		if err := s.server.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	if who != theServer {
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a healthy host", func() bool {
		got, ok := s.ask(t.Context(), http.MethodGet, s.URL+"/server/health", nil, nil)
		return ok && got.status == http.StatusOK
	})
}

// passLeases ends the leases of a dead host, during which no other host may ask the provider
// about a session: otherwise each interrupted refresh would wait 23 s.
func (s *killedSite) passLeases(t *testing.T) {
	t.Helper()
	over := bracesOf(s.schema).Replace(`UPDATE {sessions} SET leased_by = NULL, leased_until = NULL WHERE leased_by IS NOT NULL`)
	if _, err := s.db.ExecContext(t.Context(), over); err != nil {
		t.Fatal(err)
	}
}

// forgivingProvider is in front of an OpenID provider, and repeats its response to a code or a
// refresh token. So a login that is repeated after a restart reaches the once-IDs in the
// database, and a refresh that was interrupted between the provider and the database can be
// repeated.
type forgivingProvider struct {
	mu      sync.Mutex
	answers map[string]*httptest.ResponseRecorder
	again   atomic.Int64 // the number of repeated codes
}

func newForgivingProvider() *forgivingProvider {
	return &forgivingProvider{answers: map[string]*httptest.ResponseRecorder{}}
}

func (p *forgivingProvider) serve(w http.ResponseWriter, r *http.Request, fake http.Handler) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		return // the host was killed
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	key := form.Get("code") + form.Get("refresh_token")
	if r.Method != http.MethodPost || key == "" {
		fake.ServeHTTP(w, r)
		return
	}
	p.mu.Lock()
	answer, known := p.answers[key]
	p.mu.Unlock()
	if !known {
		answer = httptest.NewRecorder()
		fake.ServeHTTP(answer, r)
		p.mu.Lock()
		p.answers[key] = answer
		p.mu.Unlock()
	} else if form.Has("code") {
		p.again.Add(1)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}
