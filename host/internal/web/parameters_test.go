package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// Each value of a parameter costs as much as a separate parameter, wherever a query or a
// form is read.
func TestValuesAreCounted(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	some, many := strings.Repeat("&a=b", 30), strings.Repeat("&a", 100)
	for _, path := range []string{"/login", "/auth", "/auth/login/op", "/auth/login/op/callback", "/auth/login/op/acs", "/auth/login/op/logout"} {
		a := b.get(path + "?state=x" + many)
		if a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "too many parameters") {
			t.Errorf("GET %s: %s %s", path, a.Status, a.body)
		}
	}
	for _, path := range []string{"/auth/login/op/callback", "/auth/login/op/acs", "/auth/login/op/logout", "/auth/refresh", "/auth/logout", "/auth/login/dir"} {
		post := func(query, form string) answer {
			return b.do(http.MethodPost, path+"?"+query, strings.NewReader("state=x"+form), "Content-Type", "application/x-www-form-urlencoded")
		}
		if a := post("", many); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "too many parameters") {
			t.Errorf("POST %s: %s %s", path, a.Status, a.body)
		}
		a := post(some[1:]+some, some+some)
		if strings.Contains(path, "/op/") != strings.Contains(a.body, "too many parameters") {
			t.Errorf("POST %s, query and form together: %s %s", path, a.Status, a.body)
		}
		if a := post("", some); strings.Contains(a.body, "too many parameters") {
			t.Errorf("POST %s with few: %s %s", path, a.Status, a.body)
		}
	}
}

// sized is a directory with one provider whose mechanism accepts that many bytes.
func sized(limit int64) directory {
	d := directory{mechanisms: map[string]sdk.Mechanism{"op": redirecting{}}}
	d.list = []sso.Provider{{Name: "op", Mode: sso.ModeSession, LoginTimeout: sso.MaxLoginTimeout, MaxInbound: limit}}
	return d
}

func TestInboundIsBoundedByTheMechanism(t *testing.T) {
	for name, tt := range map[string]struct{ described, limit int }{
		"default":        {0, sdk.DefaultInbound},
		"more":           {100_000, 100_000},
		"less":           {100, 100},
		"beyond the cap": {1 << 30, sdk.MaxInbound},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSiteWith(t, "", sized(int64(tt.described)))
			b := s.browser(t)
			for _, path := range []string{"/auth/login/op/callback", "/auth/login/op/acs", "/auth/login/op/logout"} {
				body := "x=" + strings.Repeat("a", tt.limit-2)
				for _, chunked := range []bool{false, true} {
					post := func(body string) answer {
						reader := strings.NewReader(body)
						if chunked {
							return b.do(http.MethodPost, path, struct{ *onlyReader }{&onlyReader{reader}}, "Content-Type", "application/x-www-form-urlencoded")
						}
						return b.do(http.MethodPost, path, reader, "Content-Type", "application/x-www-form-urlencoded")
					}
					if a := post(body); a.StatusCode == http.StatusRequestEntityTooLarge {
						t.Errorf("%s, %d bytes, chunked %v: %s", path, len(body), chunked, a.Status)
					}
					if a := post(body + "a"); a.StatusCode != http.StatusRequestEntityTooLarge {
						t.Errorf("%s, %d bytes, chunked %v: %s", path, len(body)+1, chunked, a.Status)
					}
				}
			}
			if tt.limit <= 20_000 {
				query := "x=" + strings.Repeat("a", tt.limit-1)
				if a := b.get("/auth/login/op/callback?" + query); !strings.Contains(a.body, "query is too long") {
					t.Errorf("a query of %d bytes: %s %s", len(query), a.Status, a.body)
				}
			}
		})
	}
}

// onlyReader hides the length of what it reads from.
type onlyReader struct{ *strings.Reader }

func (r onlyReader) Len() {}

func TestLongQueriesAreNotParsed(t *testing.T) {
	b := newSite(t, "").browser(t)
	query := "redirect=" + url.QueryEscape(strings.Repeat("/", 17<<10/3))
	for _, path := range []string{"/login", "/auth", "/auth/login/op"} {
		if a := b.get(path + "?" + query); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "query is too long") {
			t.Errorf("%s: %s %s", path, a.Status, a.body)
		}
	}
}

// When there is no room for large bodies, small ones get through.
func TestNoRoomForLargeBodies(t *testing.T) {
	s := newSiteWith(t, "", sized(100_000))
	s.server.FillWaitingRoom()
	b := s.browser(t)
	a := b.postForm("/auth/login/op/acs", url.Values{"state": {"x"}, "SAMLResponse": {strings.Repeat("a", 50_000)}})
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "5" || a.code(t) != "SERVICE_UNAVAILABLE" {
		t.Errorf("a large one: %s %v %s", a.Status, a.Header, a.body)
	}
	if a := b.postForm("/auth/login/op/acs", url.Values{"state": {"x"}, "code": {"ada"}}); !strings.Contains(a.body, "doorward_reposted") {
		t.Errorf("a small one: %s %s", a.Status, a.body)
	}
}
