package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	hclog "github.com/hashicorp/go-hclog"
)

// Requests without a sign-in do not fill the log at the default level, whatever they are;
// and the first of each kind is in the log.
func TestJunkDoesNotFillTheLog(t *testing.T) {
	s := newCostlySite(t)
	for name, junk := range map[string]struct {
		send func(b *browser) answer
		line string // of the log; empty: none
	}{
		"no cookie": {func(b *browser) answer { return b.get("/auth/login/op/callback?state=x") }, "sign-in refused"},
		"wrong password": {func(b *browser) answer {
			return b.postJSON("/auth/login/dir", map[string]string{"identifier": "a", "password": "b"})
		}, "sign-in refused"},
		"forged response": {func(b *browser) answer {
			return b.get("/auth/login/op/callback?code=forged&state=" + b.begin("/auth/login/op"))
		}, "sign-in refused"},
		"panic in a plugin": {func(b *browser) answer {
			return b.get("/auth/login/op/callback?code=panic&state=" + b.begin("/auth/login/op"))
		}, "request failed"},
		"fault of a plugin": {func(b *browser) answer {
			return b.get("/auth/login/op/callback?code=evil&state=" + b.begin("/auth/login/op"))
		}, "sign-in refused"},
		"forged logout": {func(b *browser) answer {
			return b.postForm("/auth/login/saml/logout", url.Values{"SAMLRequest": {"x"}})
		}, "logout by the provider refused"},
		"nobody asked for": {func(b *browser) answer {
			return b.postForm("/auth/login/saml/acs", url.Values{"doorward_reposted": {"1"}, "SAMLResponse": {"x"}})
		}, "sign-in refused"},
		"no such page": {func(b *browser) answer { return b.get("/nothing") }, ""},
		"too large": {func(b *browser) answer {
			return b.postForm("/auth/login/op/acs", url.Values{"a": {strings.Repeat("a", 17<<10)}})
		}, ""},
		"garbage token":   {func(b *browser) answer { return b.get("/users/me", "Authorization", "Bearer x") }, ""},
		"forged token":    {func(b *browser) answer { return b.get("/users/me", "Authorization", "Bearer a.b.c") }, ""},
		"garbage refresh": {func(b *browser) answer { return b.postJSON("/auth/refresh", map[string]string{"refresh_token": "x"}) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.logger.SetLevel(hclog.Info)
			b := s.browser(t)
			before := len(s.log.String())
			for range 60 {
				if a := junk.send(b); a.StatusCode < http.StatusBadRequest {
					t.Fatalf("%s %s", a.Status, a.body)
				}
			}
			text := s.log.String()[before:]
			if n := strings.Count(text, "\n"); n > 10 {
				t.Errorf("%d lines of %d bytes", n, len(text))
			}
			if junk.line == "" && text != "" {
				t.Errorf("log: %s", text)
			}
		})
	}
	for _, line := range []string{"sign-in refused, asking again", `"sign-in refused"`, "logout by the provider refused", "request failed"} {
		if !strings.Contains(s.log.String(), line) {
			t.Errorf("no line of %q is in the log", line)
		}
	}
}

// A client that goes away while a large body waits has caused nothing that the operator
// must look into.
func TestWhoGoesAwayIsNoError(t *testing.T) {
	s := newSiteWith(t, "", sized(100_000))
	s.logger.SetLevel(hclog.Info)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s.server.TakeAllRoom()
	req := httptest.NewRequestWithContext(gone, http.MethodPost, "/auth/login/op/acs", strings.NewReader("a="+strings.Repeat("a", 50_000)))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.server.ServeHTTP(httptest.NewRecorder(), req)
	if text := s.log.String(); text != "" {
		t.Errorf("log: %s", text)
	}
}
