package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/storetest"
)

// hosts is a store that calls two stores of one database by turns, like two hosts behind
// a load balancer. Methods that it does not define go to the first.
type hosts struct {
	store.Store
	second store.Store
	calls  atomic.Uint32
}

func (h *hosts) next() store.Store {
	if h.calls.Add(1)%2 == 0 {
		return h.second
	}
	return h.Store
}

func (h *hosts) CreateUser(ctx context.Context, u sso.User) (sso.User, error) {
	return h.next().CreateUser(ctx, u)
}
func (h *hosts) CreateSession(ctx context.Context, login sso.NewSession) error {
	return h.next().CreateSession(ctx, login)
}
func (h *hosts) SessionToken(ctx context.Context, token sso.TokenHash) (sso.SessionToken, error) {
	return h.next().SessionToken(ctx, token)
}
func (h *hosts) SessionUser(ctx context.Context, id string, now time.Time) (sso.Session, sso.User, error) {
	return h.next().SessionUser(ctx, id, now)
}
func (h *hosts) LinkByEmail(ctx context.Context, link sso.EmailLink) (bool, error) {
	return h.next().LinkByEmail(ctx, link)
}
func (h *hosts) Roles(ctx context.Context) ([]sso.Role, error) { return h.next().Roles(ctx) }
func (h *hosts) AddRole(ctx context.Context, role sso.Role, event sso.Event) error {
	return h.next().AddRole(ctx, role, event)
}
func (h *hosts) RenameRole(ctx context.Context, id, name string, event sso.Event) error {
	return h.next().RenameRole(ctx, id, name, event)
}
func (h *hosts) RemoveRole(ctx context.Context, id string, moveTo *string, event sso.Event) (int, error) {
	return h.next().RemoveRole(ctx, id, moveTo, event)
}
func (h *hosts) RotateToken(ctx context.Context, r sso.Rotation) error {
	return h.next().RotateToken(ctx, r)
}
func (h *hosts) ProlongSession(ctx context.Context, p sso.Prolongation) error {
	return h.next().ProlongSession(ctx, p)
}
func (h *hosts) EndSession(ctx context.Context, id string, event sso.Event) error {
	return h.next().EndSession(ctx, id, event)
}
func (h *hosts) EndSessions(ctx context.Context, match sso.SessionMatch, limit int, event sso.Event) (int, error) {
	return h.next().EndSessions(ctx, match, limit, event)
}
func (h *hosts) EndProviderSessions(ctx context.Context, s sso.Selection, event sso.Event, once ...sso.OnceID) ([]sso.Session, error) {
	return h.next().EndProviderSessions(ctx, s, event, once...)
}
func (h *hosts) Spend(ctx context.Context, ids ...sso.OnceID) error {
	return h.next().Spend(ctx, ids...)
}
func (h *hosts) SigningKeys(ctx context.Context) ([]sso.SigningKey, error) {
	return h.next().SigningKeys(ctx)
}

func TestTwoHostsAreOneStore(t *testing.T) {
	s := server(t)
	o := optionsOf(s.Host, s.Port, s.NewDatabase(t))
	storetest.Run(t, func(t *testing.T) store.Store {
		s.Empty(t, o.Database)
		return &hosts{Store: mustOpen(t, o), second: mustOpen(t, o)}
	}, nil)
}

// at is a moment of the tests.
var at = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func twoHosts(t *testing.T) [2]*Store {
	t.Helper()
	s := server(t)
	o := optionsOf(s.Host, s.Port, s.NewDatabase(t))
	o.MaxConnections = 20
	return [2]*Store{mustOpen(t, o), mustOpen(t, o)}
}

// loginOf is a login of a person, who is created at the first.
func loginOf(person, session string) sso.NewSession {
	return sso.NewSession{
		Session: sso.Session{
			ID: session, Provider: "corp", Kind: sso.KindSession, CreatedAt: at, ExpiresAt: at.Add(time.Hour),
			AtProvider: sso.AtProvider{Subject: person, LogoutSubject: person, SessionID: session, SealedGrant: []byte("grant of " + session)},
		},
		Token: sso.NewToken().Hash(), Once: []sso.OnceID{{Scope: "attempt", ID: session, Until: at.Add(time.Hour)}},
		Decide: func(known *sso.User) (sso.User, error) {
			if known != nil {
				return *known, nil
			}
			return sso.User{ID: "user of " + session, Provider: "corp", Subject: person, Status: sso.UserActive, CreatedAt: at}, nil
		},
	}
}

func mustLogIn(t *testing.T, s *Store, login sso.NewSession) {
	t.Helper()
	if err := s.CreateSession(t.Context(), login); err != nil {
		t.Fatal(err)
	}
}

func rotationOf(session string, old, next sso.TokenHash) sso.Rotation {
	return sso.Rotation{SessionID: session, Old: old, New: next, Successor: []byte("sealed"), Now: at, ExpiresAt: at.Add(2 * time.Hour)}
}

// A logout by the provider wins against a token rotation on another host: neither order
// leaves a token that works.
func TestALogoutAgainstRotations(t *testing.T) {
	stores := twoHosts(t)
	for round := range 20 {
		session, person := fmt.Sprint("s", round), fmt.Sprint("p", round)
		login := loginOf(person, session)
		mustLogIn(t, stores[0], login)
		tokens := []sso.TokenHash{login.Token}
		var wg sync.WaitGroup
		wg.Go(func() { // a chain of rotations, until the session is gone
			for range 50 {
				next := sso.NewToken().Hash()
				err := stores[1].RotateToken(t.Context(), rotationOf(session, tokens[len(tokens)-1], next))
				if err != nil {
					wantIs(t, "a rotation", err, sso.ErrNotFound)
					return
				}
				tokens = append(tokens, next)
			}
		})
		ended, err := stores[0].EndProviderSessions(t.Context(), sso.Selection{Provider: "corp", Subject: person}, sso.Event{})
		if err != nil || len(ended) != 1 {
			t.Errorf("ended %v, %v", ended, err)
		}
		wg.Wait()
		for _, token := range tokens {
			_, err := stores[0].SessionToken(t.Context(), token)
			wantIs(t, "a token after the logout", err, sso.ErrNotFound)
		}
	}
}

// All operations that lock several rows, at once, on two hosts, with rows that expire
// under them. No caller gets an error that the contract does not name.
func TestNobodyWaitsForEachOther(t *testing.T) {
	stores, before := twoHosts(t), len(server(t).Log())
	const people, rounds = 4, 30
	var wg sync.WaitGroup
	for worker := range 8 {
		s := stores[worker%2]
		wg.Go(func() {
			for round := range rounds {
				person := fmt.Sprint("p", (worker+round)%people)
				login := loginOf(person, fmt.Sprintf("w%d r%d", worker, round))
				login.Once = []sso.OnceID{
					{Scope: "x", ID: fmt.Sprintf("b%d-%d", round, worker/2), Until: at}, {Scope: "x", ID: fmt.Sprintf("a%d-%d", round, worker/2), Until: at},
				}
				if worker%2 == 0 {
					slices.Reverse(login.Once)
				}
				login.RemoveBefore = at.Add(90 * time.Minute)
				if err := s.CreateSession(t.Context(), login); err != nil {
					wantIs(t, "a login", err, sso.ErrSpent)
					continue
				}
				err := s.RotateToken(t.Context(), rotationOf(login.Session.ID, login.Token, sso.NewToken().Hash()))
				if err != nil {
					wantIs(t, "a rotation", err, sso.ErrNotFound)
				}
			}
		})
	}
	for _, s := range stores {
		wg.Go(func() {
			for range rounds {
				grants, err := s.SealedGrants(t.Context(), "", 50)
				wantIs(t, "SealedGrants", err, nil)
				var swaps []sso.GrantSwap
				for _, g := range grants {
					swaps = append(swaps, sso.GrantSwap{SessionID: g.SessionID, Old: g.Sealed, New: append(g.Sealed, '!')})
				}
				wantIs(t, "SwapGrants", s.SwapGrants(t.Context(), swaps), nil)
				_, err = s.ForgetSuccessors(t.Context(), at.Add(time.Hour), 10)
				wantIs(t, "ForgetSuccessors", err, nil)
				_, err = s.EndProviderSessions(t.Context(), sso.Selection{Provider: "corp", Subject: "p1"}, sso.Event{})
				wantIs(t, "EndProviderSessions", err, nil)
				_, err = s.EndSessions(t.Context(), sso.SessionMatch{Provider: "corp"}, 3, sso.Event{})
				wantIs(t, "EndSessions", err, nil)
			}
		})
	}
	wg.Wait()
	wantNoDeadlock(t, before)
}

// wantNoDeadlock fails if the server has logged a deadlock since the log had that length.
func wantNoDeadlock(t *testing.T, before int) {
	t.Helper()
	if log := server(t).Log()[before:]; strings.Contains(log, "deadlock detected") {
		t.Errorf("a deadlock, which was tried again:\n%s", log)
	}
}

// Two callers share once-IDs in opposite orders: one succeeds, and there is no deadlock.
func TestOnceIDsInAnyOrder(t *testing.T) {
	stores, before := twoHosts(t), len(server(t).Log())
	for round := range 20 {
		var ids []sso.OnceID
		for n := range 50 {
			ids = append(ids, sso.OnceID{Scope: "x", ID: fmt.Sprintf("%d %d", round, n), Until: at})
		}
		reversed := slices.Clone(ids)
		slices.Reverse(reversed)
		told := make(chan error, 2)
		for i, ids := range [][]sso.OnceID{ids, reversed} {
			go func() { told <- stores[i].Spend(t.Context(), ids...) }() // ends with its answer
		}
		if a, b := <-told, <-told; (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), sso.ErrSpent) {
			t.Errorf("round %d: %v and %v, want one that succeeds", round, a, b)
		}
	}
	wantNoDeadlock(t, before)
}

// Two callers remove expired rows at once, of which there are more than either removes.
func TestTwoThatRemove(t *testing.T) {
	stores, before := twoHosts(t), len(server(t).Log())
	mustLogIn(t, stores[0], loginOf("ann", "s"))
	for round := range 10 {
		wantIs(t, "making sessions", stores[0].run(t.Context(), "making sessions", `
			WITH made AS (
				INSERT INTO doorward.sessions (user_pk, id, provider, kind, expires_at, ip, user_agent)
				SELECT pk, $1::text || n, 'corp', 'session', n, '', '' FROM doorward.users, generate_series(1, 1500) n WHERE subject = 'ann' RETURNING pk, id, expires_at
			)
			INSERT INTO doorward.session_tokens (hash, session_pk, expires_at) SELECT sha256(id::bytea), pk, expires_at FROM made`,
			fmt.Sprint("round ", round, " session ")), nil)
		told := make(chan error, 12)
		for i := range cap(told) {
			login := loginOf(fmt.Sprint("p", i), fmt.Sprint("r", round, " login ", i))
			login.RemoveBefore = at.Add(-time.Hour)
			go func() { told <- stores[i%2].CreateSession(t.Context(), login) }() // ends with its login
		}
		for range cap(told) {
			wantIs(t, "a login", <-told, nil)
		}
	}
	wantNoDeadlock(t, before)
}

// However the server looks for the rows, it affects no more than the limit.
func TestLimitsHoldInEveryPlan(t *testing.T) {
	s := server(t)
	store := mustOpen(t, optionsOf(s.Host, s.Port, s.NewDatabase(t)))
	for i := range 20 {
		session := fmt.Sprint("s", i)
		login := loginOf("ann", session)
		mustLogIn(t, store, login)
		if err := store.RotateToken(t.Context(), rotationOf(session, login.Token, sso.NewToken().Hash())); err != nil {
			t.Fatal(err)
		}
	}
	later := at.Add(24 * time.Hour).UnixMilli()
	for _, off := range []string{
		"enable_hashjoin", "enable_nestloop", "enable_indexscan",
		// That leaves a nested loop, which looks again for each row.
		"enable_hashjoin, enable_mergejoin, enable_hashagg, enable_sort, enable_material, enable_indexscan, enable_indexonlyscan, enable_bitmapscan",
	} {
		for name, text := range map[string]string{
			"old successors": oldSuccessors, "tokens": removeTokens, "sessions": removeSessions, "once-IDs": removeOnce,
		} {
			if n := inPlan(t, store, strings.Split(off, ", "), text, later, 3); n != 3 {
				t.Errorf("%s without %s: %d rows, want 3", name, off, n)
			}
		}
	}
}

// inPlan runs a statement without some ways to join, rolls it back, and returns how many
// rows it affected.
func inPlan(t *testing.T, s *Store, off []string, text string, arguments ...any) int64 {
	t.Helper()
	conn, err := s.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	for _, setting := range off {
		if _, err := tx.Exec(t.Context(), "SET LOCAL "+setting+" = off"); err != nil {
			t.Fatal(err)
		}
	}
	tag, err := tx.Exec(t.Context(), text, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return tag.RowsAffected()
}
