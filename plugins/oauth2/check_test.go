package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/sdk"
)

func findings(t *testing.T, r *rig) map[string]sdk.Finding {
	t.Helper()
	list, err := r.Mechanism.(sdk.Checker).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]sdk.Finding{}
	for _, f := range list {
		if strings.Contains(f.Text, clientSecret) {
			t.Errorf("a secret in %+v", f)
		}
		byName[f.Subject] = f
	}
	return byName
}

func TestCheckOfEachKind(t *testing.T) {
	for _, kind := range []oauth2test.Kind{
		oauth2test.Generic, oauth2test.GitHub, oauth2test.GitHubApp, oauth2test.GitHubEnterprise, oauth2test.Gitea, oauth2test.Discord, oauth2test.X,
		oauth2test.Bitbucket, oauth2test.Spotify, oauth2test.Yandex, oauth2test.Nextcloud, oauth2test.Atlassian, oauth2test.Reddit, oauth2test.Mastodon,
	} {
		t.Run(string(kind), func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: kind}, nil)
			for _, f := range findings(t, r) {
				if f.Severity != sdk.SeverityOK {
					t.Errorf("%+v", f)
				}
			}
			if as.Hits(oauth2test.Token) != 1 {
				t.Error("the credentials of the client were not checked exactly once")
			}
		})
	}
	t.Run("unattended", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{}, nil)
		if _, err := r.Mechanism.(sdk.Checker).Check(sdk.Unattended(t.Context())); err != nil || as.Hits(oauth2test.Token) != 0 {
			t.Errorf("%v, and the credentials of the client were checked %d times", err, as.Hits(oauth2test.Token))
		}
	})
	t.Run("gitea with a wrong secret", func(t *testing.T) {
		r, _ := startRig(t, oauth2test.Config{Kind: oauth2test.Gitea}, map[string]any{"client_secret": "another"})
		if f := findings(t, r)["client_secret"]; f.Severity != sdk.SeverityError || !strings.Contains(f.Text, "invalid client secret") {
			t.Errorf("%+v", f)
		}
	})
	t.Run("facebook", func(t *testing.T) {
		// All errors have the same code, so a wrong secret cannot be detected.
		r, _ := startRig(t, oauth2test.Config{Kind: oauth2test.Facebook}, nil)
		if f := findings(t, r)["client_secret"]; f.Severity != sdk.SeverityWarning {
			t.Errorf("%+v", f)
		}
	})
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name     string
		options  map[string]any
		alter    func(*oauth2test.Server)
		subject  string
		severity sdk.Severity
		says     string
	}{
		{"wrong secret", map[string]any{"client_secret": "another"}, nil, "client_secret", sdk.SeverityError, "client_secret"},
		{"wrong ID", map[string]any{"client_id": "another"}, nil, "client_secret", sdk.SeverityError, "client_id"},
		{"token endpoint down", map[string]any{"access_url": "http://127.0.0.1:1/"}, nil, "access_url", sdk.SeverityError, "refused"},
		{"token endpoint gives to everybody", nil, func(as *oauth2test.Server) {
			as.Alter(oauth2test.Token, answer(200, "application/json", `{"access_token":"a","token_type":"bearer"}`))
		}, "client_secret", sdk.SeverityError, "for a code that was never issued"},
		{"profile endpoint down", map[string]any{"profile_url": "http://127.0.0.1:1/"}, nil, "profile_url", sdk.SeverityError, "refused"},
		{"profile endpoint wrong", nil, func(as *oauth2test.Server) { as.Alter(oauth2test.Profile, answer(404, "text/plain", "")) }, "profile_url", sdk.SeverityWarning, "404"},
		{"profile endpoint is a page", nil, func(as *oauth2test.Server) { as.Alter(oauth2test.Profile, answer(200, "text/html", "<html>")) }, "profile_url", sdk.SeverityWarning, "HTML"},
		{"token endpoint is a page", nil, func(as *oauth2test.Server) { as.Alter(oauth2test.Token, answer(200, "text/html", "<html>")) }, "access_url", sdk.SeverityError, "HTML"},
		{"token endpoint leads on", nil, func(as *oauth2test.Server) {
			as.Alter(oauth2test.Token, func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
				*reply = oauth2test.Reply{Status: 301, Header: http.Header{"Location": {"/elsewhere"}}}
			})
		}, "access_url", sdk.SeverityError, "/elsewhere"},
		{"client that is not found", nil, func(as *oauth2test.Server) {
			as.Alter(oauth2test.Token, answer(404, "application/json", `{"error":"Not Found"}`))
		}, "client_secret", sdk.SeverityError, `"Not Found": check client_id`},
		{"authorization endpoint fails", nil, func(as *oauth2test.Server) { as.Alter(oauth2test.Authorization, answer(500, "text/plain", "")) }, "authorize_url", sdk.SeverityWarning, "500"},
		{"clock", nil, func(as *oauth2test.Server) {
			as.Alter(oauth2test.Profile, func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
				reply.Header.Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			})
		}, "clock", sdk.SeverityWarning, "NTP"},
		{"PKCE off", map[string]any{"pkce": "off"}, nil, "pkce", sdk.SeverityWarning, "state"},
		{"unstable identifier", map[string]any{"identifier_key": "username"}, nil, "identifier_key", sdk.SeverityWarning, "the next owner"},
		{"unstable identifier in one word", map[string]any{"identifier_key": "preferredUsername"}, nil, "identifier_key", sdk.SeverityWarning, "the next owner"},
		{"unstable identifier of two words", map[string]any{"identifier_key": "user_login"}, nil, "identifier_key", sdk.SeverityWarning, "the next owner"},
		{"callback", nil, nil, "callback", sdk.SeverityOK, callbackURL},
		{"fields", nil, nil, "fields", sdk.SeverityOK, "e-mail from email; verified from email_verified"},
		{"verified", nil, nil, "email_verified_key", sdk.SeverityOK, "email_verified is true"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{}, test.options)
			if test.alter != nil {
				test.alter(as)
			}
			f := findings(t, r)[test.subject]
			if f.Severity != test.severity || !strings.Contains(f.Text, test.says) {
				t.Errorf("%+v", f)
			}
		})
	}
	r, _ := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, map[string]any{"allowed_organizations": "acme"})
	if f := findings(t, r)["allowed"]; f.Severity != sdk.SeverityWarning || !strings.Contains(f.Text, "id:") { // OA06
		t.Errorf("%+v", f)
	}
	own, _ := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, map[string]any{"allowed_organizations": "id:9919", "scope": "user:email"})
	if f := findings(t, own)["scope"]; f.Severity != sdk.SeverityWarning || !strings.Contains(f.Text, "read:org") {
		t.Errorf("%+v", f)
	}
	if f, there := findings(t, r)["scope"]; there {
		t.Errorf("%+v", f)
	}
	if f := findings(t, r)["callback"]; !strings.Contains(f.Text, "whole path") {
		t.Errorf("%+v", f)
	}
}

// TestCheckKeepsHeadersToTheAPI: the header fields can contain a key, and the authorization
// endpoint is for browsers, which do not send them.
func TestCheckKeepsHeadersToTheAPI(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, map[string]any{"profile_headers": map[string]any{"X-Api-Key": "key-of-the-api"}})
	keys := map[oauth2test.Endpoint]string{}
	for _, at := range []oauth2test.Endpoint{oauth2test.Authorization, oauth2test.Profile} {
		as.Alter(at, func(_ *oauth2test.Server, req *http.Request, _ *oauth2test.Reply) {
			keys[at] = req.Header.Get("X-Api-Key")
		})
	}
	findings(t, r)
	if keys[oauth2test.Authorization] != "" || keys[oauth2test.Profile] == "" {
		t.Errorf("OS24 %v", keys)
	}
}
