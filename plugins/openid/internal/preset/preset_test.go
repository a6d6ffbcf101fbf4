package preset

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRows checks that each preset has what an operator and the plugin need.
func TestRows(t *testing.T) {
	if !slices.IsSorted(Names()) {
		t.Errorf("not in order: %v", Names())
	}
	for _, p := range All() {
		t.Run(p.Name, func(t *testing.T) {
			if _, err := time.Parse(time.DateOnly, p.Dated); err != nil || p.Title == "" || p.Icon == "" {
				t.Errorf("dated %q, title %q, icon %q", p.Dated, p.Title, p.Icon)
			}
			if (p.Issuer == "") == (p.Example == "") {
				t.Error("a preset needs either an issuer or an example")
			}
			u, err := url.Parse(p.Issuer + p.Example)
			if err != nil || u.Scheme != "https" || u.RawQuery != "" {
				t.Errorf("issuer %s%s", p.Issuer, p.Example)
			}
			if p.Issuer == "" && !slices.ContainsFunc(p.Manual.Settings, func(line string) bool { return strings.HasPrefix(line, "AUTH_{X}_ISSUER_URL=") }) {
				t.Error("the example has no issuer")
			}
			if !slices.Contains(strings.Fields(p.Scope), "openid") {
				t.Errorf("scope %q", p.Scope)
			}
			if (p.LogoutPath == "") != (p.LogoutReturn == "") {
				t.Error("LogoutPath and LogoutReturn go together")
			}
			if m := p.Manual; len(m.Console) < 2 || m.Callback == "" || m.Restricted == "" || m.Email == "" || m.Groups == "" || m.Session == "" {
				t.Error("the manual has gaps")
			}
			if got, ok := Find(p.Name); !ok || got.Title != p.Title {
				t.Error("cannot be found")
			}
		})
	}
	if _, ok := Find("github"); ok {
		t.Error("github is not an OpenID provider")
	}
}
