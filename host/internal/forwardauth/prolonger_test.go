package forwardauth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/forwardauth"
	"github.com/doorward/doorward/host/internal/sso"
)

// backstage is a Prolonger with the function that it calls.
type backstage struct {
	*forwardauth.Prolonger
	t     *testing.T
	clock *clock
	log   lockedBuffer
	calls chan *call
}

// call is a call that waits for its outcome.
type call struct {
	token sso.Token
	ends  chan error
}

func newBackstage(t *testing.T) *backstage {
	t.Helper()
	b := &backstage{t: t, clock: &clock{}, calls: make(chan *call, 10_000)}
	prolong := func(_ context.Context, token sso.Token) error {
		c := &call{token, make(chan error, 1)}
		b.calls <- c
		err := <-c.ends
		if err == errPanics { //nolint:errorlint // it is the very one
			panic("secret-in-a-panic")
		}
		return err
	}
	b.Prolonger = forwardauth.NewProlonger(prolong, 5*time.Minute, b.clock.Now, hclog.New(&hclog.LoggerOptions{Output: &b.log}))
	return b
}

var errPanics = errors.New("the call panics")

// run runs the Prolonger until stop is called, which waits for it.
func (b *backstage) run() (stop func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	var running sync.WaitGroup
	running.Go(func() { b.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// offer offers a session, whose token is its ID.
func (b *backstage) offer(provider, session string) {
	b.Offer(sso.Session{ID: session, Provider: provider}, sso.Token(session))
}

func (b *backstage) next() *call {
	b.t.Helper()
	select {
	case c := <-b.calls:
		return c
	case <-time.After(30 * time.Second):
		b.t.Fatal("nothing is prolonged")
		return nil
	}
}

func (b *backstage) wantNone(what string) {
	b.t.Helper()
	select {
	case c := <-b.calls:
		b.t.Errorf("%s: %q is prolonged", what, string(c.token))
	default:
	}
}

func TestProlongerTriesASessionOnceAnInterval(t *testing.T) {
	b := newBackstage(t)
	defer b.run()()
	for range 100 {
		b.offer("corp", "one")
	}
	first := b.next()
	b.offer("corp", "one") // while it is under way
	first.ends <- nil
	b.offer("corp", "one")
	b.offer("corp", "two")
	if c := b.next(); c.token != "two" {
		t.Errorf("%q comes again", string(c.token))
	} else {
		c.ends <- nil
	}
	b.clock.advance(5 * time.Minute)
	b.offer("corp", "one")
	b.next().ends <- nil
}

// An offer never waits, and the queue is bounded.
func TestProlongerIsBounded(t *testing.T) {
	b := newBackstage(t)
	for i := range 5000 {
		b.offer(fmt.Sprint("provider ", i%100), fmt.Sprint(i))
	}
	stop := b.run()
	underWay := map[*call]bool{}
	for range 16 {
		underWay[b.next()] = true
	}
	b.wantNone("a seventeenth at once")
	done := 0
	for len(underWay) > 0 {
		for c := range underWay {
			delete(underWay, c)
			c.ends <- nil
			done++
		}
		for done+len(underWay) < 1024 && len(underWay) < 16 {
			underWay[b.next()] = true
		}
	}
	stop()
	b.wantNone("more than there is room for")
	b.offer("corp", "after the end")
	stop = b.run()
	stop()
	b.wantNone("what is offered after the end")
}

// A slow provider does not delay the others.
func TestProlongerIsFair(t *testing.T) {
	b := newBackstage(t)
	for i := range 100 {
		b.offer("slow", fmt.Sprint("slow ", i))
	}
	for i := range 10 {
		b.offer("fast", fmt.Sprint("fast ", i))
	}
	stop := b.run()
	var slow []*call
	for fast := 0; fast < 10; {
		c := b.next()
		if strings.HasPrefix(string(c.token), "slow") {
			slow = append(slow, c)
			continue
		}
		fast++
		c.ends <- nil
	}
	for len(slow) < 4 {
		slow = append(slow, b.next())
	}
	if len(slow) > 4 {
		t.Errorf("%d of one provider at once", len(slow))
	}
	slow[0].ends <- nil
	slow = append(slow[1:], b.next()) // its place is taken again
	b.wantNone("a fifth")
	b.clock.advance(time.Minute) // the others are forgotten, and need no outcome
	for _, c := range slow {
		c.ends <- nil
	}
	stop()
}

// A token is not kept for longer than it may be of use.
func TestProlongerForgetsTokens(t *testing.T) {
	b := newBackstage(t)
	b.offer("corp", "early")
	b.clock.advance(10 * time.Second)
	b.offer("corp", "late")
	defer b.run()()
	if c := b.next(); c.token != "late" {
		t.Errorf("%q is prolonged", string(c.token))
	} else {
		c.ends <- nil
	}
	b.offer("corp", "early") // by the next check
	if c := b.next(); c.token != "early" {
		t.Errorf("%q is prolonged", string(c.token))
	} else {
		c.ends <- nil
	}
}

// A panic ends neither the host nor the Prolonger, and its text is not logged.
func TestProlongerSurvivesAPanic(t *testing.T) {
	b := newBackstage(t)
	defer b.run()()
	for i := range 20 { // more than there are prolongers
		b.offer(fmt.Sprint("provider ", i), fmt.Sprint(i))
		b.next().ends <- errPanics
	}
	b.offer("corp", "afterwards")
	b.next().ends <- nil
	if log := b.log.String(); !strings.Contains(log, "panic while prolonging") || strings.Contains(log, "secret-in-a-panic") {
		t.Errorf("the log: %s", log)
	}
}

// A session that ends is reported, and its provider is still asked about others.
func TestProlongerTellsOfSessionsThatEnd(t *testing.T) {
	b := newBackstage(t)
	stop := b.run()
	for i, err := range []error{sso.ErrSessionInvalid, sso.ErrSessionNotNow, sso.ErrUserInactive, nil} {
		b.offer("corp", fmt.Sprint(i))
		b.next().ends <- err
	}
	stop()
	if log := b.log.String(); strings.Count(log, "a session has ended") != 1 || strings.Contains(log, "cannot be prolonged") {
		t.Errorf("the log: %s", log)
	}
}

// A session that is used at an application, but never refreshed, continues until its
// absolute end; one that is not used ends when it is idle. Tokens that are not current
// are not offered.
func TestSessionThatIsUsedAtAnApplication(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { r.prolonger.Run(ctx) })
	defer running.Wait()
	defer cancel()
	used, session := r.session(r.user("ann"), sso.KindSession)
	idle, _ := r.session(r.user("bob"), sso.KindSession)
	ask := func(token sso.Token) question { return forward("Cookie: " + cookieName + "=" + string(token)) }
	end := session.ExpiresAt
	for range 40 {
		r.clock.advance(30 * time.Minute)
		r.ask(ask(used)).check(t, "a session that is used", 200, "ann")
		for deadline := time.Now().Add(30 * time.Second); ; {
			stored, err := r.store.SessionToken(t.Context(), used.Hash())
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("it ends at %v, error %v", stored.ExpiresAt, err)
			}
			if stored.ExpiresAt.After(end) && stored.Session.ExpiresAt.After(end) {
				end = stored.ExpiresAt
				break
			}
		}
	}
	r.ask(ask(idle)).check(t, "a session that is idle", 401, no)
	r.clock.advance(4 * time.Hour)
	r.ask(ask(used)).check(t, "at its last moment", 401, no)
}
