package forwardauth_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
)

// BenchmarkForwardAuth measures what a check costs: cookie, session, groups, headers and
// assertion. The metric "of-empty" is what the host does in the same time, as a part of
// what an empty Echo handler does with the same requests, headers and deadlines, by
// turns; "of-bare" is against an Echo handler that sets no header and has no deadlines.
//
// It counts the CPU time of this process. The client is in it, too, and costs next to
// nothing: it writes 16 requests that were made before at once, and only counts the ends
// of their answers.
//
// Of a million sessions, 256 at a time load a page of 50 requests, and then 256 others:
// each is looked up once, or once a second, and gets an assertion that is signed once.
func BenchmarkForwardAuth(b *testing.B) {
	b.Run("one session", func(b *testing.B) {
		r := newRig(b)
		r.compare(b, r.checks(1), 0)
	})
	b.Run("a million sessions", func(b *testing.B) {
		r := newLargeRig(b)
		r.compare(b, r.checks(10*pages), 0)
	})
	b.Run("a million sessions and 50 logins a second", func(b *testing.B) {
		r := newLargeRig(b)
		r.compare(b, r.checks(10*pages), 50)
	})
}

const (
	depth = 16 // requests that are written at once
	conns = 4
	burst = 200 // times depth
	pages = 256 // sessions in a burst; 50 requests of each
)

// largeWasMade: TestMain removes it.
var largeWasMade bool

// large is a database with a million sessions, created once.
var large = sync.OnceValues(func() (string, error) {
	largeWasMade = true
	dir, err := os.MkdirTemp("", "doorward-bench")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "large.db")
	s, err := sqlite.Open(context.Background(), path, nil)
	if err != nil {
		return "", err
	}
	user := sso.User{ID: "crowd", Provider: "corp", Subject: "crowd", Status: sso.UserActive}
	if _, err := s.CreateUser(context.Background(), user); err != nil {
		return "", err
	}
	if err := s.Close(); err != nil {
		return "", err
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return "", err
	}
	defer db.Close()
	for _, statement := range []string{
		`PRAGMA synchronous = OFF`,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
			INSERT INTO sessions (pk, user_pk, id, provider, kind, created_at, expires_at, not_after, ip, user_agent, group_names)
			SELECT i, 1, hex(randomblob(16)), 'corp', 'session', 0, 9000000000000, 9000000000000, '', '', char(10) || 'staff' || char(10) FROM n`,
		`INSERT INTO session_tokens (hash, session_pk, expires_at) SELECT randomblob(32), pk, 9000000000000 FROM sessions`,
	} {
		if _, err := db.Exec(statement); err != nil {
			return "", fmt.Errorf("%s: %w", statement, err)
		}
	}
	return path, nil
})

func newLargeRig(b *testing.B) *rig {
	b.Helper()
	path, err := large()
	if err != nil {
		b.Fatal(err)
	}
	return newRigAt(b, path)
}

func TestMain(m *testing.M) {
	code := m.Run()
	if largeWasMade {
		if path, err := large(); err == nil {
			os.RemoveAll(filepath.Dir(path))
		}
	}
	os.Exit(code)
}

// checks returns requests of n sessions, as a proxy writes them.
func (r *rig) checks(sessions int) [][]byte {
	r.t.Helper()
	var list [][]byte
	var u sso.User
	for i := range sessions {
		if i%pages == 0 {
			u = r.user(fmt.Sprint("user-", i))
		}
		token, _ := r.session(u, sso.KindSession, "staff", "wiki writers", "everybody")
		list = append(list, forward(
			"Cookie: theme=dark; "+cookieName+"="+string(token)+"; lang=en", "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
			"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document",
			"X-Forwarded-Uri: /pages/start?view=all",
		).bytes())
	}
	return list
}

// compare measures the server against empty handlers, with a given number of logins a
// second.
func (r *rig) compare(b *testing.B, requests [][]byte, logins int) {
	b.Helper()
	answer := r.ask(question{"GET /forward-auth", nil}.raw(requests[0]))
	if answer.StatusCode != http.StatusOK || answer.Header.Get("X-Doorward-Assertion") == "" {
		b.Fatalf("the check is answered %s", answer.Status)
	}
	same := http.Header{}
	for name, values := range answer.Header {
		if name != "Date" && name != "Content-Length" {
			same[name] = values
		}
	}
	check := listen(b, r.server.HTTPServer())
	empty := listen(b, &http.Server{Handler: emptyEcho(same), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute})
	bare := listen(b, &http.Server{Handler: emptyEcho(nil)}) //nolint:gosec // that there is no deadline is what is measured
	stop := r.signIn(b, logins)
	defer stop()
	clients := map[string]*flood{}
	for name, address := range map[string]string{"check": check, "empty": empty, "bare": bare} {
		clients[name] = newFlood(b, address, requests)
		clients[name].send(b, 1) // connections are up
	}
	spent := map[string]time.Duration{}
	for b.Loop() {
		for name, client := range clients {
			begun := cpuTime(b)
			client.send(b, burst)
			spent[name] += cpuTime(b) - begun
		}
	}
	each := float64(b.N * burst * depth * conns)
	b.ReportMetric(spent["empty"].Seconds()/spent["check"].Seconds(), "of-empty")
	b.ReportMetric(spent["bare"].Seconds()/spent["check"].Seconds(), "of-bare")
	b.ReportMetric(float64(spent["check"].Nanoseconds())/each, "cpu-ns/check")
	b.ReportMetric(float64(spent["empty"].Nanoseconds())/each, "cpu-ns/empty")
}

// raw is a request that has been written already.
func (question) raw(request []byte) question {
	line, rest, _ := bytes.Cut(bytes.TrimSuffix(request, []byte("\r\n\r\n")), []byte(" HTTP/1.1\r\n"))
	return question{string(line), []string{string(rest)}}
}

func emptyEcho(header http.Header) http.Handler {
	e := echo.New()
	e.GET("/forward-auth", func(c echo.Context) error {
		maps.Copy(c.Response().Header(), header)
		return c.NoContent(http.StatusOK)
	})
	return e
}

func listen(b *testing.B, server *http.Server) (address string) {
	b.Helper()
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// signIn creates sessions at a given rate, like logins, until stop is called.
func (r *rig) signIn(b *testing.B, each int) (stop func()) {
	b.Helper()
	if each == 0 {
		return func() {}
	}
	ended, over := make(chan struct{}), make(chan struct{})
	crowd := r.user("logins")
	go func() {
		defer close(over)
		tick := time.NewTicker(time.Second / time.Duration(each))
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ended:
				return
			case <-tick.C:
			}
			now, token := r.clock.Now(), sso.NewToken()
			session := sso.Session{ID: fmt.Sprint("login-", now.UnixNano()), UserID: crowd.ID, Provider: "corp", Kind: sso.KindSession, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
			if err := r.store.CreateSession(context.Background(), sso.NewSession{Session: session, Token: token.Hash(), RemoveBefore: now.Add(-24 * time.Hour)}); err != nil {
				b.Error(err)
				return
			}
		}
	}()
	return func() {
		close(ended)
		<-over
	}
}

// flood is a client on a few connections.
type flood struct {
	conns   []net.Conn
	batches [][]byte
	window  int // batches of a burst
	next    int
	okay    []byte // how each answer begins
}

func newFlood(b *testing.B, address string, requests [][]byte) *flood {
	b.Helper()
	f := &flood{okay: []byte("HTTP/1.1 200 OK\r\n")}
	for range conns {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close() })
		f.conns = append(f.conns, conn)
	}
	for at := 0; at < max(len(requests), depth); at += depth {
		var batch []byte
		for i := range depth {
			batch = append(batch, requests[(at+i)%len(requests)]...)
		}
		f.batches = append(f.batches, batch)
	}
	f.window = min(len(f.batches), pages/depth)
	return f
}

// send sends batches on each connection. Answers are read up to the end of their headers:
// they have no body.
func (f *flood) send(b *testing.B, n int) {
	b.Helper()
	var over sync.WaitGroup
	for c, conn := range f.conns {
		over.Go(func() {
			room := make([]byte, 64<<10)
			for i := range n {
				if _, err := conn.Write(f.batches[(f.next+(c*n+i)%f.window)%len(f.batches)]); err != nil {
					b.Error(err)
					return
				}
				if err := f.readAnswers(conn, room); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	over.Wait()
	f.next += f.window
}

var endOfHeads = []byte("\r\n\r\n")

// readAnswers reads the answers to a batch, all of which must be 200.
func (f *flood) readAnswers(conn io.Reader, room []byte) error {
	have, ends, oks := 0, 0, 0
	for ends < depth {
		n, err := conn.Read(room[have:])
		if err != nil {
			return err
		}
		have += n
		if room[have-1] != '\n' {
			continue
		}
		ends, oks = bytes.Count(room[:have], endOfHeads), bytes.Count(room[:have], f.okay)
	}
	if oks != depth {
		return fmt.Errorf("%d of %d answers let pass: %.300s", oks, depth, room[:have])
	}
	return nil
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
