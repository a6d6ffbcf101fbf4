package sso_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
	"github.com/doorward/doorward/sdk"
)

var (
	newSecret   = []byte("another secret that is long enough, for tests")
	otherSecret = []byte("a third secret that is long enough, for tests")
)

// startUnder restarts the host with these secrets.
func (h *house) startUnder(secret, previous []byte) {
	h.t.Helper()
	h.secret, h.previous = secret, previous
	if err := h.store.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.openStore()
	h.restart()
}

// wantRefused opens the database with these secrets, which must fail.
func (h *house) wantRefused(what string, secret, previous []byte) {
	h.t.Helper()
	s, err := sqlite.Open(h.t.Context(), h.path, sso.Confirming(secret, previous))
	wantErr(h.t, what, err, sso.ErrSecretChanged)
	if err == nil {
		_ = s.Close()
	}
}

func (h *house) checks() []sso.SecretCheck {
	h.t.Helper()
	checks, err := h.store.SecretChecks(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return checks
}

func (h *house) reseal() int {
	h.t.Helper()
	n, err := h.Reseal(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// forgetChecks turns the database into one of a version without checks.
func (h *house) forgetChecks() {
	h.t.Helper()
	for _, c := range h.checks() {
		if err := h.store.DeleteSecretCheck(h.t.Context(), c.ID); err != nil {
			h.t.Fatal(err)
		}
	}
}

func TestAnotherSecretIsRefused(t *testing.T) {
	h := newHouse(t)
	h.wantRefused("another SECRET", newSecret, nil)
	h.wantRefused("another SECRET with a wrong previous one", newSecret, otherSecret)
	if len(h.checks()) != 1 {
		t.Errorf("%d checks", len(h.checks()))
	}
	h.startUnder(secret, nil)
	h.startUnder(secret, otherSecret) // harmless
	if len(h.checks()) != 1 {
		t.Errorf("%d checks", len(h.checks()))
	}
	if h.checks()[0].Sealed == nil || bytes.Contains(h.checks()[0].Sealed, []byte("sealed under")) {
		t.Error("the check is readable")
	}
}

// A database without checks is accepted only with the SECRET with which it was last used.
func TestDatabaseWithoutChecks(t *testing.T) {
	signedIn := func(t *testing.T) *house {
		h, _ := refreshing(t, provider("p"))
		h.forgetChecks()
		return h
	}
	t.Run("the same SECRET", func(t *testing.T) {
		h := signedIn(t)
		h.startUnder(secret, nil)
		h.wantRefused("then another SECRET", newSecret, nil)
	})
	t.Run("another SECRET", func(t *testing.T) {
		h := signedIn(t)
		h.wantRefused("another SECRET", newSecret, nil)
		h.wantRefused("two others", newSecret, otherSecret)
		if len(h.checks()) > 0 {
			t.Error("a refused start has left a check")
		}
	})
	t.Run("another SECRET with the previous one", func(t *testing.T) {
		h := signedIn(t)
		h.startUnder(newSecret, secret)
		h.wantRefused("the new SECRET alone, before everything is sealed again", newSecret, nil)
		h.wantRefused("the old SECRET alone", secret, nil)
		h.reseal()
		h.startUnder(newSecret, nil)
	})
	t.Run("only grants, as keys were removed by hand", func(t *testing.T) {
		h := signedIn(t)
		keys, err := h.store.SigningKeys(t.Context())
		wantErr(t, "SigningKeys", err, nil)
		for _, k := range keys {
			wantErr(t, "DeleteSigningKey", h.store.DeleteSigningKey(t.Context(), k.ID, sso.Event{}), nil)
		}
		h.wantRefused("another SECRET", newSecret, nil)
		h.startUnder(secret, nil)
	})
	t.Run("one whose SECRET was changed before", func(t *testing.T) {
		h := signedIn(t)
		keys, err := h.store.SigningKeys(t.Context())
		wantErr(t, "SigningKeys", err, nil)
		vault, err := sso.NewVault(newSecret, nil, sso.SigningKeyPurpose)
		wantErr(t, "NewVault", err, nil)
		newest := sso.SigningKey{ID: "k", Algorithm: "EdDSA", CreatedAt: keys[0].CreatedAt.Add(time.Hour)}
		newest.Sealed = vault.Seal(make([]byte, 32), []byte(newest.ID))
		wantErr(t, "AddSigningKey", h.store.AddSigningKey(t.Context(), newest, sso.Event{}), nil)
		h.wantRefused("the one of before", secret, nil)
		h.startUnder(newSecret, nil)
	})
}

func TestPreviousSecret(t *testing.T) {
	h := newHouse(t)
	h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
	session := h.signIn(sso.Start{}, withGrant("grant of before"))
	program := h.signIn(sso.Start{Mode: sso.ModeJSON}, withGrant("another"))
	begun := h.begin(sso.Start{})
	h.startUnder(newSecret, secret)

	h.idp.vouchFor(alice())
	if _, err := h.Continue(t.Context(), answerTo(begun)); err != nil {
		t.Errorf("a login that began under the previous SECRET: %v", err)
	}
	h.wantAccess("an access token of before", program.Access, nil)
	session = h.refresh(session.Token, sso.ModeSession)
	if session.Unasked != nil || len(h.idp.grants()) != 1 || h.idp.grants()[0] != "grant of before" {
		t.Errorf("unasked: %v, asked with %q", session.Unasked, h.idp.grants())
	}
	h.signIn(sso.Start{}, withGrant("grant of after"))
	h.wantRefused("the new SECRET alone, while something is under the old one", newSecret, nil)
	h.wantRefused("the old SECRET alone, while something is under the new one", secret, nil)
	if n := h.reseal(); n != 2 {
		t.Errorf("%d grants sealed again, want 2", n)
	}
	if n := h.reseal(); n != 0 || len(h.checks()) != 1 {
		t.Errorf("%d grants the second time, %d checks", n, len(h.checks()))
	}
	h.wantRefused("the old SECRET, when everything is under the new one", secret, nil)
	h.startUnder(newSecret, nil)
	for _, done := range []*sso.SignedIn{session, program} {
		if done = h.refresh(done.Token, done.Mode); done.Unasked != nil {
			t.Errorf("a refresh without the previous SECRET: %v", done.Unasked)
		}
	}
}

// overtaken runs a function just before grants are swapped.
type overtaken struct {
	sso.Sealed
	by   func()
	fail error
}

func (o *overtaken) SwapGrants(ctx context.Context, swaps []sso.GrantSwap) error {
	if o.by != nil {
		o.by()
	}
	if o.fail != nil {
		return o.fail
	}
	return o.Sealed.SwapGrants(ctx, swaps)
}

// The old grant is used up at the provider: if it came back, the session would be lost.
func TestRefreshWhileGrantsAreSealedAnew(t *testing.T) {
	h, done := refreshing(t, provider("p"))
	h.idp.refreshWith(sdk.Refreshed{Identity: withGrant("grant two")}, nil)
	h.startUnder(newSecret, secret)
	h.sealed = &overtaken{Sealed: h.store, by: func() { done = h.refresh(done.Token, sso.ModeSession) }}
	h.restart()
	h.reseal()
	h.refresh(done.Token, sso.ModeSession)
	if got := h.idp.grants(); len(got) != 2 || got[0] != "grant one" || got[1] != "grant two" {
		t.Errorf("grants %q", got)
	}
}

func TestSealingAnewThatIsBrokenOff(t *testing.T) {
	h := newHouse(t)
	for range 250 {
		h.signIn(sso.Start{}, withGrant("g"))
	}
	h.startUnder(newSecret, secret)
	batches, broken := 0, errors.New("broken off")
	o := &overtaken{Sealed: h.store}
	o.by = func() {
		if batches++; batches == 2 {
			o.fail = broken
		}
	}
	h.sealed = o
	h.restart()
	n, err := h.Reseal(t.Context())
	wantErr(t, "broken off", err, broken)
	h.wantRefused("the new SECRET alone", newSecret, nil)
	o.fail = nil
	again := h.reseal()
	if n != 100 || n+again != 250 {
		t.Errorf("%d grants, then %d", n, again)
	}
	keys := errors.New("keys")
	_, err = h.Reseal(t.Context(), func(context.Context) (int, error) { return 0, keys })
	wantErr(t, "something else that cannot be sealed again", err, keys)
	h.startUnder(newSecret, nil)
}

// A grant that does not open ends its session only under a confirmed SECRET.
func TestGrantThatDoesNotOpen(t *testing.T) {
	ruin := func(h *house, done *sso.SignedIn) {
		h.t.Helper()
		h.overwriteGrant(done.Session.ID, []byte("ruined beyond repair, whatever it was"))
	}
	t.Run("it was altered", func(t *testing.T) {
		h, done := refreshing(t, provider("p"))
		ruin(h, done)
		h.wantNoRefresh("an altered grant", done.Token, sso.ModeSession, sso.ErrSessionInvalid)
		h.wantSession("its session", done.Token, sso.ErrSessionInvalid)
	})
	t.Run("another node has a newer SECRET", func(t *testing.T) {
		h, done := refreshing(t, provider("p"))
		newer, err := sqlite.Open(t.Context(), h.path, sso.Confirming(newSecret, secret))
		wantErr(t, "the other node", err, nil)
		defer newer.Close()
		ruin(h, done)
		if again := h.refresh(done.Token, sso.ModeSession); again.Unasked == nil || !again.Session.ExpiresAt.Equal(done.Session.ExpiresAt) {
			t.Errorf("refreshed: %+v", again)
		}
	})
	t.Run("no check at all", func(t *testing.T) {
		h, done := refreshing(t, provider("p"))
		h.forgetChecks()
		ruin(h, done)
		if again := h.refresh(done.Token, sso.ModeSession); again.Unasked == nil {
			t.Errorf("refreshed: %+v", again)
		}
	})
}

func TestEndSessions(t *testing.T) {
	h := newHouse(t, provider("p"), provider("q"))
	for range 3 {
		h.signIn(sso.Start{}, alice())
	}
	other := h.signIn(sso.Start{Provider: "q"}, alice())
	if n, err := sso.EndSessions(t.Context(), h.store, sso.SessionMatch{Provider: "p"}, sso.Event{}); n != 3 || err != nil {
		t.Errorf("%d sessions, error %v", n, err)
	}
	h.wantSession("at another provider", other.Token, nil)
	if n, err := sso.EndSessions(t.Context(), h.store, sso.SessionMatch{}, sso.Event{}); n != 1 || err != nil {
		t.Errorf("%d sessions, error %v", n, err)
	}
	h.wantSession("at another provider", other.Token, sso.ErrSessionInvalid)
}

func TestSecretThatIsLost(t *testing.T) {
	h, done := refreshing(t, provider("p"))
	if _, err := sso.EndSessions(t.Context(), h.store, sso.SessionMatch{}, sso.Event{}); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "ForgetSecret", h.store.ForgetSecret(t.Context(), sso.Event{}), nil)
	h.startUnder(newSecret, nil)
	h.wantSession("a session of before", done.Token, sso.ErrSessionInvalid)
	if again := h.signIn(sso.Start{}, alice()); again.User.ID != done.User.ID {
		t.Error("the user is another one")
	}
}
