package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeys(t *testing.T) {
	a := newSite(t, "").browser(t).get("/.well-known/jwks.json")
	if a.StatusCode != 200 || !strings.Contains(a.body, `"crv":"Ed25519"`) || strings.Contains(a.body, `"d":`) {
		t.Errorf("got %s %s", a.Status, a.body)
	}
	if got := a.Header.Get("Cache-Control"); got != "public, max-age=300" {
		t.Errorf("Cache-Control %q", got)
	}
	if got := a.Header.Get("Content-Type"); got != "application/jwk-set+json" {
		t.Errorf("Content-Type %q", got)
	}
}

// The documents are where RFC 8414 section 3.1 has them, with and without a path in
// PUBLIC_URL, and below the path, from which a proxy takes it off.
func TestIssuerMetadata(t *testing.T) {
	const path = "/.well-known/oauth-authorization-server"
	for publicURL, found := range map[string]map[string]bool{
		"https://login.example.org": {path: true, path + "/": false, path + "/sso": false, path + "/%2e%2e": false},
		"https://example.org/sso": {
			path: true, path + "/sso": true, path + "/sso/": false, path + "/SSO": false, path + "/sso/x": false, path + "//sso": false, path + "/else": false,
			path + "x": false, "/sso" + path: false,
		},
		"https://example.org/a/b": {path + "/a/b": true, path + "/a": false, path + "/a%2Fb": true},
	} {
		b := newSite(t, publicURL).browser(t)
		for path, want := range found {
			a := b.get(path)
			if !want {
				if a.StatusCode != http.StatusNotFound {
					t.Errorf("%s: %s: %s", publicURL, path, a.Status)
				}
				continue
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(a.body), &got); err != nil {
				t.Fatalf("%s: %s: %s: %v", publicURL, path, a.Status, err)
			}
			if diff := cmp.Diff(map[string]any{
				"issuer": publicURL, "jwks_uri": publicURL + "/.well-known/jwks.json",
				"response_types_supported": []any{}, "grant_types_supported": []any{},
			}, got); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", publicURL, path, diff)
			}
			if got, want := a.Header.Get("Content-Type"), "application/json"; got != want {
				t.Errorf("%s: Content-Type %q, want %q", path, got, want)
			}
			if got := a.Header.Get("Cache-Control"); got != "public, max-age=300" {
				t.Errorf("%s: Cache-Control %q", path, got)
			}
		}
	}
}
