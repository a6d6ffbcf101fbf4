package forwardauth_test

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/pgtest"
	"github.com/doorward/doorward/host/internal/store/postgres"
	"github.com/doorward/doorward/host/internal/store/sqlite"
)

// FA62, FA48: a user that is suspended, or whose session ends, on one host is refused by
// each host within a second, although they answer from memory.
func TestRowsOfHosts(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		database, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { database.Close() })
		testHosts(t, database, database) // each has a cache of its own
	})
	t.Run("postgres", func(t *testing.T) {
		server, err := pgtest.Start()
		pgtest.Require(t, err)
		t.Cleanup(func() {
			if err := server.Remove(); err != nil {
				t.Error(err)
			}
		})
		options := postgres.Options{Host: server.Host, Port: server.Port, User: pgtest.User, Database: server.NewDatabase(t), MaxConnections: 10}
		open := func() store.Store {
			s, err := postgres.Open(t.Context(), options, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return s
		}
		testHosts(t, open(), open())
	})
}

func testHosts(t *testing.T, here, there store.Store) {
	t.Helper()
	const within = time.Second // cacheFor of package store
	hosts := []*rig{newRigOn(t, here), newRigOn(t, there)}
	for name, c := range map[string]struct {
		change func(u sso.User, token sso.Token, session sso.Session) error
		status int
	}{
		"suspended": {func(u sso.User, _ sso.Token, _ sso.Session) error {
			_, _, err := hosts[0].store.ChangeUser(t.Context(), u.ID, func(u *sso.User) ([]sso.Event, error) {
				u.Status = sso.UserSuspended
				return nil, nil
			})
			return err
		}, http.StatusUnauthorized},
		"signed out": {func(_ sso.User, token sso.Token, _ sso.Session) error {
			_, err := hosts[0].logins.Logout(t.Context(), token)
			return err
		}, http.StatusUnauthorized},
		"ended in the background": {func(_ sso.User, _ sso.Token, session sso.Session) error {
			return hosts[0].store.EndSession(t.Context(), session.ID, sso.Event{})
		}, http.StatusUnauthorized},
		"without the group": {func(_ sso.User, token sso.Token, session sso.Session) error {
			return hosts[0].store.ProlongSession(t.Context(), sso.Prolongation{
				SessionID: session.ID, Token: token.Hash(), AskedAt: time.Now(), ExpiresAt: session.ExpiresAt, NotAfter: session.NotAfter, Groups: sso.NewGroups(nil),
			})
		}, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			u := hosts[0].user("user " + name)
			token, session := hosts[0].session(u, sso.KindSession, "admins")
			q := forward("Cookie: "+cookieName+"="+string(token), "X-Forwarded-Host: admin.test")
			for _, host := range hosts {
				host.ask(q).check(t, "before", http.StatusOK, u.ID)
			}
			if err := c.change(u, token, session); err != nil {
				t.Fatal(err)
			}
			changed := time.Now()
			hosts[0].ask(q).check(t, "at this host, at once", c.status, no)
			again := time.NewTicker(20 * time.Millisecond)
			defer again.Stop()
			for ; ; <-again.C {
				asked := time.Now()
				if a := hosts[1].ask(q); a.StatusCode != http.StatusOK {
					a.check(t, "at the other host", c.status, no)
					return
				}
				if late := asked.Sub(changed); late > within {
					t.Fatalf("still let through %v afterwards", late)
				}
			}
		})
	}
}
