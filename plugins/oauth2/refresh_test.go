package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// The tests in this file are attacks on refreshes and logouts, and by accounts that are no
// longer allowed.

func TestRefreshes(t *testing.T) {
	clock := plugintest.NewClock()
	start := func(t *testing.T, kind oauth2test.Kind, options map[string]any) (*rig, *oauth2test.Server, []byte) {
		t.Helper()
		r, as := startRig(t, oauth2test.Config{Kind: kind, Now: clock.Now}, options)
		return r, as, r.mustLogin("alice").Grant
	}
	t.Run("OS27 rotation, and the token before it ends", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.GitHubApp, nil)
		clock.Advance(9 * time.Hour)
		got, err := r.refresh(grant)
		if err != nil || grantOf(t, got.Grant).RefreshToken == grantOf(t, grant).RefreshToken {
			t.Fatalf("%v", err)
		}
		if _, err := r.refresh(got.Grant); err != nil || as.Hits(oauth2test.Token) != 2 {
			t.Errorf("%v after %d token requests", err, as.Hits(oauth2test.Token))
		}
	})
	t.Run("OS27 no new refresh token keeps the old", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.Spotify, nil)
		clock.Advance(2 * time.Hour)
		as.Alter(oauth2test.Token, set(map[string]any{"refresh_token": nil}))
		got, err := r.refresh(grant)
		if err != nil || grantOf(t, got.Grant).RefreshToken != grantOf(t, grant).RefreshToken {
			t.Errorf("%v", err)
		}
	})
	t.Run("OS27 a token shorter than what is remembered of its renewal", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{Now: clock.Now, Expires: 2 * time.Minute, Refresh: true, LastingRefresh: true}, nil)
		grant := r.mustLogin("alice").Grant
		for range 3 {
			clock.Advance(2 * time.Minute)
			got, err := r.refresh(grant)
			if err != nil {
				t.Fatal(err)
			}
			grant = got.Grant
		}
		if n := as.Hits(oauth2test.Token); n != 4 {
			t.Errorf("%d token requests", n)
		}
	})
	t.Run("OS27 the profile fails after the renewal", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.GitHubApp, nil)
		clock.Advance(9 * time.Hour)
		as.Alter(oauth2test.Profile, answer(502, "text/html", "<html>"))
		if _, err := r.refresh(grant); !errors.Is(err, sdk.ErrUnavailable) {
			t.Fatalf("%v", err)
		}
		as.Behave()
		if _, err := r.refresh(grant); err != nil {
			t.Errorf("the new tokens are lost: %v", err)
		}
	})
	t.Run("OS27 another user in the new profile", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.Generic, nil)
		as.Alter(oauth2test.Profile, set(map[string]any{"id": "666"}))
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrDenied, reasonOtherUser)
	})
	t.Run("OS27 fewer scopes", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.Spotify, map[string]any{"required_scopes": "user-read-email"})
		clock.Advance(2 * time.Hour)
		as.Alter(oauth2test.Token, set(map[string]any{"scope": "x"}))
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrDenied, reasonScopeReduced)
	})
	t.Run("OS27 refresh token spent elsewhere", func(t *testing.T) {
		r, _, grant := start(t, oauth2test.Nextcloud, nil)
		clock.Advance(2 * time.Hour)
		if _, err := r.refresh(grant); err != nil {
			t.Fatal(err)
		}
		r.renewals = codeflow.NewRenewals(clock.Now) // as in another process
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrDenied, "invalid_grant")
	})
	t.Run("OS28 deleted account", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.GitHub, nil)
		as.SetPeople(oauth2test.Person{Login: "other", ID: "1"})
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrDenied, profile.ReasonTokenRefused)
	})
	for status, kind := range map[int]error{401: sdk.ErrDenied, 403: sdk.ErrUnavailable, 404: sdk.ErrUnavailable, 429: sdk.ErrUnavailable, 500: sdk.ErrUnavailable} {
		t.Run(fmt.Sprintf("OS28 status %d", status), func(t *testing.T) {
			r, as, grant := start(t, oauth2test.Mastodon, nil)
			as.Alter(oauth2test.Profile, answer(status, "application/json", `{"error":"x"}`))
			if _, err := r.refresh(grant); !errors.Is(err, kind) {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("OS28 a token that has ended, and no way to a new one", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.X, nil)
		clock.Advance(3 * time.Hour)
		before := as.Hits(oauth2test.Profile)
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrUnavailable, reasonGrantExpired)
		if as.Hits(oauth2test.Profile) != before {
			t.Error("the expired token was sent")
		}
	})
	t.Run("OS29 who leaves the organization loses the session", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.GitHub, map[string]any{"allowed_organizations": "id:9919"})
		as.SetPeople(oauth2test.Person{Login: "alice", ID: "4711"})
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrDenied, sdk.ReasonNotAllowed)
	})
	t.Run("OS11 a grant of another server", func(t *testing.T) {
		_, _, grant := start(t, oauth2test.Gitea, nil)
		r, as, _ := start(t, oauth2test.Gitea, map[string]any{"revoke_url": "http://127.0.0.1:1/"})
		before := as.Hits(oauth2test.Profile)
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrDenied, reasonProviderChanged)
		if _, err := r.Mechanism.(sdk.LogoutBeginner).BeginLogout(t.Context(), sdk.LogoutRequest{Grant: grant}); err != nil {
			t.Error(err)
		}
		if as.Hits(oauth2test.Profile) != before || strings.Contains(r.log.String(), "revoking") {
			t.Errorf("the token was sent to a server that did not issue it: %s", r.log)
		}
	})
	t.Run("no grant", func(t *testing.T) {
		r, _, _ := start(t, oauth2test.Generic, nil)
		for _, grant := range []string{"", "x", "{}", `{"sub":"1"}`} {
			_, err := r.refresh([]byte(grant))
			checkReason(t, err, sdk.ErrInvalidResponse, reasonGrant)
		}
	})
	t.Run("closing ends a renewal that is under way", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.GitHubApp, nil)
		clock.Advance(9 * time.Hour)
		arrived := make(chan struct{})
		as.Alter(oauth2test.Token, func(_ *oauth2test.Server, req *http.Request, _ *oauth2test.Reply) {
			close(arrived)
			<-req.Context().Done()
		})
		ended := make(chan error, 1)
		go func() {
			_, err := r.Mechanism.(sdk.Refresher).Refresh(t.Context(), grant)
			ended <- err
		}()
		<-arrived
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, sdk.ErrUnavailable) {
			t.Errorf("%v", err)
		}
	})
	t.Run("no_refresh keeps no token", func(t *testing.T) {
		r, _ := startRig(t, oauth2test.Config{}, map[string]any{"no_refresh": true})
		if got := r.mustLogin("alice"); got.Grant != nil {
			t.Error("a grant is stored")
		}
		if capabilities := sdk.Capabilities(r.Mechanism); len(capabilities) != 1 {
			t.Errorf("%v", capabilities)
		}
	})
}

func TestSuspended(t *testing.T) {
	for _, kind := range []oauth2test.Kind{oauth2test.GitHub, oauth2test.GitHubEnterprise, oauth2test.Gitea, oauth2test.Mastodon, oauth2test.Reddit, oauth2test.Nextcloud, oauth2test.Atlassian} {
		t.Run("OS29 at "+string(kind), func(t *testing.T) {
			r, _ := startRig(t, oauth2test.Config{Kind: kind, People: []oauth2test.Person{{Login: "a", ID: "1", Suspended: true}}}, nil)
			_, err := r.login("a")
			checkReason(t, err, sdk.ErrDenied, sdk.ReasonAccountDisabled)
		})
	}
	for rule, refused := range map[string]bool{"state!=active": true, "locked": true, "name=Nobody": false, "groups": true, "email_verified=false": false} {
		t.Run("OS29 "+rule, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{}, map[string]any{"refuse_when": rule})
			as.Alter(oauth2test.Profile, set(map[string]any{"locked": true}))
			if _, err := r.login("alice"); errors.Is(err, sdk.ErrDenied) != refused {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRevocation(t *testing.T) {
	for _, kind := range []oauth2test.Kind{oauth2test.GitHub, oauth2test.GitHubApp, oauth2test.GitHubEnterprise, oauth2test.Mastodon} {
		t.Run(string(kind), func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: kind}, nil)
			grant := r.mustLogin("alice").Grant
			step, err := r.Mechanism.(sdk.LogoutBeginner).BeginLogout(t.Context(), sdk.LogoutRequest{State: theState, Grant: grant})
			if step != nil || err != nil || as.Hits(oauth2test.Revocation) != 1 {
				t.Errorf("%v, %v, %d requests", step, err, as.Hits(oauth2test.Revocation))
			}
			_, err = r.refresh(grant)
			checkReason(t, err, sdk.ErrDenied, map[bool]sdk.Reason{true: "bad_refresh_token", false: profile.ReasonTokenRefused}[kind == oauth2test.GitHubApp])
			r.checkNoSecret(nil, sdk.ContinueRequest{})
		})
	}
	for _, test := range []struct {
		name, auth string
		options    map[string]any
		requests   int
	}{
		{"RFC 7009 by Basic", oauth2test.Basic, map[string]any{}, 1},
		{"RFC 7009 by post", oauth2test.Post, map[string]any{"client_token_endpoint_auth_method": authPost}, 1},
		{"RFC 7009 by raw Basic", oauth2test.BasicRaw, map[string]any{"client_token_endpoint_auth_method": authBasicRaw}, 1},
		{"kept", oauth2test.Basic, map[string]any{"keep_tokens_at_logout": true}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := client()
			c.Auth = test.auth
			as := startAS(t, oauth2test.Config{Clients: []oauth2test.Client{c}})
			values := as.Options(c)
			values["revoke_url"] = as.Base() + "/revoke"
			for name, value := range test.options {
				values[name] = value
			}
			r := openRig(t, time.Now, values)
			grant := r.mustLogin("alice").Grant
			if _, err := r.Mechanism.(sdk.LogoutBeginner).BeginLogout(t.Context(), sdk.LogoutRequest{Grant: grant}); err != nil {
				t.Error(err)
			}
			if n := as.Hits(oauth2test.Revocation); n != test.requests {
				t.Errorf("%d requests", n)
			}
			if _, err := r.refresh(grant); (err != nil) != (test.requests == 1) {
				t.Errorf("afterwards: %v", err)
			}
			if strings.Contains(r.log.String(), "revoking") {
				t.Error(r.log.String())
			}
		})
	}
}
