package admin

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
)

func TestAStoreThatIsNotAvailable(t *testing.T) {
	away := sso.StoreUnavailable(errors.New("connecting to 10.1.2.3"))
	for name, test := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"away":                     {fmt.Errorf("listing users: %w", away), 503, "SERVICE_UNAVAILABLE"},
		"nobody knows whether":     {fmt.Errorf("%w: %w", sso.ErrOutcomeUnknown, away), 500, "INTERNAL_SERVER_ERROR"},
		"not there, and then away": {errors.Join(sso.ErrNotFound, away), 404, "NOT_FOUND"},
	} {
		t.Run(name, func(t *testing.T) {
			logged := 0
			s := &server{log: func(string, ...any) { logged++ }}
			w := httptest.NewRecorder()
			s.refuse(w, httptest.NewRequest("GET", "/users", nil), test.err)
			body := w.Body.String()
			if w.Code != test.status || !strings.Contains(body, test.code) {
				t.Errorf("got %d %s, want %d %s", w.Code, body, test.status, test.code)
			}
			if test.status >= 500 && (logged != 1 || strings.Contains(body, "10.1.2.3")) {
				t.Errorf("logged %d times, and told %s", logged, body)
			}
		})
	}
}
