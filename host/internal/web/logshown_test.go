package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// nowhere implements sso.Providers without providers.
type nowhere struct{}

func (nowhere) List() []sso.Provider                 { return nil }
func (nowhere) Provider(string) (sso.Provider, bool) { return sso.Provider{}, false }
func (nowhere) Available(string) error               { return sdk.ErrUnavailable }

func (nowhere) Mechanism(context.Context, string, sso.Line) (sdk.Mechanism, func(), error) {
	return nil, nil, sdk.ErrUnavailable
}

// loggingTo makes a server with that log.
func loggingTo(t *testing.T, out *strings.Builder, level hclog.Level) *Server {
	t.Helper()
	logins, err := sso.New(sso.Config{Secret: make([]byte, sso.MinSecret), Clock: sso.SystemClock()}, sso.Ports{Providers: nowhere{}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{
		PublicURL: &url.URL{Scheme: "http", Host: "localhost"}, Logger: hclog.New(&hclog.LoggerOptions{Level: level, Output: out}),
	}, Ports{Logins: logins})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asked is a request of a browser, or of a program.
func asked(t *testing.T, s *Server, accept, from string) (echo.Context, *httptest.ResponseRecorder) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/somewhere", nil)
	req.Header.Set("Accept", accept)
	req.RemoteAddr = from + ":1234"
	recorder := httptest.NewRecorder()
	c := s.echo.NewContext(req, recorder)
	if err := s.identifyRequest(func(echo.Context) error { return nil })(c); err != nil {
		t.Fatal(err)
	}
	return c, recorder
}

var reference = regexp.MustCompile(`<code>([0-9a-f]{16})</code>`)

func referenceOn(page string) string {
	if m := reference.FindStringSubmatch(page); m != nil {
		return m[1]
	}
	return ""
}

// The reference on a page is found in the log at the default level, with what happened.
func TestReferencesOfPagesAreInTheLog(t *testing.T) {
	failures := map[string]error{"a panic": errPanic, "anything else": fmt.Errorf("disk is full")}
	for _, row := range answers {
		failures["as "+row.err.Error()] = fmt.Errorf("a wrapped %w", row.err)
	}
	for reason := range deniedMessages {
		failures["denied for "+string(reason)] = sdk.Denied(reason, "denied for %s", reason)
	}
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusTeapot} {
		failures[fmt.Sprint("status ", status)] = echo.NewHTTPError(status)
	}
	failures["a body that is too large"] = &http.MaxBytesError{Limit: 1}
	tell := map[string]func(s *Server, c echo.Context, err error) error{
		"a request": func(s *Server, c echo.Context, err error) error { s.answerError(err, c); return nil },
		"a sign-in": func(s *Server, c echo.Context, err error) error {
			return s.refuseLogin(c, sso.Attempt{Provider: "op"}, err)
		},
	}
	for what, answer := range tell {
		var out strings.Builder
		s := loggingTo(t, &out, hclog.Info)
		for name, failure := range failures {
			out.Reset()
			c, page := asked(t, s, "text/html", "192.0.2.1")
			if err := answer(s, c, failure); err != nil {
				t.Fatal(err)
			}
			id := referenceOn(page.Body.String())
			if id == "" || id != page.Header().Get(requestIDHeader) {
				t.Errorf("%s, %s: no reference on the page", what, name)
			}
			if log := out.String(); strings.Count(log, "\n") != 1 && name != "a panic" || !strings.Contains(log, id) || !strings.Contains(log, oneLine(failure)) {
				t.Errorf("%s, %s: the log is %q", what, name, log)
			}
		}
	}
}

func TestErrorsOfProgramsAreDebug(t *testing.T) {
	var out strings.Builder
	s := loggingTo(t, &out, hclog.Info)
	for _, row := range answers {
		out.Reset()
		c, _ := asked(t, s, "application/json", "192.0.2.1")
		s.answerError(row.err, c)
		if logged := out.Len() > 0; logged != isOurFault(row.answer, row.err) {
			t.Errorf("%v: the log is %q", row.err, out.String())
		}
	}
}

// A flood writes few lines, displaces no line of another page, and no page shows a
// reference that is not in the log.
func TestFloodOfErrorPages(t *testing.T) {
	var out strings.Builder
	s := loggingTo(t, &out, hclog.Info)
	show := func(err error, from string) {
		t.Helper()
		c, page := asked(t, s, "text/html", from)
		s.answerError(err, c)
		id := referenceOn(page.Body.String())
		if logged := strings.Contains(out.String(), page.Header().Get(requestIDHeader)); logged != (id != "") {
			t.Fatalf("logged: %v, reference on the page: %q", logged, id)
		}
	}
	for range 1000 {
		show(echo.ErrNotFound, "192.0.2.1")
	}
	if n := out.Len(); n > 4<<10 {
		t.Errorf("%d bytes of log", n)
	}
	before := strings.Count(out.String(), "\n")
	show(echo.ErrNotFound, "192.0.2.2")
	show(errCrossSite, "192.0.2.1")
	if n := strings.Count(out.String(), "\n"); n != before+2 {
		t.Errorf("%d lines after the flood, want 2", n-before)
	}
}

// If the log level is higher than the default, there is no reference.
func TestNoReferenceWithoutALine(t *testing.T) {
	var out strings.Builder
	s := loggingTo(t, &out, hclog.Error)
	c, page := asked(t, s, "text/html", "192.0.2.1")
	s.answerError(echo.ErrNotFound, c)
	if referenceOn(page.Body.String()) != "" || out.Len() > 0 {
		t.Errorf("the page has a reference: %s, %s", page.Body, &out)
	}
	c, page = asked(t, s, "text/html", "192.0.2.1")
	s.answerError(errPanic, c)
	if id := referenceOn(page.Body.String()); id == "" || !strings.Contains(out.String(), id) {
		t.Errorf("an error without its reference: %s, %s", page.Body, &out)
	}
}
