package sso_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/sdk"
)

// hosts returns n hosts on one database, each with the cache of a real one.
func (h *house) hosts(n int) []*house {
	h.t.Helper()
	list := make([]*house, n)
	for i := range list {
		list[i] = h.another()
		cached := store.Cached(h.store, time.Now)
		list[i].sessions, list[i].atProviders = cached, cached
		list[i].restart()
	}
	return list
}

// leaseHeld makes a foreign host hold the lease of a session for that long, because it
// died or is slow.
func (h *house) leaseHeld(done *sso.SignedIn, lasts time.Duration) {
	h.t.Helper()
	_, err := h.store.LeaseGrant(h.t.Context(), sso.GrantLease{
		SessionID: done.Session.ID, Token: done.Token.Hash(), Holder: "another host", For: lasts,
	})
	wantErr(h.t, "LeaseGrant", err, nil)
}

var (
	errAway      = errors.New("the store is away")
	errNotIssued = errors.New("no access token can be issued")
)

func (h *house) leases() int { return h.count("sessions WHERE leased_by IS NOT NULL") }

// goodOnce makes the provider replace the grant at each request, and refuse one that was
// replaced.
func (i *idp) goodOnce() (asked *atomic.Int32) {
	var mu sync.Mutex
	current := "grant 0"
	asked = new(atomic.Int32)
	i.onRefresh(func(_ context.Context, grant []byte) (sdk.Refreshed, error) {
		mu.Lock()
		defer mu.Unlock()
		if string(grant) != current {
			return sdk.Refreshed{}, sdk.Denied(sdk.ReasonNotAllowed, "%q was used before", grant)
		}
		current = fmt.Sprint("grant ", asked.Add(1))
		return sdk.Refreshed{Identity: withGrant(current)}, nil
	})
	return asked
}

// A hundred refreshes on three hosts, repeatedly, with a provider whose refresh tokens
// work once: one request for each token.
func TestHostsAskOnceForEachToken(t *testing.T) {
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			h := newHouse(t)
			asked := h.idp.goodOnce()
			hosts := h.hosts(3)
			current := h.signIn(sso.Start{Mode: mode}, withGrant("grant 0")).Token
			for round := range int32(3) {
				done := make([]*sso.SignedIn, 100)
				var tabs sync.WaitGroup
				for i := range done {
					tabs.Go(func() {
						var err error
						if done[i], err = hosts[i%3].Refresh(t.Context(), current, mode); err != nil {
							t.Errorf("refreshing: %v", err)
						}
					})
				}
				tabs.Wait()
				if n := asked.Load(); n != round+1 {
					t.Fatalf("round %d: the provider was asked %d times", round, n)
				}
				for _, one := range done {
					if one == nil || one.Token != done[0].Token || one.Unasked != nil {
						t.Fatalf("got %+v, first %+v", one, done[0])
					}
				}
				h.wantOneCurrent("afterwards", done[0].Session.ID, current)
				current = done[0].Token
			}
			if n := h.leases(); n != 0 {
				t.Errorf("%d leases are left", n)
			}
		})
	}
}

// While one host asks, the other waits. It has the answer as soon as that is stored, and
// not earlier.
func TestAnotherHostWaitsForTheAnswer(t *testing.T) {
	h := newHouse(t)
	hosts := h.hosts(2)
	first := h.signIn(sso.Start{Mode: sso.ModeJSON}, withGrant("grant one"))
	arrived, release := make(chan struct{}, 2), make(chan struct{})
	h.idp.onRefresh(func(context.Context, []byte) (sdk.Refreshed, error) {
		arrived <- struct{}{}
		<-release
		return sdk.Refreshed{Identity: withGrant("grant two")}, nil
	})
	var group sync.WaitGroup
	got := make([]*sso.SignedIn, 2)
	refresh := func(i int) {
		group.Go(func() {
			var err error
			if got[i], err = hosts[i].Refresh(t.Context(), first.Token, sso.ModeJSON); err != nil {
				t.Error(err)
			}
		})
	}
	refresh(0)
	<-arrived
	watched := &watchedLeases{ProviderSessions: hosts[1].atProviders, looks: make(chan struct{}, 1)}
	hosts[1].atProviders = watched
	hosts[1].restart()
	refresh(1)
	for range 3 { // it waits
		select {
		case <-watched.looks:
		case <-arrived:
			t.Error("both ask")
		case <-time.After(30 * time.Second):
			t.Error("it does not wait")
		}
	}
	close(release)
	group.Wait()
	if got[0] == nil || got[1] == nil || got[0].Token != got[1].Token {
		t.Errorf("got %+v and %+v", got[0], got[1])
	}
	if asked := h.idp.grants(); len(asked) != 1 {
		t.Errorf("asked with %q", asked)
	}
}

// watchedLeases reports each lookup of another host's lease.
type watchedLeases struct {
	sso.ProviderSessions
	looks chan struct{}
}

func (w *watchedLeases) GrantLeased(ctx context.Context, sessionID, but string) (bool, error) {
	select {
	case w.looks <- struct{}{}:
	default:
	}
	return w.ProviderSessions.GrantLeased(ctx, sessionID, but)
}

// A host that dies while it asks leaves its lease behind. When the lease expires, another
// host asks with the stored grant.
func TestHostThatDiesWhileItAsks(t *testing.T) {
	t.Run("before the provider did anything", func(t *testing.T) {
		h := newHouse(t)
		asked := h.idp.goodOnce()
		done := h.signIn(sso.Start{}, withGrant("grant 0"))
		h.leaseHeld(done, 300*time.Millisecond)
		next := h.refresh(done.Token, sso.ModeSession)
		if asked.Load() != 1 || next.Unasked != nil {
			t.Errorf("asked %d times, got %+v", asked.Load(), next)
		}
	})
	t.Run("after the provider replaced a grant that it takes again", func(t *testing.T) {
		h := newHouse(t)
		done := h.signIn(sso.Start{}, withGrant("grant one"))
		h.idp.refreshWith(sdk.Refreshed{Identity: withGrant("grant two")}, nil) // a second time, too
		h.leaseHeld(done, 50*time.Millisecond)
		next := h.refresh(done.Token, sso.ModeSession)
		if got := h.idp.grants(); len(got) != 1 || got[0] != "grant one" || next.Unasked != nil {
			t.Errorf("asked with %q, got %+v", got, next)
		}
	})
	t.Run("after the provider replaced a grant that is good once", func(t *testing.T) {
		h := newHouse(t)
		asked := h.idp.goodOnce()
		done := h.signIn(sso.Start{}, withGrant("grant 0"))
		h.idp.spend(t)
		h.leaseHeld(done, 50*time.Millisecond)
		// This cannot be told from a stolen token (decision 28).
		h.wantNoRefresh("the next refresh", done.Token, sso.ModeSession, sso.ErrSessionInvalid)
		if asked.Load() != 1 {
			t.Errorf("asked %d times", asked.Load())
		}
	})
	t.Run("and nobody waits for it longer than for a host that lives", func(t *testing.T) {
		h := newHouse(t)
		done := h.signIn(sso.Start{}, withGrant("grant one"))
		h.leaseHeld(done, time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := h.Refresh(ctx, done.Token, sso.ModeSession)
		wantErr(t, "with a client that goes away", err, context.Canceled)
		h.wantSession("the session", done.Token, nil)
		h.wantOneCurrent("afterwards", done.Session.ID)
		if got := h.idp.grants(); len(got) != 0 {
			t.Errorf("asked with %q", got)
		}
	})
}

// spend makes the provider replace the grant in a call whose answer is lost.
func (i *idp) spend(t *testing.T) {
	t.Helper()
	if _, err := get(i, &i.later.refresh)(t.Context(), []byte("grant 0")); err != nil {
		t.Fatal(err)
	}
}

// lateAnswer is the provider's answer to a host whose lease has expired in the meantime.
type lateAnswer struct {
	refreshed sdk.Refreshed
	err       error
}

func lateAnswers() map[string]lateAnswer {
	mallory := alice()
	mallory.Subject = "mallory"
	return map[string]lateAnswer{
		"yes, with a grant": {sdk.Refreshed{Identity: withGrant("grant two")}, nil},
		"yes":               {sdk.Refreshed{Identity: alice()}, nil},
		"cannot say":        {sdk.Refreshed{}, sdk.Unavailable("down", "down")},
		"no":                {sdk.Refreshed{}, sdk.Denied(sdk.ReasonAccountDisabled, "no")},
		"somebody else":     {sdk.Refreshed{Identity: mallory}, nil},
	}
}

// twiceAsked has a host that was frozen for longer than its lease while it asks, and
// another one that asks again.
type twiceAsked struct {
	*house
	first      sso.Token
	slow, fast chan<- lateAnswer
	looks      <-chan struct{} // at the lease of the other host

	got   [2]*sso.SignedIn
	errs  [2]error
	group sync.WaitGroup
}

func askTwice(t *testing.T) *twiceAsked {
	t.Helper()
	o := &twiceAsked{house: newHouse(t)}
	o.first = o.signIn(sso.Start{Mode: sso.ModeJSON}, withGrant("grant one")).Token
	asked, looks := make(chan chan lateAnswer), make(chan struct{}, 1)
	o.idp.onRefresh(func(context.Context, []byte) (sdk.Refreshed, error) {
		answer := make(chan lateAnswer)
		asked <- answer
		said := <-answer
		return said.refreshed, said.err
	})
	for i, host := range o.hosts(2) {
		host.atProviders = &watchedLeases{ProviderSessions: host.atProviders, looks: looks}
		host.restart()
		o.group.Go(func() { o.got[i], o.errs[i] = host.Refresh(t.Context(), o.first, sso.ModeJSON) })
	}
	o.slow = <-asked
	if _, err := o.database().Exec("UPDATE sessions SET leased_until = 0"); err != nil {
		t.Fatal(err)
	}
	o.fast = <-asked
	select { // one before it asked
	case <-looks:
	default:
	}
	o.looks = looks
	return o
}

// wantThat checks that both hosts have the answer of the other one: the same token, and
// the grant.
func (o *twiceAsked) wantThat(grant string) {
	o.t.Helper()
	o.group.Wait()
	if o.errs != [2]error{} || o.got[0].Token != o.got[1].Token || o.got[0].Unasked != nil {
		o.t.Fatalf("got %+v and %+v, %v", o.got[0], o.got[1], o.errs)
	}
	o.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
	o.refresh(o.got[0].Token, sso.ModeJSON)
	if asked := o.idp.grants(); len(asked) != 3 || asked[2] != grant {
		o.t.Errorf("asked with %q", asked)
	}
}

// A host whose lease has expired gets an answer after another host has asked again.
// Whatever the answer is, the other host's answer counts: the late one may have been
// given for a grant that was spent by then.
func TestAnswerThatComesAfterTheLease(t *testing.T) {
	yes := lateAnswer{refreshed: sdk.Refreshed{Identity: withGrant("grant three")}}
	for name, late := range lateAnswers() {
		t.Run(name+", when the other one has stored its own", func(t *testing.T) {
			o := askTwice(t)
			o.fast <- yes
			o.stores()
			o.slow <- late
			o.wantThat("grant three")
		})
		t.Run(name+", before the other one has its own", func(t *testing.T) {
			o := askTwice(t)
			o.slow <- late
			o.waits()
			o.fast <- yes
			o.wantThat("grant three")
		})
		t.Run(name+", and the other one gets a no", func(t *testing.T) {
			o := askTwice(t)
			o.slow <- late
			o.waits()
			o.fast <- lateAnswers()["no"]
			o.group.Wait()
			for _, err := range o.errs {
				wantErr(t, "refresh", err, sso.ErrSessionInvalid)
			}
			if n := o.house.count("sessions"); n != 0 {
				t.Errorf("%d sessions are left", n)
			}
		})
	}
}

// stores returns when a host has replaced the token.
func (o *twiceAsked) stores() {
	o.t.Helper()
	again, late := time.NewTicker(time.Millisecond), time.After(30*time.Second)
	defer again.Stop()
	for {
		stored, err := o.store.SessionToken(o.t.Context(), o.first.Hash())
		if err != nil {
			o.t.Fatal(err)
		}
		if !stored.SpentAt.IsZero() {
			return
		}
		select {
		case <-again.C:
		case <-late:
			o.t.Fatal("no host replaces the token")
		}
	}
}

// waits returns when the host whose lease has expired waits for the other one.
func (o *twiceAsked) waits() {
	o.t.Helper()
	select {
	case <-o.looks:
	case <-time.After(30 * time.Second):
		o.t.Error("the host whose lease was over does not wait for the other one")
	}
}

// Only a request to the provider needs a lease, and nothing of it stays, whatever the
// outcome.
func TestWhatALeaseCosts(t *testing.T) {
	for name, c := range map[string]struct {
		grant string
		ask   func(h *house)
		taken int32
		want  error
	}{
		"no grant":           {"", func(*house) {}, 0, nil},
		"yes":                {"g", func(h *house) { h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil) }, 1, nil},
		"cannot say":         {"g", func(h *house) { h.idp.refreshWith(sdk.Refreshed{}, sdk.Unavailable("down", "down")) }, 1, nil},
		"no":                 {"g", func(h *house) { h.idp.refreshWith(sdk.Refreshed{}, sdk.Denied(sdk.ReasonAccountDisabled, "no")) }, 1, sso.ErrSessionInvalid},
		"plugin is down":     {"g", func(h *house) { h.providers.setDown(sdk.Unavailable("plugin_down", "crashed")) }, 0, nil},
		"too many wait":      {"g", func(h *house) { h.busy(sso.LineSessions) }, 0, sso.ErrBusy},
		"no token is issued": {"g", func(h *house) { h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil); h.tokens.fail = errNotIssued }, 1, errNotIssued},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			done := h.signIn(sso.Start{Mode: sso.ModeJSON}, withGrant(c.grant))
			counted := &countedLeases{ProviderSessions: h.store}
			h.atProviders = counted
			h.restart()
			c.ask(h)
			_, err := h.Refresh(t.Context(), done.Token, sso.ModeJSON)
			wantErr(t, "refresh", err, c.want)
			released := int32(0) // a write of its own only where the token was not replaced
			if errors.Is(c.want, errNotIssued) {
				released = 1
			}
			if counted.taken.Load() != c.taken || counted.released.Load() != released || h.leases() != 0 {
				t.Errorf("%d leases taken, %d released, %d left", counted.taken.Load(), counted.released.Load(), h.leases())
			}
		})
	}
}

type countedLeases struct {
	sso.ProviderSessions
	taken, released atomic.Int32
}

func (c *countedLeases) LeaseGrant(ctx context.Context, lease sso.GrantLease) ([]byte, error) {
	c.taken.Add(1)
	return c.ProviderSessions.LeaseGrant(ctx, lease)
}

func (c *countedLeases) ReleaseGrant(ctx context.Context, sessionID, holder string) error {
	c.released.Add(1)
	return c.ProviderSessions.ReleaseGrant(ctx, sessionID, holder)
}

// Without a lease the provider is not asked: otherwise an attacker who keeps the database
// busy could make it fail.
func TestNoLeaseNoQuestion(t *testing.T) {
	h := newHouse(t)
	done := h.signIn(sso.Start{}, withGrant("g"))
	h.atProviders = failingLeases{h.store}
	h.restart()
	h.wantNoRefresh("without a lease", done.Token, sso.ModeSession, errAway)
	h.wantOneCurrent("afterwards", done.Session.ID)
	if got := h.idp.grants(); len(got) != 0 {
		t.Errorf("asked with %q", got)
	}
}

type failingLeases struct{ sso.ProviderSessions }

func (failingLeases) LeaseGrant(context.Context, sso.GrantLease) ([]byte, error) { return nil, errAway }
