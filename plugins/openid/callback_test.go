package main

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
)

const otherCallback = "https://intern.example/sso/auth/login/op/callback"

// A login returns to the host's callback for this login, and the code is redeemed with the
// same callback (RFC 6749 section 4.1.3).
func TestCallbackOfTheLogin(t *testing.T) {
	c := client()
	c.RedirectURIs = append(c.RedirectURIs, otherCallback)
	op := startOP(t, openidtest.Config{Clients: []openidtest.Client{c}})
	r := openRig(t, op.Issuer(), time.Now, nil)
	for _, tt := range []struct {
		begun, continued string
		ok               bool
	}{
		{otherCallback, otherCallback, true},
		{callbackURL, callbackURL, true},
		{"", "", true},
		{otherCallback, callbackURL, false},
		{callbackURL, otherCallback, false},
	} {
		_, err := r.comingBack(tt.begun, tt.continued)
		if (err == nil) != tt.ok {
			t.Errorf("begun for %q, continued for %q: %v", tt.begun, tt.continued, err)
		}
	}
}

// comingBack signs in with a login that has its own callback.
func (r *rig) comingBack(begun, continued string) (sdk.Identity, error) {
	r.t.Helper()
	const state = "state-of-this-login_0123456789"
	step, err := r.Begin(r.t.Context(), sdk.BeginRequest{State: state, CallbackURL: begun})
	if err != nil {
		return sdk.Identity{}, err
	}
	redirect, ok := step.(sdk.Redirect)
	if !ok {
		r.t.Fatalf("Begin answers with a %T", step)
	}
	back, err := openidtest.SignIn(r.t.Context(), redirect.URL, "alice")
	if err != nil {
		return sdk.Identity{}, err
	}
	if at, want := back.URL.Scheme+"://"+back.URL.Host+back.URL.Path, r.callbackOf(begun); at != want {
		r.t.Errorf("the browser comes back to %s, want %s", at, want)
	}
	return r.finish(sdk.ContinueRequest{State: state, CallbackURL: continued, Memory: redirect.Memory, Response: inbound(r.t, back)})
}

// GitLab requires a refresh to repeat the callback of the login.
func TestRefreshAtTheCallbackOfTheLogin(t *testing.T) {
	c := client()
	c.RedirectURIs = append(c.RedirectURIs, otherCallback)
	asked := ""
	op := startOP(t, openidtest.Config{Clients: []openidtest.Client{c}, Quirk: openidtest.Quirk{Redeem: func(form url.Values) string {
		if form.Get("grant_type") == "refresh_token" {
			asked = form.Get("redirect_uri")
		}
		return ""
	}}})
	r := openRig(t, op.Issuer(), time.Now, map[string]any{"offline_access": "yes"})
	r.preset.RefreshAtCallback = true
	for _, callback := range []string{otherCallback, callbackURL} {
		identity, err := r.comingBack(callback, callback)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second with the grant of the first
			var g grantContent
			if err := json.Unmarshal(identity.Grant, &g); err != nil || (g.Callback != "") != (callback == otherCallback) {
				t.Fatalf("the grant has the callback %q, %v", g.Callback, err)
			}
			refreshed, err := r.Refresh(t.Context(), identity.Grant)
			if err != nil {
				t.Fatal(err)
			}
			if asked != callback {
				t.Errorf("a refresh with %q, want %q", asked, callback)
			}
			identity = refreshed.Identity
		}
	}
}

// A logout returns to the host's URL for this logout, without the state, for which OpenID
// Connect has a parameter.
func TestLogoutURLOfTheLogout(t *testing.T) {
	r := openRig(t, serveDiscovery(t, map[string]any{"end_session_endpoint": "https://op.example/end"}), time.Now, nil)
	for told, want := range map[string]string{
		"":                         logoutURL,
		logoutURL + "?state=a-b_c": logoutURL,
		"https://intern.example/sso/auth/login/op/logout?state=a-b_c": "https://intern.example/sso/auth/login/op/logout",
	} {
		step, err := r.BeginLogout(t.Context(), sdk.LogoutRequest{State: "a-b_c", ReturnURL: told, Grant: []byte(`{"sub":"alice","id_token":"a.b.c"}`)})
		if err != nil {
			t.Fatal(err)
		}
		redirect, _ := step.(sdk.Redirect)
		u, err := url.Parse(redirect.URL)
		if err != nil || u.Query().Get("post_logout_redirect_uri") != want || u.Query().Get("state") != "a-b_c" {
			t.Errorf("told %q: %s", told, redirect.URL)
		}
	}
}
