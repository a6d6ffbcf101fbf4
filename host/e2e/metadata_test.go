package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documentedLine is the line for the metadata that docs/endpoints.md adds to a proxy.
func documentedLine(t *testing.T, proxy string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(repository(t), "docs", "endpoints.md"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile("(?m)^\\| " + proxy + " \\| .* \\| `(.*)` \\|$").FindSubmatch(page)
	if line == nil {
		t.Fatalf("the page has no line for %s", proxy)
	}
	return string(line[1])
}

// With a path in PUBLIC_URL, a client finds the metadata at the root of the host name if
// the proxy has the documented line, and below the path otherwise.
func TestIssuerMetadataBehindProxies(t *testing.T) {
	for name, before := range map[string]string{
		"nginx": "    location /sso/ {", "HAProxy": "    use_backend doorward if { path_beg /sso/ }", "Caddy": "\tredir /sso /sso/ 308",
	} {
		t.Run(name, func(t *testing.T) {
			b := newPlace(t)
			startHost(t, HostConfig{Port: b.hostPort, Env: map[string]string{"PUBLIC_URL": b.public() + "/", "IP_TRUST_PROXY": "127.0.0.1"}})
			line := strings.ReplaceAll(documentedLine(t, name), documentedHost, b.host())
			b.start(t, name, before, "    "+line+"\n"+before)
			root := strings.TrimSuffix(b.public(), "/sso")
			client := &http.Client{Transport: b.outside(t)}
			for _, url := range []string{root + "/.well-known/oauth-authorization-server/sso", b.public() + "/.well-known/oauth-authorization-server"} {
				wantMetadata(t, client, url, b.public())
			}
		})
	}
}

// wantMetadata reads the document and the keys that it names.
func wantMetadata(t *testing.T, client *http.Client, url, issuer string) {
	t.Helper()
	var metadata struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	getJSON(t, client, url, &metadata)
	if metadata.Issuer != issuer {
		t.Errorf("%s: issuer %q, want %q", url, metadata.Issuer, issuer)
	}
	var set struct{ Keys []any }
	getJSON(t, client, metadata.Keys, &set)
	if len(set.Keys) != 1 {
		t.Errorf("%s has %d keys, want 1", metadata.Keys, len(set.Keys))
	}
}

func getJSON(t *testing.T, client *http.Client, url string, to any) {
	t.Helper()
	resp, err := client.Get(url) //nolint:noctx // bounded by the test
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(to); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %v", url, resp.Status, err)
	}
}
