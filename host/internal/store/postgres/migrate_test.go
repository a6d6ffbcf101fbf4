package postgres

import (
	"errors"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/pgtest"
)

// program returns the migrations of a version of this program that has more than the
// current ones.
func program(t *testing.T, more ...migration) []migration {
	t.Helper()
	known, err := allMigrations(migrations)
	if err != nil {
		t.Fatal(err)
	}
	return append(known, more...)
}

// Numbers of future migrations.
const (
	next      = 9001
	afterNext = 9002
)

// ofVersion creates a database as an older version of this program left it, with rows.
func ofVersion(t *testing.T, newest int, rows string) Options {
	t.Helper()
	s := server(t)
	o := optionsOf(s.Host, s.Port, s.NewDatabase(t))
	var old []migration
	for _, m := range program(t) {
		if m.number <= newest {
			old = append(old, m)
		}
	}
	openAndClose(t, o, old)
	s.Exec(t, o.Database, rows)
	return o
}

// openAndClose opens the database as a program with these migrations does, and closes it.
func openAndClose(t *testing.T, o Options, known []migration) {
	t.Helper()
	s, err := open(t.Context(), o, known, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestUpgrades(t *testing.T) {
	o := ofVersion(t, 1, `
		INSERT INTO doorward.users (id, provider, subject, status, role, email, first_name, last_name) VALUES ('ann', 'corp', 'A-1', 'active', '', '', '', '');
		INSERT INTO doorward.links SELECT provider, subject, pk FROM doorward.users;`)
	s := mustOpen(t, o)
	login := loginOf("A-1", "s1")
	mustLogIn(t, s, login)
	if got, err := s.SessionToken(t.Context(), login.Token); err != nil || got.User.ID != "ann" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestHostsThatStartAtOnce(t *testing.T) {
	s := server(t)
	o := optionsOf(s.Host, s.Port, s.NewDatabase(t))
	known := program(t, migration{next, 1, "CREATE TABLE doorward.another (x integer); INSERT INTO doorward.another VALUES (1)"})
	// The first host adds a check of SECRET. All others see it.
	confirm := func(id string) sso.ConfirmSecret {
		return func(sample sso.SealedSample) ([]sso.SecretCheck, error) {
			if len(sample.Checks) > 0 {
				return nil, nil
			}
			return []sso.SecretCheck{{ID: id, Sealed: []byte("x")}}, nil
		}
	}
	const many = 8
	errs := make(chan error, many)
	for i := range many {
		go func() { // ends with its start
			s, err := open(t.Context(), o, known, confirm(fmt.Sprint("check ", i)))
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range many {
		wantIs(t, "a start", <-errs, nil)
	}
	one := mustOpen(t, o)
	if checks, err := one.SecretChecks(t.Context()); err != nil || len(checks) != 1 {
		t.Errorf("checks: %v, %v", checks, err)
	}
	if n, err := one.count(t.Context(), "counting", "UPDATE doorward.another SET x = 2"); err != nil || n != 1 {
		t.Errorf("rows of a migration: %d, %v", n, err)
	}
}

// A host that dies during a migration does not keep others waiting.
func TestAHostThatDiesInAMigration(t *testing.T) {
	s := server(t)
	o := optionsOf(s.Host, s.Port, s.NewDatabase(t))
	holder, err := pgx.Connect(t.Context(), o.connectionString())
	if err != nil {
		t.Fatal(err)
	}
	tx, err := holder.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), tx, program(t)); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() { // ends with its start
		s, err := Open(t.Context(), o, nil)
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	waits := func() bool {
		var n int
		err := holder.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n > 0
	}
	for !waits() {
		select {
		case err := <-opened:
			t.Fatalf("a start did not wait for a migration: %v", err)
		default:
		}
	}
	if err := holder.PgConn().Conn().Close(); err != nil { // without a message, as if it had died
		t.Fatal(err)
	}
	wantIs(t, "a start that waited for a host that died", <-opened, nil)
}

// During an upgrade hosts of two versions work on one database.
func TestHostsOfTwoVersions(t *testing.T) {
	s := server(t)
	today := program(t)
	newest := today[len(today)-1].number
	for name, c := range map[string]struct {
		newer []migration
		want  error
	}{
		"one that they can read":                     {[]migration{{next, newest, "CREATE TABLE doorward.another (x integer)"}}, nil},
		"one that they cannot":                       {[]migration{{next, next, "CREATE TABLE doorward.another (x integer)"}}, ErrTooNew},
		"one that they can read and one they cannot": {[]migration{{next, newest, ""}, {afterNext, next, ""}}, ErrTooNew},
	} {
		t.Run(name, func(t *testing.T) {
			o := optionsOf(s.Host, s.Port, s.NewDatabase(t))
			old := mustOpen(t, o)
			mustLogIn(t, old, loginOf("ann", "s1"))
			wantIs(t, "Ping before", old.Ping(t.Context()), nil)
			openAndClose(t, o, program(t, c.newer...))
			wantIs(t, "Ping of a host that runs", old.Ping(t.Context()), c.want)
			again, err := Open(t.Context(), o, nil)
			wantIs(t, "a start", err, c.want)
			if err != nil {
				wantSays(t, "a start", err, fmt.Sprintf("this one supports migrations up to %d; run the newer version", newest))
				return
			}
			mustLogIn(t, again, loginOf("ann", "s2"))
			wantIs(t, "Close", again.Close(), nil)
			openAndClose(t, o, program(t, c.newer...)) // nothing is applied twice
		})
	}
}

// Of two migrations written at the same time, the one with the lower number may be
// released later.
func TestAMigrationThatComesLate(t *testing.T) {
	s := server(t)
	o := optionsOf(s.Host, s.Port, s.NewDatabase(t))
	openAndClose(t, o, program(t, migration{afterNext, 1, "CREATE TABLE doorward.b (x integer)"}))
	both := program(t, migration{next, 1, "CREATE TABLE doorward.a (x integer)"}, migration{afterNext, 1, ""})
	openAndClose(t, o, both)
	s.Exec(t, o.Database, "SELECT * FROM doorward.a, doorward.b")
}

func TestAMigrationThatFailsChangesNothing(t *testing.T) {
	s := server(t)
	o := optionsOf(s.Host, s.Port, s.NewDatabase(t))
	_, err := open(t.Context(), o, program(t, migration{next, next, "CREATE TABLE doorward.another (x integer); SELECT 1/0"}), nil)
	wantSays(t, "a start", err, "applying migration 9001", "division by zero")
	s.Exec(t, o.Database, "CREATE SCHEMA doorward") // is not there
}

func TestMigrationsSayByWhomTheDatabaseIsReadable(t *testing.T) {
	program(t)
	for _, text := range []string{"CREATE TABLE x", "-- readable by: soon\n", "-- readable by: 8\n", "\n-- readable by: 7\n"} {
		if _, err := allMigrations(fstest.MapFS{"migrations/0007_x.sql": {Data: []byte(text)}}); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
	got, err := allMigrations(fstest.MapFS{
		"migrations/0010_b.sql": {Data: []byte("-- readable by: 7\nB")}, "migrations/0007_a.sql": {Data: []byte("-- readable by: 7\nA")},
	})
	if err != nil || len(got) != 2 || got[0].number != 7 || got[1].number != 10 || got[1].readableBy != 7 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestASecondHostWithAnotherSecret(t *testing.T) {
	s := server(t)
	o := optionsOf(s.Host, s.Port, s.NewDatabase(t))
	one, another := []byte("one secret of at least 32 bytes!"), []byte("another secret of 32 bytes or so")
	first, err := Open(t.Context(), o, sso.Confirming(one, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	refused, err := Open(t.Context(), o, sso.Confirming(another, nil))
	if err == nil {
		refused.Close()
		t.Fatal("a host with another SECRET starts")
	}
	wantSays(t, "a start", err, "SECRET")
	wantSays(t, "a check", ConfirmSecretIn(t.Context(), o, sso.Confirming(another, nil)), "SECRET")
	wantIs(t, "a check with the right one", ConfirmSecretIn(t.Context(), o, sso.Confirming(one, nil)), nil)
	fresh := optionsOf(s.Host, s.Port, s.NewDatabase(t))
	wantIs(t, "a check of a database without anything", ConfirmSecretIn(t.Context(), fresh, sso.Confirming(one, nil)), nil)
	if n, err := CountUsersIn(t.Context(), fresh, "corp"); n != 0 || err != nil {
		t.Errorf("users of a database without anything: %d, %v", n, err)
	}
	s.Exec(t, fresh.Database, "CREATE SCHEMA doorward") // neither made anything
	mustLogIn(t, first, loginOf("ann", "s1"))
	if n, err := CountUsersIn(t.Context(), o, "corp"); n != 1 || err != nil {
		t.Errorf("users: %d, %v", n, err)
	}
}

func TestADatabaseOfAnotherEncoding(t *testing.T) {
	s := server(t)
	name := s.NewDatabase(t)
	s.Exec(t, "postgres", "DROP DATABASE "+name)
	s.Exec(t, "postgres", "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
	o := optionsOf(s.Host, s.Port, name)
	_, err := Open(t.Context(), o, nil)
	wantSays(t, "a start", err, "encoding LATIN1", "createdb --encoding=UTF8 --template=template0")
	_, err = CountUsersIn(t.Context(), o, "corp")
	wantSays(t, "a look", err, "encoding LATIN1", "createdb --encoding=UTF8 --template=template0")
}

// A role needs only its own database, or a schema that somebody created for it; other
// schemas are not touched.
func TestRoles(t *testing.T) {
	s := server(t)
	database := s.NewDatabase(t)
	s.Exec(t, database, `CREATE TABLE users (x integer); DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC`)
	o := optionsOf(s.Host, s.Port, database)
	o.User = "plain"
	_, err := Open(t.Context(), o, nil)
	wantSays(t, "a role without rights", err, "the role lacks a privilege: make DB_USER the owner of the database")
	s.Exec(t, database, `CREATE SCHEMA doorward AUTHORIZATION plain`)
	mustLogIn(t, mustOpen(t, o), loginOf("ann", "s1"))
	s.Exec(t, database, `SELECT x FROM public.users; DROP OWNED BY plain; DROP ROLE plain`)
	_, err = Open(t.Context(), o, nil)
	wantSays(t, "no such role", err, "PostgreSQL refuses the connection: check DB_USER")
	o.User, o.Database = pgtest.User, "gone"
	_, err = Open(t.Context(), o, nil)
	wantSays(t, "no such database", err, "there is no such database")
	if errors.Is(err, ErrTooNew) {
		t.Error("it is not too new")
	}
}
