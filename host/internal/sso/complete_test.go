package sso_test

import (
	"context"
	"database/sql" //nolint:depguard // tests look at the tables as an operator would
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// database opens the database directly, as an operator would.
func (h *house) database() *sql.DB {
	h.t.Helper()
	db, err := sql.Open("sqlite", h.path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (h *house) count(table string) int {
	h.t.Helper()
	var n int
	if err := h.database().QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func TestFirstAndSecondLogin(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{}, alice())
	want := sso.User{
		Provider: "p", Subject: "alice", Status: sso.UserActive, Email: "alice@example.org", EmailVerifiedBy: "p",
		FirstName: "Alice", LastName: "A", CreatedAt: start, LastAccess: start,
	}
	if diff := cmp.Diff(want, first.User, cmpopts.IgnoreFields(sso.User{}, "ID")); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	h.clock.advance(time.Hour)
	second := h.signIn(sso.Start{}, alice())
	want.ID, want.LastAccess = first.User.ID, start.Add(time.Hour)
	if diff := cmp.Diff(want, h.user("p", "alice")); diff != "" {
		t.Errorf("user after the second login (-want +got):\n%s", diff)
	}
	if second.Session.ID == first.Session.ID {
		t.Error("two logins share a session")
	}
}

func TestFirstLoginsAtOnceMakeOneUser(t *testing.T) {
	h := newHouse(t)
	const tabs = 8
	var together sync.WaitGroup
	together.Add(tabs)
	h.idp.answer(func(context.Context, sdk.ContinueRequest) (sdk.Step, error) {
		together.Done()
		together.Wait()
		return sdk.Authenticated{Identity: alice()}, nil
	})
	var group sync.WaitGroup
	ids := make([]string, tabs)
	for i := range ids {
		answer := answerTo(h.begin(sso.Start{}))
		group.Go(func() {
			out, err := h.Continue(t.Context(), answer)
			if err != nil {
				t.Errorf("signing in: %v", err)
				return
			}
			ids[i] = out.SignedIn.User.ID
		})
	}
	group.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Errorf("users %v", ids)
		}
	}
	if h.count("users") != 1 || h.count("sessions") != tabs {
		t.Errorf("%d users, %d sessions", h.count("users"), h.count("sessions"))
	}
}

func TestIdentitiesThatAreFaults(t *testing.T) {
	for name, test := range map[string]struct {
		identity sdk.Identity
		want     error
	}{
		"D05 no subject":     {sdk.Identity{Email: "alice@example.org", EmailVerified: true}, sdk.ErrInvalidResponse},
		"D05 a long subject": {sdk.Identity{Subject: fmt.Sprintf("%256d", 1)}, sdk.ErrInvalidResponse},
		"D05 NUL":            {sdk.Identity{Subject: "alice\x00"}, sdk.ErrInvalidResponse},
		"D12 many groups":    {sdk.Identity{Subject: "alice", Groups: make([]string, sdk.MaxGroups+1)}, sdk.ErrInvalidResponse},
		"expired":            {sdk.Identity{Subject: "alice", ExpiresAt: start}, sso.ErrPluginFault},
		"once-ID too long":   {sdk.Identity{Subject: "alice", OnceID: "o", OnceUntil: start.AddDate(1, 0, 0)}, sso.ErrPluginFault},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			done, err := h.tryToSignIn(sso.Start{}, test.identity)
			wantErr(t, "signing in", err, test.want)
			if done != nil || h.count("users")+h.count("sessions")+h.count("once") != 0 {
				t.Errorf("signed in %+v, or written to the store", done)
			}
		})
	}
}

func TestL10StoreThatFails(t *testing.T) {
	h := newHouse(t)
	done := h.signIn(sso.Start{}, alice())
	answer := answerTo(h.begin(sso.Start{}))
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := h.Continue(t.Context(), answer)
	if err == nil || out.SignedIn != nil {
		t.Errorf("signing in: %+v, %v", out, err)
	}
	who, err := h.Authenticate(t.Context(), done.Token)
	if err == nil || errors.Is(err, sso.ErrSessionInvalid) || who.User.ID != "" {
		t.Errorf("authenticating: %+v, %v", who, err)
	}
	if refreshed, err := h.Refresh(t.Context(), done.Token, sso.ModeSession); err == nil || refreshed != nil {
		t.Errorf("refreshing: %+v, %v", refreshed, err)
	}
	if _, err := h.Logout(t.Context(), done.Token); err == nil {
		t.Error("a logout that did not happen is no error")
	}
}
