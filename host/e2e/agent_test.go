package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// agent simulates a person with a browser without scripts. It stores cookies, follows
// redirects, and fills in the pages of providers.
type agent struct {
	t      *testing.T
	host   *testHost
	client *http.Client

	// login is the login name at the provider, consent whether the person consents.
	login   string
	consent bool

	// accept is the Accept header; the default is that of a browser.
	accept string

	// from is the client address that a proxy sends; if empty, none is sent.
	from string

	// hint is added to authentication requests as login_hint.
	hint string
}

func newAgent(t *testing.T, host *testHost, login string) *agent {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &agent{t: t, host: host, client: client, login: login, consent: true, accept: "text/html,application/xhtml+xml"}
}

// answer is a response with its body.
type answer struct {
	url    *url.URL
	status int
	header http.Header
	body   string
}

// location returns the target of a redirect, or nil for another response.
func (a answer) location() *url.URL {
	if a.status < 300 || a.status > 399 || a.header.Get("Location") == "" {
		return nil
	}
	target, err := a.url.Parse(a.header.Get("Location"))
	if err != nil {
		return nil
	}
	return target
}

// envelope is the JSON format of all responses of the host.
type envelope struct {
	Data struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		Expires      int64  `json:"expires"`

		Email              string `json:"email"`
		FirstName          string `json:"first_name"`
		LastName           string `json:"last_name"`
		Role               string `json:"role"`
		Provider           string `json:"provider"`
		ExternalIdentifier string `json:"external_identifier"`
	} `json:"data"`
	Errors []struct {
		Message    string `json:"message"`
		Extensions struct {
			Code string `json:"code"`
		} `json:"extensions"`
	} `json:"errors"`
}

func (a answer) json(t *testing.T) envelope {
	t.Helper()
	var e envelope
	if err := json.Unmarshal([]byte(a.body), &e); err != nil {
		t.Fatalf("%s answered %d with no JSON: %v\n%s", a.url.Path, a.status, err, a.body)
	}
	return e
}

// code returns the error code of a JSON response, or the reason of a redirect.
func (a answer) code(t *testing.T) string {
	t.Helper()
	if target := a.location(); target != nil {
		return target.Query().Get("reason")
	}
	if e := a.json(t); len(e.Errors) == 1 {
		return e.Errors[0].Extensions.Code
	}
	return ""
}

// maxSteps limits the steps of a login, to detect a redirect loop.
const maxSteps = 20

// signIn opens the URL of a login and follows it to its end.
func (a *agent) signIn(target string) answer {
	a.t.Helper()
	return a.goOn(a.get(target))
}

// goOn follows a response until the end: an error, data, or a redirect that is not the
// next step of the login or logout.
func (a *agent) goOn(got answer) answer {
	a.t.Helper()
	for range maxSteps {
		next, ok := a.next(got)
		if !ok {
			return got
		}
		got = next
	}
	a.t.Fatalf("the login or logout does not end, it is at %s", got.url)
	return answer{}
}

func (a *agent) next(got answer) (answer, bool) {
	a.t.Helper()
	if target := got.location(); target != nil {
		if !a.isStep(target) {
			return got, false
		}
		return a.get(a.withHint(target)), true
	}
	// Providers also send errors with forms that have other statuses.
	if a.isHost(got.url) && got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
		return got, false
	}
	forms, err := readForms(got.body)
	if err != nil {
		a.t.Fatalf("reading the page %s: %v", got.url, err)
	}
	for _, f := range forms {
		if values, ok := a.fillIn(f); ok {
			return a.post(got.url, f.action, values), true
		}
	}
	return got, false
}

// isStep reports whether the URL belongs to the login or the logout: a URL of a provider,
// or a URL of the host to which the provider redirects.
func (a *agent) isStep(target *url.URL) bool {
	return !a.isHost(target) || strings.HasSuffix(target.Path, "/callback") || strings.HasSuffix(target.Path, "/logout")
}

func (a *agent) isHost(target *url.URL) bool {
	home, err := url.Parse(a.host.URL)
	return err == nil && target.Scheme == home.Scheme && target.Host == home.Host
}

func (a *agent) withHint(target *url.URL) string {
	if a.hint != "" && target.Query().Has("code_challenge") {
		query := target.Query()
		query.Set("login_hint", a.hint)
		target.RawQuery = query.Encode()
	}
	return target.String()
}

// anyPassword is the password of all users at providers that require one.
const anyPassword = "any"

// fillIn fills in a form of a provider's page, or submits one that posts itself.
func (a *agent) fillIn(f form) (url.Values, bool) {
	switch {
	case f.id == "login":
		return url.Values{"login": {a.login}, "password": {anyPassword}}, true
	case f.id == "consent" && a.consent, f.id == "refuse" && !a.consent:
		return f.hidden, true
	case len(f.buttons["person"]) > 0 && a.consent:
		return url.Values{"person": {a.login}}, true
	case len(f.buttons["person"]) > 0:
		return url.Values{"refuse": {"yes"}}, true
	case len(f.buttons["user"]) > 0: // a SAML provider, which lists its users by number
		values := maps.Clone(f.hidden)
		values.Set("user", f.buttons["user"][0])
		return values, true
	case slices.Contains(f.asks, "username") && slices.Contains(f.asks, "password"):
		values := maps.Clone(f.hidden)
		values.Set("username", a.login)
		values.Set("password", anyPassword)
		return values, true
	case f.asksNothing():
		return f.hidden, true
	default:
		return nil, false
	}
}

func (a *agent) get(target string) answer {
	a.t.Helper()
	return a.do(http.MethodGet, target, nil, nil)
}

func (a *agent) post(page *url.URL, action string, values url.Values) answer {
	a.t.Helper()
	target, err := page.Parse(action)
	if err != nil {
		a.t.Fatalf("the form action %q: %v", action, err)
	}
	a.host.secrets.addParameters(values)
	header := http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {page.Scheme + "://" + page.Host},
	}
	return a.do(http.MethodPost, target.String(), strings.NewReader(values.Encode()), header)
}

// call sends a request to the host's API.
func (a *agent) call(method, path string, body any, header http.Header) answer {
	a.t.Helper()
	var reader io.Reader
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Accept", "application/json")
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			a.t.Fatal(err)
		}
		reader = bytes.NewReader(encoded)
		header.Set("Content-Type", "application/json")
	}
	return a.do(method, a.host.URL+path, reader, header)
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func (a *agent) do(method, target string, body io.Reader, header http.Header) answer {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, target, body)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Accept", a.accept)
	if a.from != "" {
		req.Header.Set("X-Forwarded-For", a.from)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	a.host.secrets.addParameters(req.URL.Query())
	resp, err := a.client.Do(req)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, req.URL.Path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, req.URL.Path, err)
	}
	got := answer{url: resp.Request.URL, status: resp.StatusCode, header: resp.Header, body: string(text)}
	a.noteSecrets(resp, got)
	return got
}

// noteSecrets records the tokens and cookies that the host sends.
func (a *agent) noteSecrets(resp *http.Response, got answer) {
	if !a.isHost(resp.Request.URL) {
		return
	}
	for _, cookie := range resp.Cookies() {
		a.host.secrets.add("cookie "+cookie.Name, cookie.Value)
	}
	var e envelope
	if json.Unmarshal([]byte(got.body), &e) == nil {
		a.host.secrets.add("access token", e.Data.AccessToken)
		a.host.secrets.add("refresh token", e.Data.RefreshToken)
	}
}

// cookie returns the value of a cookie that the browser would send to the host, or "".
func (a *agent) cookie(name string) string {
	a.t.Helper()
	home, err := url.Parse(a.host.URL)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, cookie := range a.client.Jar.Cookies(home) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// signedOut checks that no data of a login is left in the browser.
func (a *agent) signedOut() {
	a.t.Helper()
	for _, name := range []string{sessionCookie, refreshCookie} {
		if a.cookie(name) != "" {
			a.t.Errorf("the browser has the cookie %s", name)
		}
	}
}
