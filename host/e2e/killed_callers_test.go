package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

const killedCallers = 8

// diary records the requests of the clients of a killed host, and the responses.
type diary struct {
	mu        sync.Mutex
	entries   []*entry
	newcomers int64
	answers   int
	answered  chan struct{} // closed by the response number waitFor
	waitFor   int
}

// entry is one login and the state of its session. Only its caller writes to it, until all
// callers have ended.
type entry struct {
	id       string // the User-Agent of the session
	subject  string
	newcomer bool // the first login of the subject
	mode     string
	state    string
	callback string
	cookies  http.Header // of the attempt, and of the previous session of the browser

	answered   bool     // whether there was a response to the login
	tokens     []string // from responses; the last is the current one
	access     string   // in mode json
	refreshing bool     // a request to replace the last token had no response
	leaving    bool     // there was a request to end the session
	left       bool     // and a response to it

	by *entry // the login that replaced this session in the browser
}

// caller is one client.
type caller struct {
	t       *testing.T
	site    *killedSite
	journal *diary
	number  int
	held    *entry // the entry whose cookie the browser has
}

// press makes all callers sign in until they get no more responses, and calls kill after this
// number of responses.
func (j *diary) press(t *testing.T, s *killedSite, answers int, kill func()) {
	j.answers, j.waitFor, j.answered = 0, answers, make(chan struct{})
	var group sync.WaitGroup
	ended := make(chan struct{})
	for number := range killedCallers {
		group.Go(func() { (&caller{t: t, site: s, journal: j, number: number}).run() })
	}
	go func() { group.Wait(); close(ended) }()
	select {
	case <-j.answered:
		kill()
	case <-ended:
		t.Error("the callers ended before anything was killed")
	}
	<-ended
}

func (j *diary) wasAnswered() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.answers++; j.answers == j.waitFor {
		close(j.answered)
	}
}

// begin creates an entry. Every other login is the first login of a user.
func (j *diary) begin(c *caller) *entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := len(j.entries)
	e := &entry{id: fmt.Sprintf("journal/%d", n), subject: regular(c.number), mode: []string{"json", "session"}[c.number%2]}
	if rand.N(2) == 0 && j.newcomers < killedPeople { //nolint:gosec // nothing to guess
		e.subject, e.newcomer = newcomer(j.newcomers), true
		j.newcomers++
	}
	j.entries = append(j.entries, e)
	return e
}

func (c *caller) run() {
	for {
		e := c.journal.begin(c)
		if !c.site.start(c.t.Context(), e) || !c.signIn(e) {
			return
		}
		for range rand.N(3) { //nolint:gosec // nothing to guess
			if !c.refresh(e) {
				return
			}
		}
		switch rand.N(3) { //nolint:gosec // nothing to guess
		case 0:
			if !c.leave(e) {
				return
			}
		case 1:
			if e.mode == "session" {
				c.held = e
			}
		}
	}
}

// start signs in at the provider, and returns the callback.
func (s *killedSite) start(ctx context.Context, e *entry) bool {
	got, ok := s.ask(ctx, http.MethodGet, s.URL+"/auth/login/fake?mode="+e.mode, nil, nil)
	if !ok || got.status >= 400 {
		return false
	}
	back, err := openidtest.SignIn(ctx, got.header.Get("Location"), e.subject)
	if err != nil {
		return false
	}
	e.callback, e.state, e.cookies = back.URL.String(), back.URL.Query().Get("state"), http.Header{}
	for _, cookie := range (&http.Response{Header: got.header}).Cookies() {
		e.cookies.Add("Cookie", cookie.Name+"="+cookie.Value)
	}
	return true
}

func (c *caller) signIn(e *entry) bool {
	if held := c.held; held != nil {
		e.cookies.Add("Cookie", sessionCookie+"="+held.token())
		held.by, c.held = e, nil
	}
	got, ok := c.site.come(c.t.Context(), e)
	if !c.wantAnswer("a login", got, ok, http.StatusOK, http.StatusSeeOther, http.StatusFound) {
		return false
	}
	e.answered = true
	e.keep(got)
	return e.token() != ""
}

// come sends the callback.
func (s *killedSite) come(ctx context.Context, e *entry) (answer, bool) {
	header := e.cookies.Clone()
	header.Set("User-Agent", e.id)
	return s.ask(ctx, http.MethodGet, e.callback, nil, header)
}

func (c *caller) refresh(e *entry) bool {
	e.refreshing = true
	got, ok := c.site.refresh(c.t.Context(), e, e.token())
	if !c.wantAnswer("a refresh", got, ok, http.StatusOK) {
		return false
	}
	e.refreshing = false
	e.keep(got)
	return true
}

func (c *caller) leave(e *entry) bool {
	e.leaving = true
	got, ok := c.site.bring(c.t.Context(), http.MethodPost, "/auth/logout", e, e.token())
	if !c.wantAnswer("a logout", got, ok, http.StatusNoContent) {
		return false
	}
	e.left = true
	return true
}

// wantAnswer reports whether a request was successful. A host without its database can respond
// with an error, and a killed host does not respond. A response must never say that a user is not
// signed in.
func (c *caller) wantAnswer(what string, got answer, ok bool, statuses ...int) bool {
	if !ok || got.status >= 500 {
		return false
	}
	for _, status := range statuses {
		if got.status == status {
			c.journal.wasAnswered()
			return true
		}
	}
	c.t.Errorf("%s: %d %.300s", what, got.status, got.body)
	return false
}

func (e *entry) token() string {
	if len(e.tokens) == 0 {
		return ""
	}
	return e.tokens[len(e.tokens)-1]
}

// keep records the tokens of a response.
func (e *entry) keep(got answer) {
	token, access := tokensIn(e.mode, got)
	e.tokens, e.access = append(e.tokens, token), access
}

func tokensIn(mode string, got answer) (token, access string) {
	if mode == "json" {
		var body envelope
		_ = json.Unmarshal([]byte(got.body), &body) // without tokens, the login has failed
		return body.Data.RefreshToken, body.Data.AccessToken
	}
	for _, cookie := range (&http.Response{Header: got.header}).Cookies() {
		if cookie.Name == sessionCookie {
			return cookie.Value, ""
		}
	}
	return "", ""
}

func (s *killedSite) refresh(ctx context.Context, e *entry, token string) (answer, bool) {
	return s.bring(ctx, http.MethodPost, "/auth/refresh", e, token)
}

// bring sends a request with a token of the session, in its mode.
func (s *killedSite) bring(ctx context.Context, method, path string, e *entry, token string) (answer, bool) {
	header, body := http.Header{}, map[string]string{"mode": e.mode}
	if e.mode == "json" {
		body["refresh_token"] = token
	} else {
		header.Set("Cookie", sessionCookie+"="+token)
	}
	return s.ask(ctx, method, s.URL+path, body, header)
}

// ask reports whether there was a complete response.
func (s *killedSite) ask(ctx context.Context, method, target string, body map[string]string, header http.Header) (answer, bool) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer{}, false
		}
		reader = strings.NewReader(string(text))
	}
	req, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return answer{}, false
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, false
	}
	u, _ := url.Parse(target)
	return answer{url: u, status: resp.StatusCode, header: resp.Header, body: string(text)}, true
}
