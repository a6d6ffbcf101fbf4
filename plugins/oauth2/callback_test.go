package main

import (
	"testing"

	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/sdk"
)

// A login returns to the callback URL that the host names, and the code is redeemed
// with that and no other (RFC 6749 section 4.1.3).
func TestCallbackOfTheLogin(t *testing.T) {
	const otherCallback = "https://intern.example/sso/auth/login/as/callback"
	c := client()
	c.RedirectURIs = append(c.RedirectURIs, otherCallback)
	r, _ := startRig(t, oauth2test.Config{Clients: []oauth2test.Client{c}}, nil)
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
		step, err := r.Begin(sdk.BeginRequest{State: theState, CallbackURL: tt.begun})
		if err != nil {
			t.Fatal(err)
		}
		redirect, _ := step.(sdk.Redirect)
		back, err := oauth2test.SignIn(t.Context(), redirect.URL, "alice")
		if err != nil {
			t.Fatal(err)
		}
		if at, want := back.URL.Scheme+"://"+back.URL.Host+back.URL.Path, r.callbackURL(tt.begun); at != want {
			t.Errorf("the browser comes back to %s, want %s", at, want)
		}
		_, err = r.finish(sdk.ContinueRequest{State: theState, CallbackURL: tt.continued, Memory: redirect.Memory, Response: inbound(t, back)})
		if (err == nil) != tt.ok {
			t.Errorf("begun for %q, continued for %q: %v", tt.begun, tt.continued, err)
		}
	}
}
