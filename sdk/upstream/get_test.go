package upstream_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/upstream"
)

func client(t *testing.T, limit int64) *http.Client {
	t.Helper()
	c, err := upstream.HTTPOptions{}.Client(sdk.Env{HTTPClient: plugin.HTTPClient}, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestGet(t *testing.T) {
	var followed bool
	var accept string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accept = r.Header.Get("Accept")
		switch r.URL.Path {
		case "/moved":
			w.Header().Set("Location", "/secret\xe4?token=hunter2")
			w.WriteHeader(http.StatusFound)
		case "/large":
			_, _ = w.Write(make([]byte, 1001))
		case "/cut":
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("x"))
		case "/good":
			w.Header().Set("Content-Type", "Application/JSON; charset=utf-8")
			w.Header().Set("Date", "Mon, 23 Nov 2026 12:00:00 GMT")
			_, _ = w.Write([]byte("{}"))
		default:
			followed = followed || strings.HasPrefix(r.URL.Path, "/secret")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	c := client(t, 1000)
	get := func(path string) (upstream.Answer, error) {
		return upstream.Get(t.Context(), c, server.URL+path, http.Header{"accept": {"application/json"}})
	}
	good, err := get("/good")
	if err != nil || string(good.Body) != "{}" || good.MediaType() != "application/json" || good.Status != 200 || accept != "application/json" {
		t.Errorf("%+v, %v, Accept: %s", good, err, accept)
	}
	if !good.Date().Equal(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)) || good.Redirect() != "" {
		t.Errorf("date %v, redirect %q", good.Date(), good.Redirect())
	}
	if kept := (upstream.Answer{Header: http.Header{"Date": good.Header["Date"], "Age": {"300"}}}); !kept.Date().IsZero() {
		t.Errorf("the date of an answer that a cache kept for 5 minutes: %v", kept.Date())
	}
	moved, err := get("/moved")
	if err != nil || followed || !strings.Contains(moved.Problem(), `redirects to "/secret`) || !strings.Contains(moved.Problem(), "302") {
		t.Errorf("%s, %v, followed: %v", moved.Problem(), err, followed)
	}
	if said := moved.Problem(); strings.Contains(said, "hunter2") || !upstream.IsPrintable(said) {
		t.Errorf("%q", said)
	}
	if down, err := get("/down"); err != nil || down.Problem() != "answers with status 503" || !(upstream.Answer{}).Date().IsZero() {
		t.Errorf("%s, %v", down.Problem(), err)
	}
	for _, path := range []string{"/large", "/cut"} {
		if _, err := get(path); err == nil {
			t.Errorf("%s is an answer", path)
		}
	}
	if _, err := upstream.Get(t.Context(), c, "http://idp.example/", nil); err == nil || !strings.Contains(err.Error(), "https") {
		t.Error(err)
	}
}

func TestFresh(t *testing.T) {
	for control, want := range map[string]time.Duration{
		"":                             time.Hour,
		"max-age=600":                  10 * time.Minute,
		`public, MAX-AGE="600"`:        10 * time.Minute,
		"max-age=1":                    time.Minute,
		"max-age=99999":                time.Hour,
		"max-age=-1":                   time.Hour,
		"max-age=99999999999999999999": time.Hour,
		"max-age=600, no-cache":        time.Minute,
		"no-store":                     time.Minute,
	} {
		a := upstream.Answer{Header: http.Header{"Cache-Control": {control}}}
		if got := a.Fresh(time.Minute, time.Hour); got != want {
			t.Errorf("%s: %v, want %v", control, got, want)
		}
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"plain": "plain", "a\r\nb": "a??b", "\x1b[31mü\x7f": "?[31m??", "\xff": "?",
		strings.Repeat("x", 200): strings.Repeat("x", 128) + "...",
	} {
		if got := upstream.Shown(text); got != want || upstream.IsPrintable(text) != (text == want || len(text) > 128) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := upstream.Quoted(strings.Repeat("x", 600)); len(got) != 515 {
		t.Errorf("%d bytes", len(got))
	}
	if got := upstream.ShownList(make([]string, 100)); len(got) != 16 {
		t.Errorf("%d elements", len(got))
	}
}

func TestParseEndpoint(t *testing.T) {
	for text, good := range map[string]bool{
		"https://idp.example/sso?a=b": true, "http://LOCALHOST:9/": true, "http://[::1]/": true,
		"https://idp.example/#": false, "https://idp.example/#a": false, "http://idp.example/": false, "ftp://idp.example/": false, "": false,
	} {
		if _, err := upstream.ParseEndpoint(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
