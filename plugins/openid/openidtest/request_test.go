package openidtest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

func TestAuthenticationRequest(t *testing.T) {
	op := start(t, door())
	tests := []struct {
		name   string
		change func(url.Values)
		want   string // the error that the client gets, or "page" if it must get none
	}{
		{"good", func(url.Values) {}, ""},
		{"client unknown", func(q url.Values) { q.Set("client_id", "window") }, "page"},
		{"client missing", func(q url.Values) { q.Del("client_id") }, "page"},
		{"client twice", func(q url.Values) { q.Add("client_id", "door") }, "page"},
		{"redirect_uri missing", func(q url.Values) { q.Del("redirect_uri") }, "page"},
		{"redirect_uri longer", func(q url.Values) { q.Set("redirect_uri", callbackURL+"/") }, "page"},
		{"redirect_uri other case", func(q url.Values) { q.Set("redirect_uri", strings.ToUpper(callbackURL)) }, "page"},
		{"redirect_uri other port", func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1:10/callback") }, "page"},
		{"redirect_uri twice", func(q url.Values) { q.Add("redirect_uri", callbackURL) }, "page"},
		{"state twice", func(q url.Values) { q.Add("state", "x") }, "invalid_request"},
		{"implicit", func(q url.Values) { q.Set("response_type", "id_token") }, "unsupported_response_type"},
		{"scope without openid", func(q url.Values) { q.Set("scope", "profile") }, "invalid_scope"},
		{"fragment asked for", func(q url.Values) { q.Set("response_mode", "fragment") }, "invalid_request"},
		{"no PKCE", func(q url.Values) { q.Del("code_challenge"); q.Del("code_challenge_method") }, "invalid_request"},
		{"PKCE plain", func(q url.Values) { q.Set("code_challenge_method", "plain") }, "invalid_request"},
		{"PKCE without method", func(q url.Values) { q.Del("code_challenge_method") }, "invalid_request"},
		{"challenge padded", func(q url.Values) { q.Set("code_challenge", q.Get("code_challenge")+"=") }, "invalid_request"},
		{"challenge short", func(q url.Values) { q.Set("code_challenge", "abc") }, "invalid_request"},
		{"prompt none with login", func(q url.Values) { q.Set("prompt", "none login") }, "invalid_request"},
		{"prompt none for a stranger", func(q url.Values) { q.Set("prompt", "none"); q.Set("login_hint", "zoe") }, "login_required"},
		{"max_age no number", func(q url.Values) { q.Set("max_age", "soon") }, "invalid_request"},
		{"request object", func(q url.Values) { q.Set("request", "e30.e30.") }, "request_not_supported"},
		{"request object by reference", func(q url.Values) { q.Set("request_uri", "https://x.example") }, "request_uri_not_supported"},
		{"misbehaviour unknown", func(q url.Values) { q.Set("login_hint", "alice+spells") }, "page"},
		{"misbehaviour of everybody", func(q url.Values) { q.Set("login_hint", "alice+discovery-html") }, "page"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFlow(t, op, door(), "")
			target, query, _ := strings.Cut(f.authorizationURL(), "?")
			values, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			test.change(values)
			f.back, err = openidtest.SignIn(t.Context(), target+"?"+values.Encode(), "")
			if (err != nil) != (test.want == "page") {
				t.Fatalf("callback %v, error %v", f.back, err)
			}
			if err != nil {
				return
			}
			if got := f.response().Get("error"); got != test.want {
				t.Errorf("error %q, want %q", got, test.want)
			}
			if got := f.response().Get("iss"); got != op.Issuer() {
				t.Errorf("iss %q: an error response has it, too", got)
			}
		})
	}
}

func TestTokenRequest(t *testing.T) {
	other := openidtest.Client{ID: "other", Secret: "x", RedirectURIs: []string{callbackURL}}
	post := openidtest.Client{ID: "post", Secret: "x", RedirectURIs: []string{callbackURL}, TokenEndpointAuthMethod: openidtest.ClientSecretPost}
	op := start(t, door(), other, post)
	tests := []struct {
		name   string
		owner  openidtest.Client
		change func(f *flow, form url.Values)
		want   string
	}{
		{"good", door(), func(*flow, url.Values) {}, ""},
		{"good post", post, func(*flow, url.Values) {}, ""},
		{"post of a basic client", door(), func(f *flow, _ url.Values) { f.client.TokenEndpointAuthMethod = openidtest.ClientSecretPost }, "invalid_client"},
		{"basic of a post client", post, func(f *flow, _ url.Values) { f.client.TokenEndpointAuthMethod = "" }, "invalid_client"},
		{"both", door(), func(f *flow, form url.Values) { form.Set("client_secret", f.client.Secret) }, "invalid_client"},
		{"no secret", door(), func(f *flow, _ url.Values) { f.client.TokenEndpointAuthMethod = openidtest.PublicClient }, "invalid_client"},
		{"wrong secret", door(), func(f *flow, _ url.Values) { f.client.Secret = "guess" }, "invalid_client"},
		{"unknown client", door(), func(f *flow, _ url.Values) { f.client.ID = "window" }, "invalid_client"},
		{"another client's code", door(), func(f *flow, _ url.Values) { f.client = other }, "invalid_grant"},
		{"no verifier", door(), func(_ *flow, form url.Values) { form.Del("code_verifier") }, "invalid_grant"},
		{"wrong verifier", door(), func(f *flow, form url.Values) { form.Set("code_verifier", f.nonce+f.nonce) }, "invalid_grant"},
		{"no redirect_uri", door(), func(_ *flow, form url.Values) { form.Del("redirect_uri") }, "invalid_grant"},
		{"other redirect_uri", door(), func(_ *flow, form url.Values) { form.Set("redirect_uri", callbackURL+"/") }, "invalid_grant"},
		{"no code", door(), func(_ *flow, form url.Values) { form.Del("code") }, "invalid_grant"},
		{"code as refresh token", door(), func(_ *flow, form url.Values) {
			form.Set("grant_type", "refresh_token")
			form.Set("refresh_token", form.Get("code"))
		}, "invalid_grant"},
		{"code twice", door(), func(_ *flow, form url.Values) { form.Add("code", "x") }, "invalid_request"},
		{"password grant", door(), func(_ *flow, form url.Values) { form.Set("grant_type", "password") }, "unsupported_grant_type"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFlow(t, op, test.owner, "")
			form := url.Values{
				"grant_type": {"authorization_code"}, "code": {f.response().Get("code")},
				"redirect_uri": {callbackURL}, "code_verifier": {f.verifier},
			}
			test.change(f, form)
			got := f.post(form)
			if code, _ := got.object()["error"].(string); code != test.want {
				t.Errorf("error %q, want %q", code, test.want)
			}
			if (got.status == http.StatusUnauthorized) != (test.want == "invalid_client") {
				t.Errorf("status %d", got.status)
			}
			if got.header.Get("Cache-Control") != "no-store" {
				t.Error("the answer may be cached")
			}
		})
	}
}

func TestTokenRequestIsAFormPost(t *testing.T) {
	op := start(t, door())
	for _, test := range []struct {
		method, contentType string
		want                int
	}{
		{http.MethodGet, "", http.StatusMethodNotAllowed},
		{http.MethodPost, "application/json", http.StatusBadRequest},
		{http.MethodPost, "", http.StatusBadRequest},
	} {
		req, err := http.NewRequest(test.method, op.Issuer()+"/token", strings.NewReader("grant_type=authorization_code"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", test.contentType)
		if got := newFlow(t, op, door(), "").do(req).status; got != test.want {
			t.Errorf("%s %q: status %d, want %d", test.method, test.contentType, got, test.want)
		}
	}
}

func TestCodeReuseRevokes(t *testing.T) {
	op := start(t, door())
	f := newFlow(t, op, door(), "")
	if got := f.get("/userinfo", f.accessToken()).status; got != http.StatusOK {
		t.Fatalf("UserInfo has status %d", got)
	}
	again := f.post(url.Values{
		"grant_type": {"authorization_code"}, "code": {f.response().Get("code")},
		"redirect_uri": {callbackURL}, "code_verifier": {f.verifier},
	})
	if got := again.object()["error"]; got != "invalid_grant" {
		t.Errorf("second use of the code: error %v", got)
	}
	if got := f.get("/userinfo", f.accessToken()).status; got != http.StatusUnauthorized {
		t.Errorf("after it UserInfo has status %d", got)
	}
	if got := op.Hits(openidtest.TokenEndpoint); got != 2 {
		t.Errorf("Hits(token) = %d, want 2", got)
	}
}

func TestUserInfoWantsBearer(t *testing.T) {
	op := start(t, door())
	f := newFlow(t, op, door(), "")
	for _, authorization := range []string{"", "Basic YTpi", "Bearer", "Bearer x", "Bearer " + f.response().Get("code")} {
		req, err := http.NewRequest(http.MethodGet, f.endpoint("/userinfo"), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", authorization)
		got := f.do(req)
		if got.status != http.StatusUnauthorized || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("Authorization %q: status %d", authorization, got.status)
		}
	}
}

// press submits the sign-in page as a browser does.
func press(t *testing.T, f *flow, name, value string) answer {
	t.Helper()
	page := f.do(request(t, http.MethodGet, f.authorizationURL(), nil))
	if page.status != http.StatusOK {
		t.Fatalf("the page has status %d", page.status)
	}
	for _, wanted := range []string{">Alice Archer<", ">alice@example.com<", `value="alice"`, `value="bob"`, `name="refuse"`} {
		if !strings.Contains(string(page.body), wanted) {
			t.Errorf("the page lacks %s", wanted)
		}
	}
	action := strings.TrimPrefix(f.authorizationURL(), f.endpoint("/authorize"))
	return f.do(request(t, http.MethodPost, f.endpoint("/sign-in"+action), strings.NewReader(url.Values{name: {value}}.Encode())))
}

func request(t *testing.T, method, target string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req
}

func TestSignInPage(t *testing.T) {
	op := openidtest.Start(t, openidtest.Config{Clients: []openidtest.Client{door()}})
	for _, test := range []struct{ name, value, want string }{
		{"person", "bob", ""},
		{"refuse", "yes", "access_denied"},
		{"person", "mallory", "access_denied"},
	} {
		f := newFlow(t, op, door(), "")
		got := press(t, f, test.name, test.value)
		if got.status != http.StatusSeeOther {
			t.Fatalf("%s=%s: status %d", test.name, test.value, got.status)
		}
		f.back = request(t, http.MethodGet, got.header.Get("Location"), nil)
		if code := f.response().Get("error"); code != test.want || f.response().Get("state") != f.state {
			t.Errorf("%s=%s: response %v", test.name, test.value, f.response())
		}
		if test.want == "" && f.claims()["sub"] != test.value {
			t.Errorf("the ID token is for %v", f.claims()["sub"])
		}
	}
}

func TestSignInPageAppliesTheHint(t *testing.T) {
	op := openidtest.Start(t, openidtest.Config{Clients: []openidtest.Client{door()}})
	f := newFlow(t, op, door(), "")
	f.extra.Set("login_hint", "bob+issuer-other")
	page := f.do(request(t, http.MethodGet, f.authorizationURL(), nil))
	if bob, alice := strings.Index(string(page.body), `value="bob"`), strings.Index(string(page.body), `value="alice"`); bob > alice {
		t.Error("the hinted person is not the first on the page")
	}
	got := press(t, f, "person", "alice")
	f.back = request(t, http.MethodGet, got.header.Get("Location"), nil)
	if got := f.claims()["iss"]; got != "https://other.example" {
		t.Errorf("iss is %v", got)
	}
}

func TestPageHeader(t *testing.T) {
	op := openidtest.Start(t, openidtest.Config{Clients: []openidtest.Client{door()}})
	f := newFlow(t, op, door(), "")
	for _, target := range []string{f.authorizationURL(), f.endpoint("/authorize"), f.endpoint("/end-session")} {
		got := f.do(request(t, http.MethodGet, target, nil))
		policy := got.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "form-action") {
			t.Errorf("%s: Content-Security-Policy %q", target, policy)
		}
		if strings.Contains(string(got.body), "<script>") || strings.Contains(string(got.body), "style=") {
			t.Errorf("%s: the page has something inline", target)
		}
		for _, asset := range []string{"/assets/page.css", "/assets/submit.js"} {
			if status := f.get(asset, "").status; status != http.StatusOK {
				t.Errorf("%s has status %d", asset, status)
			}
		}
	}
}

func TestEndSession(t *testing.T) {
	const after = "http://127.0.0.1:9/bye"
	client := door()
	client.PostLogoutRedirectURIs = []string{after}
	op := start(t, client)
	f := newFlow(t, op, client, "")
	end := func(query url.Values) answer {
		return f.do(request(t, http.MethodGet, f.endpoint("/end-session?"+query.Encode()), nil))
	}
	if got := end(url.Values{"id_token_hint": {f.idToken()}, "post_logout_redirect_uri": {after + "/"}}); got.status != http.StatusBadRequest {
		t.Errorf("unregistered URI: status %d", got.status)
	}
	if got := end(url.Values{"id_token_hint": {f.idToken() + "x"}}); got.status != http.StatusBadRequest {
		t.Errorf("forged hint: status %d", got.status)
	}
	f = newFlow(t, op, client, "")
	if got := f.userInfo().status; got != http.StatusOK {
		t.Fatalf("UserInfo has status %d", got)
	}
	got := end(url.Values{"id_token_hint": {f.idToken()}, "post_logout_redirect_uri": {after}, "state": {"s"}})
	if location := got.header.Get("Location"); location != after+"?state=s" {
		t.Errorf("redirect to %q", location)
	}
	if got := f.get("/userinfo", f.accessToken()).status; got != http.StatusUnauthorized {
		t.Errorf("after the logout UserInfo has status %d", got)
	}
}

func TestLogoutToken(t *testing.T) {
	op := start(t, door())
	f := newFlow(t, op, door(), "")
	token, err := op.LogoutToken("door", "alice", "", func(_, claims map[string]any) { claims["extra"] = true })
	if err != nil {
		t.Fatal(err)
	}
	claims, err := f.verify(token)
	if err != nil {
		t.Fatal(err)
	}
	if claims["sub"] != "alice" || claims["extra"] != true || claims["events"] == nil || claims["jti"] == nil || claims["sid"] != nil || claims["nonce"] != nil {
		t.Errorf("claims %v", claims)
	}
	if got := members(part(token, 0))["typ"]; got != "logout+jwt" {
		t.Errorf("typ is %v", got)
	}
	token, err = op.LogoutToken("door", "alice", "", func(header, _ map[string]any) { header["alg"] = "none" })
	if err != nil || !strings.HasSuffix(token, ".") {
		t.Errorf("unsigned logout token %q, %v", token, err)
	}
}
