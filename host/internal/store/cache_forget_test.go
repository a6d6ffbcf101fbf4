package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

// counted counts the lookups that pass through the cache to the database.
type counted struct {
	store.Store
	lookups *atomic.Int64
}

func (c counted) SessionToken(ctx context.Context, token sso.TokenHash) (sso.SessionToken, error) {
	c.lookups.Add(1)
	return c.Store.SessionToken(ctx, token)
}

// peopled is a cache with users, each with two sessions, one of which was refreshed.
type peopled struct {
	store.Store
	t       *testing.T
	now     time.Time
	lookups atomic.Int64

	users  []sso.User
	tokens map[string][]sso.TokenHash // by session: current first
}

func newPeopled(t *testing.T) *peopled {
	t.Helper()
	p := &peopled{t: t, now: time.Now(), tokens: map[string][]sso.TokenHash{}}
	p.Store = store.Cached(counted{openSQLite(t), &p.lookups}, func() time.Time { return p.now })
	for _, id := range []string{"ann", "bob"} {
		user, err := p.CreateUser(t.Context(), sso.User{ID: id, Provider: "corp", Subject: id, Status: sso.UserActive, CreatedAt: p.now})
		if err != nil {
			t.Fatal(err)
		}
		p.users = append(p.users, user)
		p.signIn(id, 1, time.Time{})
		p.signIn(id, 2, time.Time{})
		p.rotate(id + "-1")
	}
	return p
}

func (p *peopled) signIn(user string, n int, removeBefore time.Time) {
	p.t.Helper()
	id, token := fmt.Sprint(user, "-", n), sso.NewToken().Hash()
	session := sso.Session{ID: id, UserID: user, Provider: "corp", Kind: sso.KindSession, CreatedAt: p.now, ExpiresAt: p.now.Add(time.Hour)}
	session.AtProvider = sso.AtProvider{Subject: user, LogoutSubject: user, SessionID: id}
	if err := p.CreateSession(p.t.Context(), sso.NewSession{Session: session, Token: token, RemoveBefore: removeBefore}); err != nil {
		p.t.Fatal(err)
	}
	p.tokens[id] = []sso.TokenHash{token}
}

// logIn signs in a known user, whose record changes.
func (p *peopled) logIn(user string, n int, replaces ...string) {
	p.t.Helper()
	id, token := fmt.Sprint(user, "-", n), sso.NewToken().Hash()
	session := sso.Session{ID: id, Provider: "corp", Kind: sso.KindSession, CreatedAt: p.now, ExpiresAt: p.now.Add(time.Hour)}
	session.AtProvider = sso.AtProvider{Subject: user, LogoutSubject: user, SessionID: id}
	err := p.CreateSession(p.t.Context(), sso.NewSession{
		Session: session, Token: token, Replaces: replaces, RemoveBefore: p.now.Add(-time.Hour),
		Decide: func(known *sso.User) (sso.User, error) {
			known.LastAccess = p.now
			return *known, nil
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.tokens[id] = []sso.TokenHash{token}
}

func (p *peopled) rotate(session string) {
	p.t.Helper()
	next := sso.NewToken().Hash()
	rotation := sso.Rotation{
		SessionID: session, Old: p.tokens[session][0], New: next, Successor: []byte("sealed"), Now: p.now, ExpiresAt: p.now.Add(2 * time.Hour), RemoveBefore: p.now.Add(-time.Hour),
	}
	if err := p.RotateToken(p.t.Context(), rotation); err != nil {
		p.t.Fatal(err)
	}
	p.tokens[session] = append([]sso.TokenHash{next}, p.tokens[session]...)
}

func (p *peopled) prolongation(session string) sso.Prolongation {
	return sso.Prolongation{SessionID: session, Token: p.tokens[session][0], AskedAt: p.now, ExpiresAt: p.now.Add(time.Hour)}
}

// lookAtAll looks up all tokens, and returns the sessions that were not answered from
// memory.
func (p *peopled) lookAtAll() (read map[string]bool) {
	p.t.Helper()
	read = map[string]bool{}
	for id, tokens := range p.tokens {
		before := p.lookups.Load()
		for _, token := range tokens {
			if _, err := p.SessionToken(p.t.Context(), token); err != nil && !errors.Is(err, sso.ErrNotFound) {
				p.t.Fatal(err)
			}
		}
		if p.lookups.Load() > before {
			read[id] = true
		}
	}
	return read
}

// A write forgets what it changed, so that the change shows at once, and nothing else.
func TestCacheForgetsWhatAWriteChanged(t *testing.T) {
	for name, c := range map[string]struct {
		write func(t *testing.T, p *peopled)
		want  []string // sessions that are looked up again
	}{
		"nothing": {func(*testing.T, *peopled) {}, nil},
		"a login of somebody new": {func(t *testing.T, p *peopled) {
			if _, err := p.CreateUser(t.Context(), sso.User{ID: "eve", Provider: "corp", Subject: "eve", Status: sso.UserActive}); err != nil {
				t.Fatal(err)
			}
			p.signIn("eve", 1, p.now.Add(-time.Hour))
		}, []string{"eve-1"}},
		"a login": {func(_ *testing.T, p *peopled) {
			p.logIn("bob", 3)
		}, []string{"bob-1", "bob-2", "bob-3"}},
		"a login that replaces a session of somebody else": {func(_ *testing.T, p *peopled) {
			p.logIn("bob", 3, "ann-1")
		}, []string{"ann-1", "bob-1", "bob-2", "bob-3"}},
		"a refresh":         {func(_ *testing.T, p *peopled) { p.rotate("bob-1") }, []string{"bob-1"}},
		"the first refresh": {func(_ *testing.T, p *peopled) { p.rotate("bob-2") }, []string{"bob-2"}},
		"a refresh that another host was faster with": {func(t *testing.T, p *peopled) {
			spent := p.tokens["bob-1"][1]
			err := p.RotateToken(t.Context(), sso.Rotation{SessionID: "bob-1", Old: spent, New: sso.NewToken().Hash(), Now: p.now, ExpiresAt: p.now})
			if !errors.Is(err, sso.ErrSpent) {
				t.Fatal(err)
			}
		}, []string{"bob-1"}},
		"a session that is prolonged": {func(t *testing.T, p *peopled) {
			if err := p.ProlongSession(t.Context(), p.prolongation("bob-1")); err != nil {
				t.Fatal(err)
			}
		}, []string{"bob-1"}},
		"a logout": {func(t *testing.T, p *peopled) {
			if err := p.EndSession(t.Context(), "ann-1", sso.Event{}); err != nil {
				t.Fatal(err)
			}
		}, []string{"ann-1"}},
		"a logout by the provider": {func(t *testing.T, p *peopled) {
			if _, err := p.EndProviderSessions(t.Context(), sso.Selection{Provider: "corp", Subject: "ann"}, sso.Event{}); err != nil {
				t.Fatal(err)
			}
		}, []string{"ann-1", "ann-2"}},
		"a logout message that comes again": {func(t *testing.T, p *peopled) {
			once := sso.OnceID{Scope: "logout:corp", ID: "1", Until: p.now}
			if err := p.Spend(t.Context(), once); err != nil {
				t.Fatal(err)
			}
			if _, err := p.EndProviderSessions(t.Context(), sso.Selection{Provider: "corp", Subject: "ann"}, sso.Event{}, once); !errors.Is(err, sso.ErrSpent) {
				t.Fatal(err)
			}
		}, nil},
		"an operator who ends sessions": {func(t *testing.T, p *peopled) {
			if _, err := p.EndSessions(t.Context(), sso.SessionMatch{User: "ann"}, 1, sso.Event{}); err != nil {
				t.Fatal(err)
			}
		}, []string{"ann-1", "ann-2", "bob-1", "bob-2"}}, // EndSessions does not report which
		"successors that are forgotten": {func(t *testing.T, p *peopled) {
			if _, err := p.ForgetSuccessors(t.Context(), p.now.Add(time.Hour), 10); err != nil {
				t.Fatal(err)
			}
		}, nil},
		"a login that removes what has expired": {func(_ *testing.T, p *peopled) {
			p.signIn("bob", 3, p.now.Add(90*time.Minute)) // all but what was refreshed
		}, []string{"ann-1", "ann-2", "bob-1", "bob-2", "bob-3"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeopled(t)
			p.lookAtAll()
			if read := p.lookAtAll(); len(read) > 0 {
				t.Fatalf("not from memory at all: %v", read)
			}
			c.write(t, p)
			read := p.lookAtAll()
			for _, id := range c.want {
				if !read[id] {
					t.Errorf("session %s is answered as it was before", id)
				}
				delete(read, id)
			}
			if len(read) > 0 {
				t.Errorf("forgotten without need: %v", read)
			}
		})
	}
}

// overtaken runs a function after each lookup, before the answer is returned.
type overtaken struct {
	store.Store
	meanwhile func()
}

func (o *overtaken) SessionToken(ctx context.Context, token sso.TokenHash) (sso.SessionToken, error) {
	found, err := o.Store.SessionToken(ctx, token)
	if o.meanwhile != nil {
		o.meanwhile()
	}
	return found, err
}

// An answer that was read before a write and arrives after it is not kept.
func TestA04AnswerThatAWriteOvertook(t *testing.T) {
	now, token := time.Now(), sso.NewToken().Hash()
	user := sso.User{ID: "ann", Provider: "corp", Subject: "ann", Status: sso.UserActive}
	session := sso.Session{ID: "one", UserID: "ann", Provider: "corp", Kind: sso.KindSession, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	for name, c := range map[string]struct {
		write func(ctx context.Context, s store.Store) error
		same  func(before, after sso.SessionToken, err error) bool
	}{
		"a logout": {
			func(ctx context.Context, s store.Store) error { return s.EndSession(ctx, "one", sso.Event{}) },
			func(_, _ sso.SessionToken, err error) bool { return !errors.Is(err, sso.ErrNotFound) },
		},
		"a change of the user": {
			func(ctx context.Context, s store.Store) error {
				_, _, err := s.ChangeUser(ctx, "ann", func(u *sso.User) ([]sso.Event, error) {
					u.Role = "admin"
					return nil, nil
				})
				return err
			},
			func(before, after sso.SessionToken, _ error) bool { return before.User.Role == after.User.Role },
		},
		"a refresh": {
			func(ctx context.Context, s store.Store) error {
				return s.RotateToken(ctx, sso.Rotation{SessionID: "one", Old: token, New: sso.NewToken().Hash(), Now: now, ExpiresAt: now.Add(time.Hour)})
			},
			func(_, after sso.SessionToken, _ error) bool { return after.SpentAt.IsZero() },
		},
		"a session that is prolonged": {
			func(ctx context.Context, s store.Store) error {
				return s.ProlongSession(ctx, sso.Prolongation{SessionID: "one", Token: token, AskedAt: now, ExpiresAt: now.Add(time.Hour), Groups: "\nother\n"})
			},
			func(before, after sso.SessionToken, _ error) bool {
				return before.Session.Groups == after.Session.Groups
			},
		},
		"an operator": {
			func(ctx context.Context, s store.Store) error {
				_, err := s.EndSessions(ctx, sso.SessionMatch{}, 1, sso.Event{})
				return err
			},
			func(_, _ sso.SessionToken, err error) bool { return !errors.Is(err, sso.ErrNotFound) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			slow := &overtaken{Store: openSQLite(t)}
			cached := store.Cached(slow, func() time.Time { return now })
			_, err := cached.CreateUser(t.Context(), user)
			if err := errors.Join(err, cached.CreateSession(t.Context(), sso.NewSession{Session: session, Token: token})); err != nil {
				t.Fatal(err)
			}
			slow.meanwhile = func() {
				slow.meanwhile = nil
				if err := c.write(t.Context(), cached); err != nil {
					t.Error(err)
				}
			}
			before, err := cached.SessionToken(t.Context(), token)
			if err != nil || slow.meanwhile != nil {
				t.Fatal(err, "or nothing happened in the meantime")
			}
			if after, err := cached.SessionToken(t.Context(), token); c.same(before, after, err) {
				t.Error("the answer from before the write is kept")
			}
		})
	}
}
