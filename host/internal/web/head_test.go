package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// safe are the routes where HEAD is answered without doing what GET does: GET begins or
// ends something there.
var safe = map[string]bool{
	"/auth/login/:provider": true, "/auth/login/:provider/callback": true, "/auth/login/:provider/acs": true, "/auth/login/:provider/logout": true,
}

// HEAD is answered wherever GET is: like GET, without the body, or without doing anything.
func TestHeadOnEveryRoute(t *testing.T) {
	s := newSite(t, "")
	for _, route := range s.server.Routes() {
		if route.Method != http.MethodGet {
			continue
		}
		path := strings.NewReplacer(":provider", "op", ":name", "nothing.css").Replace(route.Path)
		for _, accept := range []string{acceptHTML, "application/json"} {
			b := s.browser(t)
			head := b.do(http.MethodHead, path, nil, "Accept", accept)
			if head.body != "" || head.StatusCode == http.StatusMethodNotAllowed {
				t.Errorf("HEAD %s: %s with %d bytes", path, head.Status, len(head.body))
			}
			if safe[route.Path] {
				if head.StatusCode != http.StatusOK || len(head.Cookies()) > 0 || head.Header.Get("Location") != "" {
					t.Errorf("HEAD %s: %s with cookies %v", path, head.Status, head.Cookies())
				}
				continue
			}
			get := b.do(http.MethodGet, path, nil, "Accept", accept)
			if head.StatusCode != get.StatusCode {
				t.Errorf("HEAD %s: %s, and GET %s", path, head.Status, get.Status)
			}
			for _, h := range []http.Header{head.Header, get.Header} {
				for _, own := range []string{"X-Request-Id", "Date", "Content-Length"} {
					h.Del(own)
				}
			}
			if diff := cmp.Diff(get.Header, head.Header); diff != "" {
				t.Errorf("headers of GET and HEAD %s: %s", path, diff)
			}
		}
	}
}

func TestHeadTellsWhatGetWouldRefuse(t *testing.T) {
	s := newSite(t, "")
	for path, want := range map[string]int{
		"/auth/login/op?redirect=//evil.example": http.StatusBadRequest,
		"/auth/login/op?mode=x":                  http.StatusBadRequest,
		"/auth/login/gone":                       http.StatusServiceUnavailable,
		"/auth/login/nobody":                     http.StatusNotFound,
		"/auth/login/nobody/callback":            http.StatusNotFound,
		"/auth/login/nobody/logout":              http.StatusNotFound,
	} {
		if a := s.browser(t).do(http.MethodHead, path, nil); a.StatusCode != want || a.body != "" {
			t.Errorf("%s: %s, want %d", path, a.Status, want)
		}
	}
}

// A scanner that sees the link of the callback before the browser opens it must not use it
// up.
func TestHeadDoesNotSpendACode(t *testing.T) {
	b := newSite(t, "").browser(t)
	callback := "/auth/login/op/callback?code=ada&state=" + b.begin("/auth/login/op")
	if a := b.do(http.MethodHead, callback, nil); a.StatusCode != http.StatusOK || len(a.Cookies()) > 0 {
		t.Errorf("HEAD: %s with %v", a.Status, a.Cookies())
	}
	if a := b.get(callback); a.cookie("directus_session_token") == nil {
		t.Errorf("the login after it: %s %s", a.Status, a.body)
	}
}
