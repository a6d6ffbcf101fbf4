package plugintest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

const callback = "http://localhost:8055/auth/login/test/callback"

// TestBrowser signs in with a provider that requires its cookie, shows a form, and answers with
// a page that posts itself.
func TestBrowser(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		http.Redirect(w, r, "login?state="+r.FormValue("state"), http.StatusFound)
	})
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("session"); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, `<form method=post><input name=user><input type=hidden name=state value="`+r.FormValue("state")+`"></form><form><input name=user value=x></form>`)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `<body onload=submit()><form method=POST action="`+callback+`?x=1"><input name=who value="`+r.PostFormValue("user")+`"><input name=state value="`+r.PostFormValue("state")+`"></form>`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for _, step := range []sdk.Step{
		sdk.Redirect{URL: server.URL + "/authorize?state=s1"},
		sdk.FormPost{URL: server.URL + "/authorize", Fields: []sdk.FormField{{Name: "state", Value: "s1"}}},
	} {
		browser := plugintest.NewBrowser(t)
		browser.Answers = map[string]string{"user": "alice", "nobody": "asked"}
		in := browser.Take(step, callback)
		if in.Method != "POST" || in.Query.Get("x") != "1" || len(in.Form) != 2 || in.Form.Get("who") != "alice" || in.Form.Get("state") != "s1" {
			t.Errorf("%+v", in)
		}
	}
}

func TestClockStandsStill(t *testing.T) {
	clock := plugintest.NewClock()
	before := clock.Now()
	clock.Advance(time.Hour)
	if got := clock.Now().Sub(before); got != time.Hour || !clock.Now().Equal(clock.Now()) {
		t.Errorf("it went on by %v", got)
	}
}

func TestRecorder(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "answer to "+r.URL.Path) }))
	t.Cleanup(server.Close)
	recorder := &plugintest.Recorder{Next: &http.Transport{}}
	client := &http.Client{Transport: recorder}
	t.Cleanup(client.CloseIdleConnections)
	for _, path := range []string{"/a", "/b"} {
		resp, err := client.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "answer to "+path {
			t.Errorf("%q %v", body, err)
		}
		resp.Body.Close()
	}
	if got := strings.Join(recorder.Bodies(), "|"); got != "answer to /a|answer to /b" {
		t.Errorf("recorded %q", got)
	}
}

func TestBuild(t *testing.T) {
	binary := plugintest.Build(t, "../internal/magic")
	output, err := exec.CommandContext(t.Context(), binary, "--help").CombinedOutput()
	if err != nil || !strings.Contains(string(output), "magic") {
		t.Errorf("%v: %s", err, output)
	}
}
