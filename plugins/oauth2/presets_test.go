package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/sdk"
)

// TestPresets signs in with each preset, setting only the client ID, the secret and the URL of
// the fake.
func TestPresets(t *testing.T) {
	for kind, want := range map[oauth2test.Kind]sdk.Identity{
		oauth2test.GitHub:           {Subject: "4711", Username: "alice", Name: "Alice Archer", Email: "alice@example.com", EmailVerified: true},
		oauth2test.GitHubApp:        {Subject: "4711", Username: "alice", Name: "Alice Archer", Email: "alice@example.com", EmailVerified: true},
		oauth2test.GitHubEnterprise: {Subject: "4711", Username: "alice", Name: "Alice Archer", Email: "alice@example.com"},
		oauth2test.Gitea:            {Subject: "4711", Username: "alice", Name: "Alice Archer", Email: "alice@example.com", EmailVerified: true},
		oauth2test.Forgejo:          {Subject: "4711", Username: "alice", Name: "Alice Archer", Email: "alice@example.com", EmailVerified: true},
		oauth2test.Discord:          {Subject: "4711", Username: "alice", Name: "Alice Archer", Email: "alice@example.com", EmailVerified: true},
		oauth2test.Facebook:         {Subject: "4711", Name: "Alice Archer", GivenName: "Alice", FamilyName: "Archer", Email: "alice@example.com"},
		oauth2test.X:                {Subject: "4711", Username: "alice", Name: "Alice Archer", Email: "alice@example.com", EmailVerified: true},
		oauth2test.Bitbucket:        {Subject: "557058:4711", Username: "alice", Name: "Alice Archer", Email: "alice@example.com", EmailVerified: true},
		oauth2test.Spotify:          {Subject: "spotify4711", Name: "Alice Archer", Email: "alice@example.com"},
		oauth2test.Yandex:           {Subject: "4711", Username: "alice", Name: "alice", GivenName: "Alice", FamilyName: "Archer", Email: "alice@example.com"},
		oauth2test.Nextcloud:        {Subject: "alice", Username: "alice", Name: "Alice Archer", Email: "alice@example.com", Groups: []string{"acme"}},
		oauth2test.Atlassian:        {Subject: "557058:4711", Username: "alice", Name: "Alice Archer", Email: "alice@example.com", EmailVerified: true},
		oauth2test.Reddit:           {Subject: "t24711", Username: "alice", Name: "alice"},
		oauth2test.Mastodon:         {Subject: "4711", Username: "alice", Name: "Alice Archer"},
		oauth2test.Generic:          {Subject: "4711", Username: "alice", Name: "Alice Archer", Email: "alice@example.com", EmailVerified: true, Groups: []string{"acme"}},
	} {
		t.Run(string(kind), func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: kind}, nil)
			got := r.mustLogin("alice")
			if got.Claims == nil || len(got.Grant) == 0 {
				t.Error("no claims or no grant")
			}
			grant := got.Grant
			got.Claims, got.Grant = nil, nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if leaks := as.Leaks(); leaks != nil {
				t.Errorf("OS24 %v", leaks)
			}
			if n := as.Hits(oauth2test.Token); n != 1 {
				t.Errorf("%d token requests", n)
			}
			again, err := r.refresh(grant)
			again.Claims, again.Grant = nil, nil
			if diff := cmp.Diff(want, again); diff != "" || err != nil {
				t.Errorf("refresh: %v %s", err, diff)
			}
			unverified, err := r.login("bob")
			if err != nil || unverified.EmailVerified {
				t.Errorf("bob, whose address is not verified: %+v, %v", unverified, err)
			}
		})
	}
}
