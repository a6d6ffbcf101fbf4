package postgres

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/doorward/doorward/host/internal/store/pgtest"
)

// All tests that do not break them share one server, and one pgbouncer in front of it.
// Each test has its own database.
var (
	theServer  = sync.OnceValues(func() (*pgtest.Server, error) { return pgtest.Start() })
	theBouncer = sync.OnceValues(func() (*pgtest.Bouncer, error) {
		server, err := theServer()
		if err != nil {
			return nil, err
		}
		return pgtest.StartBouncer(server)
	})
	theDurable = sync.OnceValues(func() (*pgtest.Server, error) { return pgtest.Start(pgtest.Durable...) })
	started    struct{ server, bouncer, durable bool }
)

func TestMain(m *testing.M) {
	code := m.Run()
	if started.bouncer {
		code |= remove(theBouncer())
	}
	if started.server {
		code |= remove(theServer())
	}
	if started.durable {
		code |= remove(theDurable())
	}
	os.Exit(code)
}

func remove[S interface{ Remove() error }](s S, err error) (code int) {
	if err != nil {
		return 0 // nothing was started
	}
	if err := s.Remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func server(t testing.TB) *pgtest.Server {
	t.Helper()
	s, err := theServer()
	pgtest.Require(t, err)
	started.server = true
	return s
}

func bouncer(t testing.TB) *pgtest.Bouncer {
	t.Helper()
	server(t)
	b, err := theBouncer()
	pgtest.Require(t, err)
	started.bouncer = true
	return b
}

// durable returns a server that keeps what it confirmed when it is killed. Tests stop and
// resume it.
func durable(t testing.TB) *pgtest.Server {
	t.Helper()
	s, err := theDurable()
	pgtest.Require(t, err)
	started.durable = true
	return s
}
