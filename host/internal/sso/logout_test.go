package sso_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func (h *house) signInAs(subject, logoutSubject, sessionID string) *sso.SignedIn {
	h.t.Helper()
	return h.signIn(sso.Start{}, sdk.Identity{
		Subject: subject, LogoutSubject: logoutSubject, SessionID: sessionID, Grant: []byte("grant of " + subject),
	})
}

func (h *house) wantLogin(what string, done *sso.SignedIn, want error) {
	h.t.Helper()
	_, err := h.Authenticate(h.t.Context(), done.Token)
	wantErr(h.t, what, err, want)
}

func TestH32LogoutByTheProvider(t *testing.T) {
	for name, c := range map[string]struct {
		said         sdk.Logout
		one, two, me bool // which sessions end
	}{
		"by subject":                          {sdk.Logout{Subject: "name-ada"}, true, true, false},
		"by session ID":                       {sdk.Logout{SessionIDs: []string{"i1"}}, true, false, false},
		"by both":                             {sdk.Logout{Subject: "name-ada", SessionIDs: []string{"i2", "i3"}}, false, true, false},
		"another's session":                   {sdk.Logout{Subject: "name-ada", SessionIDs: []string{"i3"}}, false, false, false},
		"not by the subject":                  {sdk.Logout{Subject: "ada"}, false, false, false},
		"by subject, if it has no other name": {sdk.Logout{Subject: "bob"}, false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			one, two, bob := h.signInAs("ada", "name-ada", "i1"), h.signInAs("ada", "name-ada", "i2"), h.signInAs("bob", "", "i3")
			h.idp.receiveWith(c.said, nil)
			_, err := h.ReceiveLogout(t.Context(), sso.LogoutMessage{Provider: "p"})
			wantErr(t, "logout", err, nil)
			for _, s := range []struct {
				done  *sso.SignedIn
				ended bool
			}{{one, c.one}, {two, c.two}, {bob, c.me}} {
				want := error(nil)
				if s.ended {
					want = sso.ErrSessionInvalid
				}
				h.wantLogin(s.done.User.Subject, s.done, want)
			}
		})
	}
}

func TestH32LogoutMessagesThatEndNothing(t *testing.T) {
	outcome := sdk.Logout{Outcome: sdk.LogoutDone}
	for name, c := range map[string]struct {
		said sdk.Logout
		err  error
		want error
	}{
		"refused by the mechanism":        {sdk.Logout{Subject: "ada"}, sdk.InvalidResponse("signature", "unsigned"), sdk.ErrInvalidResponse},
		"that names nobody":               {sdk.Logout{}, nil, sso.ErrPluginFault},
		"with a session without a name":   {sdk.Logout{Subject: "ada", SessionIDs: []string{""}}, nil, sdk.ErrInvalidResponse},
		"that answers what we never sent": {outcome, nil, sso.ErrPluginFault},
		"with a reply to a script":        {sdk.Logout{Subject: "ada", Reply: sdk.Redirect{URL: "javascript:alert(1)"}}, nil, sso.ErrPluginFault},
		"with a once-ID for ever":         {sdk.Logout{Subject: "ada", OnceID: "x", OnceUntil: start.Add(99 * 24 * time.Hour)}, nil, sso.ErrPluginFault},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			ada := h.signInAs("ada", "", "i1")
			h.idp.receiveWith(c.said, c.err)
			_, err := h.ReceiveLogout(t.Context(), sso.LogoutMessage{Provider: "p"})
			wantErr(t, "logout", err, c.want)
			h.wantLogin("ada", ada, nil)
		})
	}
	t.Run("H32 replayed after a restart", func(t *testing.T) {
		h := newHouse(t)
		h.idp.receiveWith(sdk.Logout{Subject: "ada", OnceID: "request-1", OnceUntil: start.Add(time.Hour)}, nil)
		_, err := h.ReceiveLogout(t.Context(), sso.LogoutMessage{Provider: "p"})
		wantErr(t, "first", err, nil)
		h.restart()
		ada := h.signInAs("ada", "", "i1")
		_, err = h.ReceiveLogout(t.Context(), sso.LogoutMessage{Provider: "p"})
		wantErr(t, "replay", err, sso.ErrSpent)
		h.wantLogin("ada", ada, nil)
	})
}

func TestLogoutAtTheProvider(t *testing.T) {
	begin := func(t *testing.T, h *house) sso.Pending {
		t.Helper()
		ada := h.signInAs("ada", "name", "i1")
		ended, err := h.Logout(t.Context(), ada.Token)
		wantErr(t, "logout", err, nil)
		h.wantLogin("ada", ada, sso.ErrSessionInvalid)
		pending, ok, err := h.BeginLogout(t.Context(), ended, "", "/after")
		if err != nil || !ok {
			t.Fatalf("BeginLogout: %v %v", ok, err)
		}
		return pending
	}
	t.Run("what the mechanism gets, and what comes back", func(t *testing.T) {
		h := newHouse(t)
		pending := begin(t, h)
		redirect, _ := pending.Step.(sdk.Redirect)
		if redirect.URL != "https://idp.test/logout?state="+pending.Attempt.State+"&subject=ada&grant=grant+of+ada" {
			t.Errorf("step %+v", pending.Step)
		}
		var got sdk.LogoutMessage
		h.idp.onReceive(func(_ context.Context, message sdk.LogoutMessage) (sdk.Logout, error) {
			got = message
			return sdk.Logout{Outcome: sdk.LogoutPartial}, nil
		})
		message := sso.LogoutMessage{Provider: "p", State: pending.Attempt.State, Sealed: pending.Sealed}
		done, err := h.ReceiveLogout(t.Context(), message)
		if err != nil || done.Outcome != sdk.LogoutPartial || done.Redirect != "/after" {
			t.Errorf("ReceiveLogout: %+v, %v", done, err)
		}
		if got.State != pending.Attempt.State || string(got.Memory) != "logout memory" {
			t.Errorf("message %+v", got)
		}
		_, err = h.ReceiveLogout(t.Context(), message)
		wantErr(t, "a second time", err, sso.ErrAttemptInvalid)
	})
	t.Run("A12 A13 sealed for logouts only, and for this one", func(t *testing.T) {
		h := newHouse(t, provider("p"), provider("q"))
		pending, login := begin(t, h), h.begin(sso.Start{})
		_, err := h.Continue(t.Context(), answerTo(pending))
		wantErr(t, "a logout as a login", err, sso.ErrAttemptInvalid)
		for name, m := range map[string]sso.LogoutMessage{
			"a login as a logout": {Provider: "p", State: login.Attempt.State, Sealed: login.Sealed},
			"another provider":    {Provider: "q", State: pending.Attempt.State, Sealed: pending.Sealed},
			"another state":       {Provider: "p", State: login.Attempt.State, Sealed: pending.Sealed},
		} {
			_, err := h.ReceiveLogout(t.Context(), m)
			wantErr(t, name, err, sso.ErrAttemptInvalid)
		}
	})
	t.Run("nothing to do there", func(t *testing.T) {
		h := newHouse(t)
		h.idp.beginLogoutWith(nil, nil)
		ended, err := h.Logout(t.Context(), h.signInAs("ada", "", "").Token)
		wantErr(t, "logout", err, nil)
		if _, ok, err := h.BeginLogout(t.Context(), ended, "", "/"); ok || err != nil {
			t.Errorf("got %v %v", ok, err)
		}
	})
	t.Run("a step that must not be", func(t *testing.T) {
		for _, step := range []sdk.Step{sdk.Redirect{URL: "http://idp.test/"}, sdk.FormPost{URL: "data:text/html,x"}} {
			h := newHouse(t)
			h.idp.beginLogoutWith(step, nil)
			ended, err := h.Logout(t.Context(), h.signInAs("ada", "", "").Token)
			wantErr(t, "logout", err, nil)
			_, _, err = h.BeginLogout(t.Context(), ended, "", "/")
			wantErr(t, "BeginLogout", err, sso.ErrPluginFault)
		}
	})
}

func TestUnsolicited(t *testing.T) {
	allowed := provider("p")
	allowed.AllowUnsolicited = true
	once := alice()
	once.OnceID, once.OnceUntil = "assertion-1", start.Add(time.Hour)
	t.Run("H14 refused unless allowed", func(t *testing.T) {
		h := newHouse(t)
		h.idp.vouchFor(once)
		_, err := h.ContinueUnsolicited(t.Context(), sso.Unsolicited{Provider: "p"})
		wantErr(t, "unsolicited", err, sso.ErrAttemptInvalid)
		if len(h.idp.calls()) != 0 {
			t.Error("the mechanism was asked")
		}
	})
	t.Run("once", func(t *testing.T) {
		h := newHouse(t, allowed)
		h.idp.vouchFor(once)
		done, err := h.ContinueUnsolicited(t.Context(), sso.Unsolicited{Provider: "p"})
		wantErr(t, "unsolicited", err, nil)
		h.wantLogin("alice", done, nil)
		if call := h.idp.calls()[0]; !call.Unsolicited || call.State != "" || call.Memory != nil {
			t.Errorf("call %+v", call)
		}
		h.restart()
		_, err = h.ContinueUnsolicited(t.Context(), sso.Unsolicited{Provider: "p"})
		wantErr(t, "H13 replayed", err, sso.ErrSpent)
	})
	t.Run("an identity that could be used twice is refused", func(t *testing.T) {
		h := newHouse(t, allowed)
		h.idp.vouchFor(alice())
		_, err := h.ContinueUnsolicited(t.Context(), sso.Unsolicited{Provider: "p"})
		wantErr(t, "without a once-ID", err, sso.ErrPluginFault)
	})
}

func TestMetadata(t *testing.T) {
	for name, c := range map[string]struct {
		document sdk.Document
		err      error
		want     error
	}{
		"SAML":                {sdk.Document{ContentType: "application/samlmetadata+xml", Content: []byte("<x/>")}, nil, nil},
		"a page with scripts": {sdk.Document{ContentType: "text/html", Content: []byte("<script>")}, nil, sso.ErrPluginFault},
		"with a parameter":    {sdk.Document{ContentType: "text/xml; charset=utf-7"}, nil, sso.ErrPluginFault},
		"too large":           {sdk.Document{ContentType: "text/xml", Content: make([]byte, 1<<20)}, nil, sso.ErrPluginFault},
		"none":                {sdk.Document{}, sdk.Misconfigured("sp", "no key"), sdk.ErrMisconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.idp.describeWith(c.document, c.err)
			got, err := h.Metadata(t.Context(), "p")
			wantErr(t, "Metadata", err, c.want)
			if err == nil && string(got.Content) != "<x/>" {
				t.Errorf("got %q", got.Content)
			}
		})
	}
	t.Run("kept for a moment", func(t *testing.T) {
		h := newHouse(t)
		h.idp.describeWith(sdk.Document{ContentType: "text/xml", Content: []byte("one")}, nil)
		_, err := h.Metadata(t.Context(), "p")
		wantErr(t, "first", err, nil)
		h.idp.describeWith(sdk.Document{}, errors.New("asked again"))
		_, err = h.Metadata(t.Context(), "p")
		wantErr(t, "second", err, nil)
		h.clock.advance(time.Minute)
		if _, err = h.Metadata(t.Context(), "p"); err == nil {
			t.Error("kept for a minute")
		}
	})
	t.Run("of an unknown provider", func(t *testing.T) {
		_, err := newHouse(t).Metadata(t.Context(), "x")
		wantErr(t, "Metadata", err, sso.ErrUnknownProvider)
	})
}
