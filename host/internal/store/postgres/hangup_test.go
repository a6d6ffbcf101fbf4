package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/doorward/doorward/host/internal/sso"
)

// Anyone may send a token and hang up at once. That must not cost a connection: opening
// another takes the server much longer than the lookup.
func TestWhoeverHangsUpCostsNoConnection(t *testing.T) {
	const clients = 4
	o := optionsOf(server(t).Host, server(t).Port, server(t).NewDatabase(t))
	o.MaxConnections = clients
	s, another := mustOpen(t, o), mustOpen(t, o)
	// Lookups hang for as long as this lock is held.
	lock, err := another.pool.BeginTx(t.Context(), pgx.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := lock.Exec(t.Context(), "LOCK TABLE doorward.session_tokens"); err != nil {
		t.Fatal(err)
	}
	ctx, hangUp := context.WithCancel(t.Context())
	answers := make(chan error, clients)
	for range clients {
		go func() {
			_, err := s.SessionToken(ctx, sso.TokenHash{})
			answers <- err
		}()
	}
	for waiting, deadline := 0, time.Now().Add(time.Minute); waiting < clients; {
		err := another.pool.QueryRow(t.Context(),
			`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%d lookups are under way: %v", waiting, err)
		}
	}
	made := s.pool.Stat().NewConnsCount()
	hangUp()
	// Later callers get no connection, and do not wait for one.
	if _, err := s.SessionToken(ctx, sso.TokenHash{}); !errors.Is(err, context.Canceled) {
		t.Errorf("one that hung up before: %v", err)
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range clients {
		if err := <-answers; !errors.Is(err, sso.ErrNotFound) {
			t.Errorf("a lookup was broken off: %v", err)
		}
	}
	for range clients {
		if _, err := s.SessionToken(t.Context(), sso.TokenHash{}); !errors.Is(err, sso.ErrNotFound) {
			t.Errorf("another one: %v", err)
		}
	}
	if now := s.pool.Stat().NewConnsCount(); now != made {
		t.Errorf("%d connections were made again", now-made)
	}
}
