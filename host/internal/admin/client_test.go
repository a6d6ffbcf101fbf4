package admin_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/doorward/doorward/host/internal/admin"
	"github.com/doorward/doorward/host/internal/people"
)

// Whatever the name, the client asks for exactly that name: dots stand
// for folders in a path.
func TestNamesInPaths(t *testing.T) {
	h := newHarness(t)
	server := httptest.NewServer(h.operator)
	t.Cleanup(server.Close)
	overHTTP := func(req *http.Request) (*http.Response, error) {
		req.URL.Host = server.Listener.Addr().String()
		return server.Client().Do(req)
	}
	inProcess := admin.NewClient(admin.InProcess(h.operator)) //nolint:bodyclose // the client closes
	for where, client := range map[string]*admin.Client{"in process": inProcess, "over HTTP": admin.NewClient(overHTTP)} {
		for _, name := range []string{".", "..", "...", "a/b", "a?b#c", "%2E%2E", "a b+c", "../keys", "{role}", "ä"} {
			if _, err := client.Call(t.Context(), "addRole", people.AddRole{Name: name}); err != nil {
				t.Errorf("%s: adding %q: %v", where, name, err)
			}
			if _, err := client.Call(t.Context(), "removeRole", people.RemoveRole{OneRole: people.OneRole{Role: name}}); err != nil {
				t.Errorf("%s: removing %q: %v", where, name, err)
			}
		}
	}
}
