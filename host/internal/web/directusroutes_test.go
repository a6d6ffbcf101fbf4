package web_test

import (
	"net/http"
	"strings"
	"testing"
)

// People who point a Directus client to this host for something other than signing in learn
// what this host is.
func TestRoutesOfDirectusThatAreNotHere(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	b.signIn("op", "ada")
	for route, says := range map[string]string{
		"GET /items/articles": "does not have the collections, items", "SEARCH /items/articles": "does not have the collections, items", "POST /graphql": "does not have the collections, items", "POST /graphql/system": "does not have the collections, items",
		"GET /files": "does not have the collections, items", "GET /assets/6f1d3b64-64d3-4a43-8a0b-0c8f7a5e9a01": "does not have the collections, items", "GET /collections": "does not have the collections, items",
		"GET /server/specs/oas": "does not have the collections, items", "GET /websocket": "does not have the collections, items", "GET /settings": "does not have the collections, items", "POST /utils/cache/clear": "does not have the collections, items",
		"GET /users": "their own account", "GET /users/6f1d3b64-64d3-4a43-8a0b-0c8f7a5e9a01": "their own account", "DELETE /users": "their own account",
		"GET /roles": "their own account", "GET /permissions/me": "their own account", "GET /users/me/roles": "their own account", "GET /policies": "their own account",
		"POST /auth/password/request": "no passwords or second factors", "POST /auth/password/reset": "no passwords or second factors", "POST /users/me/tfa/generate": "no passwords or second factors", "POST /users/me/tfa/disable": "no passwords or second factors",
		"POST /users/invite": "no passwords or second factors", "POST /users/register": "no passwords or second factors", "POST /shares/auth": "no passwords or second factors", "POST /auth/login": "no passwords or second factors",
		"GET /admin": "not have a Data Studio", "GET /admin/content": "not have a Data Studio",
		"GET /nothing": "no page", "GET /itemsx": "no page", "GET /auth/login/none": "", "GET /auth/login/op/metadata": "no page",
	} {
		method, path, _ := strings.Cut(route, " ")
		a := b.do(method, path, nil)
		extensions := extensionsOf(t, a)
		if a.StatusCode != http.StatusNotFound || extensions["code"] != "ROUTE_NOT_FOUND" || extensions["path"] != path || !strings.Contains(messageOf(t, a), says) {
			t.Errorf("%s: %s %s", route, a.Status, a.body)
		}
		if isOurs := says == "" || says == "no page"; isOurs == (extensions["reason"] != nil) {
			t.Errorf("%s: reason %v", route, extensions["reason"])
		}
		if a := b.do(method, path, nil, "Accept", acceptHTML); a.StatusCode != http.StatusNotFound || !strings.Contains(a.Header.Get("Content-Type"), "text/html") || !strings.Contains(a.body, says) {
			t.Errorf("%s as a page: %s %s", route, a.Status, a.body)
		}
	}
}

func TestServerInfo(t *testing.T) {
	a := newSite(t, "").browser(t).get("/server/info")
	project, _ := a.data(t)["project"].(map[string]any)
	if project["public_registration"] != false || project["default_language"] != "en-US" || project["project_name"] == "" {
		t.Errorf("got %s", a.body)
	}
}

// The answers are the same as those of a login with that redirect.
func TestResolveRedirect(t *testing.T) {
	b := newSite(t, "https://sso.example.org").browser(t)
	for _, one := range []struct {
		redirect any
		provider string
		want     string // empty: refused
	}{
		{nil, "", "/"}, {"", "", "/"}, {"admin/x", "", "/admin/x"}, {"/a?b=c#d", "op", "/a?b=c#d"}, {"https://sso.example.org/any?x#y", "", "https://sso.example.org/any?x#y"},
		{"https://app.example/welcome?a=b", "op", "https://app.example/welcome?a=b"}, {"https://app.example/welcome", "", ""}, {"https://app.example/welcome", "none", ""},
		{"https://app.example/other", "op", ""}, {"//evil.example", "op", ""}, {`/\evil.example`, "", ""}, {"javascript:alert(1)", "op", ""}, {"myapp://cb", "", ""}, {1, "", ""}, {[]string{"/"}, "", ""},
		{"/" + strings.Repeat("a", 3000), "", ""},
	} {
		a := b.postJSON("/utils/resolve-redirect", map[string]any{"redirect": one.redirect, "provider": one.provider})
		switch {
		case one.want == "" && (a.StatusCode != http.StatusBadRequest || a.code(t) != "INVALID_PAYLOAD"):
			t.Errorf("%v at %q: %s %s", one.redirect, one.provider, a.Status, a.body)
		case one.want != "" && (a.StatusCode != http.StatusOK || strings.TrimSpace(a.body) != `{"data":"`+one.want+`"}`):
			t.Errorf("%v at %q: %s %s", one.redirect, one.provider, a.Status, a.body)
		}
	}
}
