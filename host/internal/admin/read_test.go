package admin_test

import (
	"net/http"
	"strings"
	"testing"
)

// What two programs could read as two different things is refused.
func TestBodiesMeanOneThing(t *testing.T) {
	h := newHarness(t)
	for name, c := range map[string]struct {
		body   string
		member string
	}{
		"a name twice":          {`{"provider":"corp","subject":"a","subject":"b"}`, `"body"`},
		"a name in capitals":    {`{"provider":"corp","Subject":"a"}`, "Subject"},
		"no UTF-8":              {"{\"provider\":\"corp\",\"subject\":\"\xff\"}", `"body"`},
		"more behind it":        {`{"provider":"corp","subject":"a"}{}`, `"body"`},
		"a list":                {`[{"provider":"corp","subject":"a"}]`, `"body"`},
		"half of it":            {`{"provider":"corp","subject":"a"`, `"body"`},
		"nothing":               {``, `"body"`},
		"a text for an object":  {`"corp"`, `"body"`},
		"an object for a text":  {`{"provider":{"a":"b"},"subject":"a"}`, `"provider"`},
		"no JSON":               {`{provider:corp}`, `"body"`},
		"a path in the body":    {`{"user":"x","provider":"corp","subject":"a"}`, "user"},
		"a cursor in the body":  {`{"Cursor":"x","provider":"corp","subject":"a"}`, "Cursor"},
		"far too deep":          {`{"provider":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}`, ""},
		"a number, as no text":  {`{"provider":"corp","subject":1e400}`, `"subject"`},
		"a control character":   {"{\"provider\":\"corp\",\"subject\":\"a\\u0000\"}", `"subject"`},
		"names with odd spaces": {"{\"provider \":\"corp\",\"subject\":\"a\"}", "provider "},
	} {
		got := ask(t, h.operator, http.MethodPost, "/admin/users", c.body)
		if got.status != http.StatusBadRequest || !strings.Contains(string(got.body), c.member) {
			t.Errorf("%s: %d %s, want 400 about %s", name, got.status, got.body, c.member)
		}
	}
	for _, path := range []string{"/admin/users/%ff", "/admin/users?email=%ff", "/admin/users?email=a;b=c", "/admin/users?email=%zz"} {
		if got := ask(t, h.operator, http.MethodGet, path, nil); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s, want 400", path, got.status, got.body)
		}
	}
	for _, path := range []string{"/admin/users/%00", "/admin/users/..%2fkeys", "/admin/users/x'%20OR%201=1--"} {
		if got := ask(t, h.operator, http.MethodGet, path, nil); got.status != http.StatusNotFound {
			t.Errorf("%s: %d %s, want 404", path, got.status, got.body)
		}
	}
}
