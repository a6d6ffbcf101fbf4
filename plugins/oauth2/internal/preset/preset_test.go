package preset

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/internal/fieldpath"
)

// TestRows checks that the plugin accepts each preset.
func TestRows(t *testing.T) {
	if !slices.IsSorted(Names()) {
		t.Errorf("not in order: %v", Names())
	}
	for _, p := range All() {
		t.Run(p.Name, func(t *testing.T) {
			checkURLs(t, p)
			checkPaths(t, p)
			if _, err := time.Parse(time.DateOnly, p.Dated); err != nil || p.Title == "" || p.Icon == "" {
				t.Errorf("dated %q, title %q, icon %q", p.Dated, p.Title, p.Icon)
			}
			if m := p.Manual; len(m.Console) == 0 || m.Callback == "" || m.Restricted == "" || m.Email == "" || m.Session == "" {
				t.Error("the manual is incomplete")
			}
			if OpenID(p.Name) {
				t.Error("it is also an OpenID provider")
			}
			if got, ok := Find(p.Name); !ok || got.Title != p.Title {
				t.Error("cannot be found")
			}
		})
	}
	if _, ok := Find("google"); ok || !OpenID("google") {
		t.Error("google belongs to the openid plugin")
	}
}

func checkURLs(t *testing.T, p Preset) {
	t.Helper()
	urls := []string{p.AuthorizeURL, p.AccessURL, p.ProfileURL}
	for _, c := range slices.Concat(p.Calls, p.GroupCalls) {
		urls = append(urls, c.URL)
	}
	if p.Revocation.URL != "" {
		urls = append(urls, p.Revocation.URL)
	}
	base := ""
	if p.Base == "" {
		base = "https://server.example/sub/"
	}
	for _, text := range urls {
		resolved := p.Resolve(text, base, "")
		u, err := url.Parse(strings.ReplaceAll(resolved, "{client_id}", "x"))
		if err != nil || u.Scheme != "https" || u.Host == "" || strings.Contains(resolved, "//s//") || strings.ContainsAny(u.Path, "{}") {
			t.Errorf("%s becomes %s", text, resolved)
		}
	}
	if got := p.Resolve(p.AuthorizeURL, "http://127.0.0.1:1/", ""); !strings.HasPrefix(got, "http://127.0.0.1:1/") || strings.Contains(got[7:], "//") {
		t.Errorf("base_url has no effect: %s", got)
	}
}

func checkPaths(t *testing.T, p Preset) {
	t.Helper()
	if len(p.Identifiers) == 0 {
		t.Error("no identifier")
	}
	for _, id := range p.Identifiers {
		path, err := fieldpath.Parse(id.Path)
		if err != nil || !path.Single() || id.Type != Integer && id.Type != Text {
			t.Errorf("identifier %v: %v", id, err)
		}
		// OS11, OA01–OA06: a name can pass to somebody else. Nextcloud has only names.
		last := path.Last()[strings.LastIndexByte(path.Last(), '.')+1:]
		if !slices.Contains([]string{"id", "node_id", "account_id", "uuid"}, last) {
			t.Errorf("OS11 identifier %s", id.Path)
		}
	}
	for _, text := range []string{p.TokenUser, p.Username, p.Email, p.FullName, p.FirstName, p.LastName, p.Verified.Path} {
		if text == "" {
			continue
		}
		if _, err := fieldpath.Parse(text); err != nil {
			t.Errorf("path %s %v", text, err)
		}
	}
	for _, rule := range slices.Concat(p.ErrorWhen, p.RefuseWhen) {
		if _, err := fieldpath.ParseRule(rule); err != nil {
			t.Errorf("rule %s %v", rule, err)
		}
	}
	for _, g := range p.Groups {
		if _, err := fieldpath.Parse(g.Path); err != nil {
			t.Errorf("groups %s %v", g.Path, err)
		}
		for _, text := range []string{g.Name, g.ID} {
			if _, err := fieldpath.ParseTemplate(text); err != nil {
				t.Errorf("template %s %v", text, err)
			}
		}
	}
}
