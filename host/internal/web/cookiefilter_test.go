package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Cookies of other applications do no harm, and cost next to nothing.
func TestOtherCookies(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	state := b.begin("/auth/login/op")
	pair := func(c *http.Cookie) string { return c.Name + "=" + c.Value }
	var others []string
	for i := range 1000 {
		others = append(others, fmt.Sprintf("other%d=%q", i, "a"))
	}
	path := "/auth/login/op/callback?code=ada&state=" + state
	a := b.get(path, "Cookie", strings.Join(others, "; "))
	token := a.cookie("directus_session_token")
	if token == nil {
		t.Fatalf("the login: %s %s", a.Status, a.body)
	}
	for name, cookies := range map[string][]string{
		"before":           append(others[:len(others):len(others)], pair(token)),
		"after":            append([]string{pair(token)}, others...),
		"in several lines": {pair(token), "x=1"},
		"without a space":  {"x=1;" + pair(token) + ";y=2"},
		"beside odd ones":  {"", "=", "x", "directus_session_tokenx=1", pair(token)},
	} {
		var header []string
		if name != "in several lines" {
			cookies = []string{strings.Join(cookies, "; ")}
		}
		for _, line := range cookies {
			header = append(header, "Cookie", line)
		}
		if a := s.browser(t).get("/users/me", header...); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", name, a.Status, a.body)
		}
	}
	many := pair(token) + strings.Repeat(";a=", 2000)
	if a := s.browser(t).get("/users/me", "Cookie", many); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("more than any browser sends: %s %s", a.Status, a.body)
	}
}
