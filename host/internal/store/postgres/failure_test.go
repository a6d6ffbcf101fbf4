package postgres

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/pgtest"
)

// relayed is a store that reaches its server through a relay.
func relayed(t *testing.T) (*Store, *pgtest.Relay) {
	t.Helper()
	s := server(t)
	r, err := pgtest.StartRelay(s.Host, s.Port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return mustOpen(t, optionsOf(r.Host, r.Port, s.NewDatabase(t))), r
}

// isThere reports whether a login is stored completely; half a login is a failure.
func isThere(t *testing.T, s *Store, login sso.NewSession) bool {
	t.Helper()
	_, err := s.SessionToken(t.Context(), login.Token)
	there := err == nil
	if err != nil {
		wantIs(t, "looking for a login", err, sso.ErrNotFound)
	}
	want := error(nil)
	if there {
		want = sso.ErrSpent
	}
	wantIs(t, fmt.Sprintf("its attempt again, the login being there: %v", there), s.Spend(t.Context(), login.Once...), want)
	return there
}

func TestACommitWithoutAnAnswerIsNotKnown(t *testing.T) {
	for name, c := range map[string]struct {
		fault pgtest.Fault
		there bool
	}{
		"lost on the way":      {pgtest.LosesCommit, false},
		"lost on the way back": {pgtest.LosesCommitted, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, relay := relayed(t)
			mustLogIn(t, s, loginOf("ann", "s0"))
			relay.Set(c.fault)
			login := loginOf("ann", "s1")
			wantIs(t, "a login", s.CreateSession(t.Context(), login), sso.ErrOutcomeUnknown)
			if there := isThere(t, s, login); there != c.there {
				t.Errorf("the login is there: %v, want %v", there, c.there)
			}
			relay.Set(c.fault)
			wantIs(t, "one statement", s.EndSession(t.Context(), "s0", sso.Event{}), sso.ErrOutcomeUnknown)
			if _, _, err := s.SessionUser(t.Context(), "s0", at); (err == nil) == c.there {
				t.Errorf("the session that was ended: %v", err)
			}
			mustLogIn(t, s, loginOf("ann", "s2"))
		})
	}
}

// A login that was lost before it could commit is retried on another connection, and so
// are reads. The server may have been restarted since the connections were used, so that
// all are lost, which are more than attempts.
func TestLostConnectionsAreReplaced(t *testing.T) {
	s, o := server(t), optionsOf(server(t).Host, server(t).Port, server(t).NewDatabase(t))
	store := mustOpen(t, o)
	login := loginOf("ann", "s1")
	mustLogIn(t, store, login)
	loseAll := func() {
		t.Helper()
		var used []*pgxpool.Conn
		for range 2 * attempts {
			conn, err := store.pool.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			used = append(used, conn)
		}
		for _, conn := range used {
			conn.Release()
		}
		s.Exec(t, "postgres", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '`+o.Database+`'`)
	}
	loseAll()
	if _, err := store.SessionToken(t.Context(), login.Token); err != nil {
		t.Errorf("reading: %v", err)
	}
	loseAll()
	mustLogIn(t, store, loginOf("ann", "s2"))
}

func TestAServerThatDoesNotAnswer(t *testing.T) {
	s, relay := relayed(t)
	login := loginOf("ann", "s1")
	mustLogIn(t, s, login)
	s.callTimeout = 500 * time.Millisecond
	relay.Set(pgtest.Stalls)
	_, err := s.SessionToken(t.Context(), login.Token)
	wantSays(t, "a lookup", err, "looking up a session token", "PostgreSQL did not answer within 500ms")
	late := loginOf("ann", "s2")
	wantIs(t, "a lookup", err, sso.ErrStoreUnavailable)
	err = s.CreateSession(t.Context(), late)
	wantSays(t, "a login", err, "storing a login", "PostgreSQL did not answer within 500ms")
	wantIs(t, "a login", err, sso.ErrStoreUnavailable)
	wantSays(t, "Ping", s.Ping(t.Context()), "PostgreSQL did not answer")
	relay.Set(pgtest.Passes)
	s.callTimeout = callTimeout
	wantIs(t, "Ping afterwards", s.Ping(t.Context()), nil)
	if isThere(t, s, late) {
		t.Error("a login that was refused is there")
	}
}

// A caller that gives up before COMMIT was sent learns that nothing was written.
func TestACallerThatGoesAway(t *testing.T) {
	s, relay := relayed(t)
	mustLogIn(t, s, loginOf("ann", "s1"))
	relay.Set(pgtest.Stalls)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	login := loginOf("ann", "s2")
	err := s.CreateSession(ctx, login)
	wantIs(t, "a login", err, context.DeadlineExceeded)
	relay.Set(pgtest.Passes)
	if isThere(t, s, login) {
		t.Error("the login is there")
	}
}

func TestAServerThatIsAway(t *testing.T) {
	server := durable(t)
	o := optionsOf(server.Host, server.Port, server.NewDatabase(t))
	o.Password = password
	s := mustOpen(t, o)
	login := loginOf("ann", "s1")
	mustLogIn(t, s, login)

	server.Stop()
	lost := loginOf("ann", "s2")
	for what, call := range map[string]func() error{
		"a login":  func() error { return s.CreateSession(t.Context(), lost) },
		"a lookup": func() error { _, err := s.SessionToken(t.Context(), login.Token); return err },
		"Ping":     func() error { return s.Ping(t.Context()) },
		"a start":  func() error { _, err := Open(t.Context(), o, nil); return err },
	} {
		err := call()
		wantSays(t, what, err, "PostgreSQL cannot be reached: check that it runs, and DB_HOST and DB_PORT")
		wantIs(t, what, err, sso.ErrStoreUnavailable)
	}
	told := make(chan error, 10)
	o.Wait, o.Waiting = time.Minute, func(err error) { told <- err }
	started := make(chan error, 1)
	go func() { // ends with its start, which is bounded
		waited, err := Open(t.Context(), o, nil)
		if err == nil {
			err = waited.Close()
		}
		started <- err
	}()
	wantSays(t, "what a host tells that waits", <-told, "cannot be reached")
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	wantIs(t, "a start that waited", <-started, nil)
	wantIs(t, "Ping afterwards", s.Ping(t.Context()), nil)
	if isThere(t, s, lost) {
		t.Error("a login that was refused is there")
	}

	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	if !isThere(t, s, login) {
		t.Error("a login that was answered is gone after the server was killed")
	}
	mustLogIn(t, s, loginOf("ann", "s3"))
}

// The server is killed while it commits the logins of 8 users.
func TestAServerThatIsKilledUnderLoad(t *testing.T) {
	server := durable(t)
	s := mustOpen(t, optionsOf(server.Host, server.Port, server.NewDatabase(t)))
	for round := range 2 {
		results, stop := logInUntil(t, s, fmt.Sprint("round ", round))
		var outcomes []outcome
		for range 60 + 40*round {
			outcomes = append(outcomes, <-results)
		}
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		stop()
		for o := range results {
			outcomes = append(outcomes, o)
		}
		if err := server.Resume(); err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		for _, o := range outcomes {
			count[o.check(t, s)]++
		}
		t.Log(count)
	}
}

// outcome is the answer to a login.
type outcome struct {
	login sso.NewSession
	err   error
}

func (o outcome) check(t *testing.T, s *Store) string {
	t.Helper()
	switch there := isThere(t, s, o.login); {
	case o.err == nil && !there:
		t.Fatalf("%s was answered, and is not there", o.login.Session.ID)
	case o.err == nil:
		return "answered"
	case there:
		wantIs(t, "the error of a login that is there", o.err, sso.ErrOutcomeUnknown)
		return "not answered, and there"
	}
	return "not answered, and not there"
}

// logInUntil signs in 8 people over and over until stop is called; then it closes
// results.
func logInUntil(t *testing.T, s *Store, round string) (results <-chan outcome, stop func()) {
	told, stopped := make(chan outcome), make(chan struct{})
	var wg sync.WaitGroup
	for person := range 8 {
		wg.Go(func() {
			for n := 0; !isDone(stopped); n++ {
				login := loginOf(fmt.Sprint("p", person), fmt.Sprint(round, " person ", person, " login ", n))
				told <- outcome{login, s.CreateSession(t.Context(), login)}
			}
		})
	}
	go func() {
		wg.Wait()
		close(told)
	}()
	return told, func() { close(stopped) }
}

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestADatabaseThatIsReadOnly(t *testing.T) {
	server := server(t)
	o := optionsOf(server.Host, server.Port, server.NewDatabase(t))
	s := mustOpen(t, o)
	login := loginOf("ann", "s1")
	mustLogIn(t, s, login)
	set := func(value string) {
		server.Exec(t, "postgres", "ALTER DATABASE "+o.Database+" SET default_transaction_read_only = "+value)
		server.Exec(t, "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+o.Database+"'")
	}
	set("on")
	refused := loginOf("ann", "s2")
	wantSays(t, "a login", s.CreateSession(t.Context(), refused), "storing a login: the database is read-only: point DB_HOST to the primary")
	wantSays(t, "Ping", s.Ping(t.Context()), "testing whether the database can be written to: the database is read-only")
	if _, err := s.SessionToken(t.Context(), login.Token); err != nil {
		t.Errorf("a lookup: %v", err)
	}
	set("off")
	wantIs(t, "Ping afterwards", s.Ping(t.Context()), nil)
	if isThere(t, s, refused) {
		t.Error("a login that was refused is there")
	}
	mustLogIn(t, s, loginOf("ann", "s3"))
}
