package oauth2test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const testCallback = "http://127.0.0.1:1/callback"

func gitHubServer(t *testing.T, config Config) *Server {
	t.Helper()
	config.Kind, config.AutoApprove = GitHub, true
	config.Clients = []Client{{ID: "door", Secret: "the-secret-of-door", RedirectURIs: []string{testCallback}}}
	return Start(t, config)
}

// answered is a response whose body was read.
type answered struct {
	StatusCode int
	Header     http.Header
}

// do makes a request without following redirects.
func do(t *testing.T, method, target string, form url.Values, header ...string) (answered, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{resp.StatusCode, resp.Header}, string(body)
}

func authorizationURL(s *Server, params ...string) string {
	query := url.Values{"client_id": {"door"}, "redirect_uri": {testCallback}, "response_type": {"code"}, "state": {"S"}, "scope": {"read:user user:email read:org"}}
	for i := 0; i < len(params); i += 2 {
		query.Set(params[i], params[i+1])
	}
	return s.Base() + "/login/oauth/authorize?" + query.Encode()
}

func codeFor(t *testing.T, s *Server, login string) string {
	t.Helper()
	back, err := SignIn(t.Context(), authorizationURL(s), login)
	if err != nil {
		t.Fatal(err)
	}
	return back.URL.Query().Get("code")
}

func tokenFor(t *testing.T, s *Server, login string) string {
	t.Helper()
	_, body := do(t, http.MethodPost, s.Base()+"/login/oauth/access_token",
		url.Values{"client_id": {"door"}, "client_secret": {"the-secret-of-door"}, "code": {codeFor(t, s, login)}}, "Accept", "application/json")
	var got struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || !strings.HasPrefix(got.AccessToken, "gho_") {
		t.Fatalf("%v: %s", err, body)
	}
	return got.AccessToken
}

// TestGitHubAuthorization: the authorization endpoint behaves as GitHub's documentation
// says.
func TestGitHubAuthorization(t *testing.T) {
	s := gitHubServer(t, Config{})
	for name, test := range map[string]struct {
		params []string
		status int
		want   string // in Location or in the page
	}{
		"good":                      {nil, 302, testCallback + "?code="},
		"below the callback":        {[]string{"redirect_uri", testCallback + "/below"}, 302, testCallback + "/below?code="},
		"unknown client":            {[]string{"client_id", "x"}, 404, "no such application"},
		"wrong callback":            {[]string{"redirect_uri", "http://evil.example/"}, 302, testCallback + "?error=redirect_uri_mismatch"},
		"beside the callback":       {[]string{"redirect_uri", testCallback + "2"}, 302, testCallback + "?error=redirect_uri_mismatch"},
		"plain challenge":           {[]string{"code_challenge", "x", "code_challenge_method", "plain"}, 302, "error=invalid_request"},
		"other response type":       {[]string{"response_type", "token"}, 302, "error=invalid_request"},
		"state comes back as it is": {[]string{"state", "a b&c"}, 302, "state=a+b%26c"},
	} {
		resp, body := do(t, http.MethodGet, authorizationURL(s, test.params...), nil)
		if resp.StatusCode != test.status || !strings.Contains(resp.Header.Get("Location")+body, test.want) {
			t.Errorf("%s: %d %s %s", name, resp.StatusCode, resp.Header.Get("Location"), body)
		}
	}
}

func TestGitHubTokenEndpoint(t *testing.T) {
	s := gitHubServer(t, Config{})
	target := s.Base() + "/login/oauth/access_token"
	good := func() url.Values {
		return url.Values{"client_id": {"door"}, "client_secret": {"the-secret-of-door"}, "code": {codeFor(t, s, "alice")}, "redirect_uri": {testCallback}}
	}
	form := good()
	resp, body := do(t, http.MethodPost, target, form)
	if values, err := url.ParseQuery(body); err != nil || resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/x-www-form-urlencoded") ||
		values.Get("scope") != "read:user,user:email,read:org" || values.Get("token_type") != "bearer" || !strings.HasPrefix(values.Get("access_token"), "gho_") {
		t.Errorf("the default answer is a form: %d %s", resp.StatusCode, body)
	}
	for name, test := range map[string]struct {
		change func(url.Values)
		want   string
	}{
		"a code a second time":         {func(v url.Values) { v.Set("code", form.Get("code")) }, "bad_verification_code"},
		"wrong secret":                 {func(v url.Values) { v.Set("client_secret", "x") }, "incorrect_client_credentials"},
		"wrong callback":               {func(v url.Values) { v.Set("redirect_uri", "http://evil.example/") }, "redirect_uri_mismatch"},
		"verifier without a challenge": {func(v url.Values) { v.Set("code_verifier", "x") }, "bad_verification_code"},
	} {
		values := good()
		test.change(values)
		resp, body := do(t, http.MethodPost, target, values, "Accept", "application/json")
		if resp.StatusCode != 200 || !strings.Contains(body, `"error":"`+test.want+`"`) {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
	if s.Spent() != 2 {
		t.Errorf("the code was sent twice, Spent is %d", s.Spent())
	}
}

func TestGitHubAPI(t *testing.T) {
	people := DefaultPeople()
	for i := range 61 {
		people[0].Orgs[0].Teams = append(people[0].Orgs[0].Teams, Team{fmt.Sprint(1000 + i), fmt.Sprintf("t%d", i)})
	}
	s := gitHubServer(t, Config{People: people})
	token := tokenFor(t, s, "alice")
	agent := []string{"Authorization", "Bearer " + token, "User-Agent", "test"}
	resp, body := do(t, http.MethodGet, s.API()+"/user", nil, "Authorization", "Bearer "+token, "User-Agent", "")
	if resp.StatusCode != 403 || !strings.Contains(body, "User-Agent") {
		t.Errorf("without User-Agent: %d %s", resp.StatusCode, body)
	}
	resp, body = do(t, http.MethodGet, s.API()+"/user", nil, "Authorization", "Bearer x", "User-Agent", "test")
	if resp.StatusCode != 401 || !strings.Contains(body, "Bad credentials") {
		t.Errorf("with another token: %d %s", resp.StatusCode, body)
	}
	resp, body = do(t, http.MethodGet, s.API()+"/user", nil, agent...)
	if resp.StatusCode != 200 || !strings.Contains(body, `"email":null`) || !strings.Contains(body, `"id":4711`) || resp.Header.Get("X-OAuth-Scopes") == "" {
		t.Errorf("profile: %d %s", resp.StatusCode, body)
	}
	target, pages := s.API()+"/user/teams?per_page=30", 0
	for target != "" {
		resp, _ := do(t, http.MethodGet, target, nil, agent...)
		pages++
		target = ""
		for link := range strings.SplitSeq(resp.Header.Get("Link"), ", ") {
			if text, ok := strings.CutSuffix(link, `; rel="next"`); ok {
				target = strings.Trim(text, "<>")
			}
		}
	}
	if pages != 3 {
		t.Errorf("%d pages of 63 teams", pages)
	}
	resp, _ = do(t, http.MethodDelete, s.API()+"/applications/door/token", nil, "Authorization", "Bearer "+token)
	if resp.StatusCode != 401 {
		t.Errorf("revoking without the client's secret: %d", resp.StatusCode)
	}
	if s.Leaks() != nil {
		t.Errorf("leaks: %v", s.Leaks())
	}
	do(t, http.MethodGet, s.API()+"/user?access_token="+token, nil, agent...)
	if s.Leaks() == nil {
		t.Error("a token in a URL is not reported")
	}
}

// TestSignInPage: the page is shown once, and the next login uses the session.
func TestSignInPage(t *testing.T) {
	s := Start(t, Config{Kind: GitHub, Clients: []Client{{ID: "door", Secret: "x", RedirectURIs: []string{testCallback}}}})
	target := authorizationURL(s)
	resp, body := do(t, http.MethodGet, target, nil)
	if resp.StatusCode != 200 || !strings.Contains(body, `value="alice"`) {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	resp, _ = do(t, http.MethodPost, target, url.Values{"refuse": {"yes"}})
	if !strings.Contains(resp.Header.Get("Location"), "error=access_denied") {
		t.Errorf("refusing leads to %s", resp.Header.Get("Location"))
	}
	resp, _ = do(t, http.MethodPost, target, url.Values{"person": {"alice"}})
	cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	if !strings.Contains(resp.Header.Get("Location"), "code=") || cookie == "" {
		t.Fatalf("approving leads to %s", resp.Header.Get("Location"))
	}
	if resp, _ = do(t, http.MethodGet, target, nil, "Cookie", cookie); resp.StatusCode != 302 {
		t.Errorf("the second time: %d", resp.StatusCode)
	}
	if resp, _ = do(t, http.MethodGet, authorizationURL(s, "prompt", "select_account"), nil, "Cookie", cookie); resp.StatusCode != 200 {
		t.Errorf("with prompt=select_account: %d", resp.StatusCode)
	}
}

func TestBadConfigs(t *testing.T) {
	for name, config := range map[string]Config{
		"unknown kind":  {Kind: "nobody"},
		"no secret":     {Clients: []Client{{ID: "a"}}},
		"nobody's ID":   {People: []Person{{Login: "a"}}},
		"taken address": {Addr: "256.0.0.1:0"},
		"taken API":     {Kind: GitHub, APIAddr: "256.0.0.1:0"},
	} {
		if s, err := Listen(config); err == nil {
			t.Errorf("%s: accepted", name)
			_ = s.Close()
		}
	}
}
