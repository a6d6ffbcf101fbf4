package store_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

// asked counts how often the roles are read.
type asked struct {
	store.Store
	times atomic.Int64
}

func (a *asked) Roles(ctx context.Context) ([]sso.Role, error) {
	a.times.Add(1)
	return a.Store.Roles(ctx)
}

func TestRolesAreReadOnceASecond(t *testing.T) {
	database, now := &asked{Store: openSQLite(t)}, time.Now()
	cached := store.Cached(database, func() time.Time { return now })
	look := func(what string, wantRoles int, wantRead int64) {
		t.Helper()
		roles, err := cached.Roles(t.Context())
		if err != nil || len(roles) != wantRoles || database.times.Load() != wantRead {
			t.Errorf("%s: %d roles, read %d times, error %v; want %d, read %d times", what, len(roles), database.times.Load(), err, wantRoles, wantRead)
		}
	}
	look("at first", 0, 1)
	look("again", 0, 1)
	if err := database.AddRole(t.Context(), sso.Role{ID: "1", Name: "one"}, sso.Event{}); err != nil {
		t.Fatal(err)
	}
	look("within a second of a change by another host", 0, 1)
	now = now.Add(time.Second)
	look("after it", 1, 2)
	if err := cached.AddRole(t.Context(), sso.Role{ID: "2", Name: "two"}, sso.Event{}); err != nil {
		t.Fatal(err)
	}
	look("after a change of our own", 2, 3)
}
