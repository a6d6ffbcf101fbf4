package sso_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func (h *house) wantProlong(what string, token sso.Token, want error) {
	h.t.Helper()
	wantErr(h.t, what, h.Prolong(h.t.Context(), token), want)
}

// stored is a token as in the store, and not in a cache.
func (h *house) stored(token sso.Token) sso.SessionToken {
	h.t.Helper()
	stored, err := h.store.SessionToken(h.t.Context(), token.Hash())
	if err != nil {
		h.t.Fatal(err)
	}
	return stored
}

func (h *house) wantDue(what string, token sso.Token, want bool) {
	h.t.Helper()
	who, err := h.Authenticate(h.t.Context(), token)
	if err != nil || who.Due != want {
		h.t.Errorf("%s: due %v, error %v", what, who.Due, err)
	}
}

func TestProlongAsksTheProviderOnceAnInterval(t *testing.T) {
	h, done := refreshing(t, provider("p"))
	changed := withGrant("grant two")
	changed.Groups = []string{"admins"}
	h.idp.refreshWith(sdk.Refreshed{Identity: changed}, nil)
	h.clock.advance(askEvery - time.Millisecond)
	h.wantDue("before", done.Token, false)
	h.wantProlong("before", done.Token, nil)
	if asked := h.idp.grants(); len(asked) != 0 {
		t.Fatalf("asked with %q", asked)
	}
	h.clock.advance(time.Millisecond)
	h.wantDue("then", done.Token, true)
	for range 3 {
		h.wantProlong("then", done.Token, nil)
	}
	h.wantDue("afterwards", done.Token, false)
	if asked := h.idp.grants(); len(asked) != 1 || asked[0] != "grant one" {
		t.Errorf("asked with %q", asked)
	}
	got, now := h.stored(done.Token), h.clock.Now()
	if end := now.Add(sessionTTL); !got.ExpiresAt.Equal(end) || !got.Session.ExpiresAt.Equal(end) || !got.SpentAt.IsZero() {
		t.Errorf("the token: %+v", got)
	}
	if !got.Session.NotAfter.Equal(done.Session.NotAfter) || !got.Session.AskedAt.Equal(now) || !got.Session.Groups.Has("admins") {
		t.Errorf("the session: %+v, before %+v", got.Session, done.Session)
	}
	if n := h.count("session_tokens"); n != 1 || h.leases() != 0 {
		t.Errorf("%d tokens, %d leases", n, h.leases())
	}
	h.refresh(done.Token, sso.ModeSession)
	if asked := h.idp.grants(); len(asked) != 2 || asked[1] != "grant two" {
		t.Errorf("a refresh asks with %q", asked)
	}
}

// A session that is used, but never refreshed, continues until its absolute end.
func TestProlongGoesOnToTheLastMoment(t *testing.T) {
	for name, grant := range map[string]string{"with a grant": "grant", "without": ""} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
			done := h.signIn(sso.Start{}, withGrant(grant))
			for h.clock.Now().Add(sessionTTL / 2).Before(done.Session.NotAfter) {
				h.clock.advance(sessionTTL / 2)
				h.wantProlong("used", done.Token, nil)
			}
			h.clock.set(done.Session.NotAfter.Add(-time.Millisecond))
			h.wantSession("at the last moment", done.Token, nil)
			h.clock.set(done.Session.NotAfter)
			h.wantProlong("after it", done.Token, sso.ErrSessionNotNow)
			h.wantSession("after it", done.Token, sso.ErrSessionNotNow)
		})
	}
}

func TestProlongOfWhatIsNotGood(t *testing.T) {
	for name, c := range map[string]struct {
		answer sdk.Refreshed
		err    error
		want   error
	}{
		"A06 the provider says no":      {sdk.Refreshed{}, sdk.Denied(sdk.ReasonAccountDisabled, "no"), sso.ErrSessionInvalid},
		"D15 it tells of somebody else": {sdk.Refreshed{Identity: sdk.Identity{Subject: "bob"}}, nil, sso.ErrSessionInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			h, done := refreshing(t, provider("p"))
			h.idp.refreshWith(c.answer, c.err)
			h.clock.advance(askEvery)
			h.wantProlong("then", done.Token, c.want)
			h.wantSession("afterwards", done.Token, sso.ErrSessionInvalid)
			if n := h.count("sessions"); n != 0 {
				t.Errorf("%d sessions are left", n)
			}
		})
	}
}

// A provider that cannot say is asked again after an interval, and the session keeps its
// end.
func TestProlongWhileTheProviderCannotSay(t *testing.T) {
	down := sdk.Unavailable("down", "down")
	for name, c := range map[string]struct {
		script func(h *house)
		want   error
		asked  int
		grant  string // of the question after that
	}{
		"it is down":         {func(h *house) { h.idp.refreshWith(sdk.Refreshed{}, down) }, sdk.ErrUnavailable, 1, "grant one"},
		"the plugin is down": {func(h *house) { h.providers.setDown(down) }, sdk.ErrUnavailable, 0, "grant one"},
		"too many wait":      {func(h *house) { h.busy(sso.LineSessions) }, sso.ErrBusy, 0, "grant one"},
		"it replaced the grant": {func(h *house) {
			h.idp.refreshWith(sdk.Refreshed{Identity: withGrant("grant two"), Undecided: down}, nil)
		}, sdk.ErrUnavailable, 1, "grant two"},
		"another host is asking": {func(h *house) { h.leaseHeldForAll() }, nil, 0, "grant one"},
	} {
		t.Run(name, func(t *testing.T) {
			h, done := refreshing(t, provider("p"))
			before := h.stored(done.Token)
			c.script(h)
			h.clock.advance(askEvery)
			h.wantProlong("then", done.Token, c.want)
			after := h.stored(done.Token)
			if !after.ExpiresAt.Equal(before.ExpiresAt) || !after.Session.ExpiresAt.Equal(before.Session.ExpiresAt) {
				t.Errorf("the session ends at %v, before %v", after.Session.ExpiresAt, before.Session.ExpiresAt)
			}
			if asked := h.idp.grants(); len(asked) != c.asked {
				t.Errorf("asked with %q", asked)
			}
			h.wantDue("afterwards", done.Token, c.asked == 0)
			h.wantSession("afterwards", done.Token, nil)
			h.providers.setDown(nil)
			h.providers.wait(sso.LineSessions, nil)
			h.leaseEnds()
			h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
			h.clock.advance(askEvery)
			h.wantProlong("when it can say", done.Token, nil)
			if asked := h.idp.grants(); len(asked) != c.asked+1 || asked[c.asked] != c.grant {
				t.Errorf("asked with %q", asked)
			}
			if end := h.stored(done.Token).ExpiresAt; !end.Equal(h.clock.Now().Add(sessionTTL)) || h.leases() != 0 {
				t.Errorf("the session ends at %v, %d leases", end, h.leases())
			}
		})
	}
}

// leaseHeldForAll makes a foreign host hold the leases of all sessions.
func (h *house) leaseHeldForAll() {
	h.mustExec("UPDATE sessions SET leased_by = 'another', leased_until = 9999999999999")
}

func (h *house) leaseEnds() {
	h.mustExec("UPDATE sessions SET leased_by = NULL, leased_until = NULL WHERE leased_by = 'another'")
}

func (h *house) mustExec(statement string) {
	h.t.Helper()
	if _, err := h.database().Exec(statement); err != nil {
		h.t.Fatal(err)
	}
}

// If there is no provider to ask, there are few writes.
func TestProlongWithoutAGrantWritesSeldom(t *testing.T) {
	h := newHouse(t)
	done := h.signIn(sso.Start{}, alice())
	writes := &countedProlongations{Sessions: h.store}
	h.sessions = writes
	h.restart()
	for range int(sessionTTL / askEvery) {
		h.clock.advance(askEvery)
		h.wantProlong("used", done.Token, nil)
		if left := h.stored(done.Token).ExpiresAt.Sub(h.clock.Now()); left < sessionTTL-sessionTTL/10 {
			t.Fatalf("%v are left of %v", left, sessionTTL)
		}
	}
	if n := writes.n.Load(); n == 0 || n > 10 {
		t.Errorf("%d writes in %v", n, sessionTTL)
	}
	if n := len(h.idp.grants()); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

type countedProlongations struct {
	sso.Sessions
	n atomic.Int32
}

func (c *countedProlongations) ProlongSession(ctx context.Context, p sso.Prolongation) error {
	c.n.Add(1)
	return c.Sessions.ProlongSession(ctx, p)
}

// Only a current session token can be due.
func TestProlongOfOtherTokens(t *testing.T) {
	h := newHouse(t)
	h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
	replaced, refresh := h.signIn(sso.Start{}, withGrant("g")), h.signIn(sso.Start{Mode: sso.ModeJSON}, withGrant("g"))
	suspended := h.signIn(sso.Start{}, sdk.Identity{Subject: "bob", Grant: []byte("g")})
	h.clock.advance(askEvery)
	h.refresh(replaced.Token, sso.ModeSession)
	h.suspend(suspended.User.ID)
	asked := len(h.idp.grants())
	h.wantDue("replaced", replaced.Token, false)
	h.wantProlong("replaced", replaced.Token, nil)
	h.wantProlong("a refresh token", refresh.Token, sso.ErrSessionInvalid)
	h.wantProlong("unknown", sso.NewToken(), sso.ErrSessionInvalid)
	h.wantProlong("suspended", suspended.Token, sso.ErrUserInactive)
	if n := len(h.idp.grants()); n != asked {
		t.Errorf("asked %d times", n-asked)
	}
}

// asking makes one request to the provider wait for its answer.
func (i *idp) asking() (arrived <-chan string, answers chan<- sdk.Refreshed) {
	came, release := make(chan string, 10), make(chan sdk.Refreshed)
	i.onRefresh(func(_ context.Context, grant []byte) (sdk.Refreshed, error) {
		came <- string(grant)
		return <-release, nil
	})
	return came, release
}

// A refresh during a prolongation waits, here and on another host, and shares the answer:
// there is one request to the provider.
func TestRefreshWhileASessionIsProlonged(t *testing.T) {
	for name, at := range map[string]int{"at the same host": 0, "at another host": 1} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			hosts := h.hosts(2)
			watched := &watchedLeases{ProviderSessions: hosts[at].atProviders, looks: make(chan struct{}, 1)}
			hosts[at].atProviders = watched
			hosts[at].restart()
			done := h.signIn(sso.Start{}, withGrant("grant one"))
			h.clock.advance(askEvery)
			arrived, answers := h.idp.asking()
			refreshed := make(chan *sso.SignedIn, 1)
			var group sync.WaitGroup
			group.Go(func() { hosts[0].wantProlong("meanwhile", done.Token, nil) })
			<-arrived
			go func() { refreshed <- hosts[at].refresh(done.Token, sso.ModeSession) }()
			select {
			case <-watched.looks: // it waits
			case <-arrived:
				answers <- sdk.Refreshed{}
				t.Error("both ask")
			}
			changed := withGrant("grant two")
			changed.Groups = []string{"admins"}
			answers <- sdk.Refreshed{Identity: changed}
			group.Wait()
			var next *sso.SignedIn
			select {
			case <-arrived:
				answers <- sdk.Refreshed{}
				t.Fatal("there is a second question")
			case next = <-refreshed:
			case <-time.After(time.Minute):
			}
			if next == nil || next.Token == done.Token || !next.Session.Groups.Has("admins") || next.Unasked != nil {
				t.Fatalf("refreshed: %+v", next)
			}
			h.wantOneCurrent("afterwards", done.Session.ID, done.Token)
			if got := h.stored(next.Token); !got.ExpiresAt.Equal(h.clock.Now().Add(sessionTTL)) || h.leases() != 0 {
				t.Errorf("the new token: %+v, %d leases", got, h.leases())
			}
		})
	}
}

// A prolongation during a refresh leaves everything to the refresh.
func TestProlongWhileASessionIsRefreshed(t *testing.T) {
	h, done := refreshing(t, provider("p"))
	h.clock.advance(askEvery)
	arrived, answers := h.idp.asking()
	var group sync.WaitGroup
	group.Go(func() { h.refresh(done.Token, sso.ModeSession) })
	<-arrived
	h.wantProlong("meanwhile", done.Token, nil)
	answers <- sdk.Refreshed{Identity: alice()}
	group.Wait()
	h.wantProlong("afterwards", done.Token, nil)
	if asked := h.idp.grants(); len(asked) != 1 {
		t.Errorf("asked with %q", asked)
	}
}

// A session that ends while its provider is asked does not come back.
func TestLogoutWhileASessionIsProlonged(t *testing.T) {
	h, done := refreshing(t, provider("p"))
	h.clock.advance(askEvery)
	arrived, answers := h.idp.asking()
	var group sync.WaitGroup
	group.Go(func() { h.wantProlong("meanwhile", done.Token, sso.ErrSessionInvalid) })
	<-arrived
	if _, err := h.Logout(t.Context(), done.Token); err != nil {
		t.Fatal(err)
	}
	answers <- sdk.Refreshed{Identity: withGrant("grant two")}
	group.Wait()
	h.wantSession("afterwards", done.Token, sso.ErrSessionInvalid)
	if n := h.count("sessions") + h.count("session_tokens") + h.count("provider_sessions"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// A hundred prolongations on three hosts ask once.
func TestProlongAtOnce(t *testing.T) {
	h := newHouse(t)
	asked := h.idp.goodOnce()
	hosts := h.hosts(3)
	done := h.signIn(sso.Start{}, withGrant("grant 0"))
	for round := range int32(3) {
		h.clock.advance(askEvery)
		var group sync.WaitGroup
		for i := range 100 {
			group.Go(func() {
				if err := hosts[i%3].Prolong(t.Context(), done.Token); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n := asked.Load(); n != round+1 {
			t.Fatalf("round %d: the provider was asked %d times", round, n)
		}
	}
	h.wantSession("afterwards", done.Token, nil)
}

// A failing store blocks nobody, and is reported.
func TestProlongWithoutAStore(t *testing.T) {
	h, done := refreshing(t, provider("p"))
	h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
	h.sessions = failingProlongations{h.store}
	h.restart()
	h.clock.advance(askEvery)
	h.wantProlong("then", done.Token, errAway)
	h.wantSession("afterwards", done.Token, nil)
	if n := h.leases(); n != 0 {
		t.Errorf("%d leases", n)
	}
}

type failingProlongations struct{ sso.Sessions }

func (failingProlongations) ProlongSession(context.Context, sso.Prolongation) error { return errAway }

// A clock that was wrong when a session was prolonged does not delay the next request to
// the provider.
func TestProlongAfterAWrongClock(t *testing.T) {
	h, done := refreshing(t, provider("p"))
	h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
	h.clock.setBy(10 * time.Hour)
	h.wantProlong("by a clock that is ahead", done.Token, nil)
	h.clock.setBy(-10 * time.Hour)
	h.clock.advance(askEvery)
	h.wantDue("by the right one", done.Token, true)
	h.wantProlong("by the right one", done.Token, nil)
	if asked := h.idp.grants(); len(asked) != 2 {
		t.Errorf("asked with %q", asked)
	}
}
