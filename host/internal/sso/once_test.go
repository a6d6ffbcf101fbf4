package sso_test

import (
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

func TestOnceID(t *testing.T) {
	h := newHouse(t, provider("p"), provider("q"))
	assertion := alice()
	assertion.OnceID, assertion.OnceUntil = "_assertion1", start.Add(time.Hour)
	h.signIn(sso.Start{}, assertion)
	refused := func(what string) {
		t.Helper()
		before := h.count("sessions")
		done, err := h.tryToSignIn(sso.Start{}, assertion)
		wantErr(t, what, err, sso.ErrSpent)
		if done != nil || h.count("sessions") != before {
			t.Errorf("%s: signed in", what)
		}
	}
	refused("H13 the same assertion again")
	h.restart()
	refused("H13 on another node")
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	h.openStore()
	h.restart()
	refused("H13 after a restart")
	stranger := assertion
	stranger.Subject = "mallory"
	_, err := h.tryToSignIn(sso.Start{}, stranger)
	wantErr(t, "H13 for another subject", err, sso.ErrSpent)
	h.signIn(sso.Start{Provider: "q"}, assertion)
	assertion.OnceID = "_assertion2"
	h.signIn(sso.Start{}, assertion)
}

// A refusal is as final as a login: a refused response is not accepted later.
func TestOnceIDOfARefusal(t *testing.T) {
	assertion := alice()
	assertion.OnceID, assertion.OnceUntil = "_assertion1", start.Add(time.Hour)
	t.Run("H13 of a user who is suspended", func(t *testing.T) {
		h := newHouse(t)
		h.suspend(h.signIn(sso.Start{}, alice()).User.ID)
		_, err := h.tryToSignIn(sso.Start{}, assertion)
		wantErr(t, "suspended", err, sso.ErrUserInactive)
		if _, err := h.database().Exec("UPDATE users SET status = 'active'"); err != nil {
			t.Fatal(err)
		}
		_, err = h.tryToSignIn(sso.Start{}, assertion)
		wantErr(t, "the same assertion, active again", err, sso.ErrSpent)
	})
	t.Run("H13 where registration is closed", func(t *testing.T) {
		closed := provider("p")
		closed.AllowPublicRegistration = false
		h := newHouse(t, closed)
		_, err := h.tryToSignIn(sso.Start{}, assertion)
		wantErr(t, "no account", err, sso.ErrNotRegistered)
		h.providers.list[0].AllowPublicRegistration = true
		_, err = h.tryToSignIn(sso.Start{}, assertion)
		wantErr(t, "the same assertion, registration open", err, sso.ErrSpent)
		if h.count("users") != 0 {
			t.Errorf("%d users by a replay", h.count("users"))
		}
	})
}

func TestOnceIDIsSpentOnceByMany(t *testing.T) {
	h := newHouse(t)
	assertion := alice()
	assertion.OnceID, assertion.OnceUntil = "_assertion1", start.Add(time.Hour)
	h.idp.vouchFor(assertion)
	var group sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		answer := answerTo(h.begin(sso.Start{}))
		group.Go(func() { _, errs[i] = h.Continue(t.Context(), answer) })
	}
	group.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
		} else {
			wantErr(t, "the same assertion", err, sso.ErrSpent)
		}
	}
	if good != 1 || h.count("sessions") != 1 {
		t.Errorf("%d logins and %d sessions with one assertion", good, h.count("sessions"))
	}
}

// The ID of an assertion must not be mistaken for that of an attempt.
func TestOnceIDThatIsAnAttempt(t *testing.T) {
	h := newHouse(t)
	victim := h.begin(sso.Start{})
	assertion := alice()
	assertion.OnceID, assertion.OnceUntil = sso.AttemptID(victim.Attempt.State), start.Add(time.Hour)
	h.signIn(sso.Start{}, assertion)
	h.idp.vouchFor(alice())
	if _, err := h.Continue(t.Context(), answerTo(victim)); err != nil {
		t.Errorf("the login of somebody else: %v", err)
	}
}
