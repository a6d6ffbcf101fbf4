package codeflow

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/upstream"
)

const (
	theCode     = "the-authorization-code-4711"
	theVerifier = "the-code-verifier-0123456789-0123456789-0123"
	theSecret   = "hunter2&hunter2"
)

// serve counts token requests and answers them as the test says.
func serve(t *testing.T, answer http.HandlerFunc) (oauth2.Config, *atomic.Int64) {
	t.Helper()
	requests := &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return oauth2.Config{
		ClientID: "door", ClientSecret: theSecret, RedirectURL: "https://login.example/callback",
		Endpoint: oauth2.Endpoint{AuthURL: "https://op.example/authorize", TokenURL: server.URL, AuthStyle: oauth2.AuthStyleInParams},
	}, requests
}

func answering(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func client(t *testing.T, timeout time.Duration) *http.Client {
	t.Helper()
	c, err := plugin.HTTPClient(sdk.HTTPSettings{Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func exchange(t *testing.T, config oauth2.Config) (Tokens, error) {
	t.Helper()
	return Exchange(t.Context(), client(t, time.Second), config, theCode, theVerifier, nil)
}

// TestOddAnswers has answers that x/oauth2 alone accepts as tokens, misreads, or follows with a
// second request.
func TestOddAnswers(t *testing.T) {
	ok := func(body string) http.HandlerFunc { return answering(200, "application/json", body) }
	with := func(member string) http.HandlerFunc {
		return ok(`{"access_token":"at","token_type":"bearer",` + member + `}`)
	}
	never := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		kind   error // nil: at is granted
		reason sdk.Reason
	}{
		{"good", with(`"expires_in":3600`), nil, ""},
		{"expires_in null", with(`"expires_in":null`), nil, ""},
		{"member of another spelling", with(`"Expires_In":"","Error":"x","REFRESH_TOKEN":7`), nil, ""},
		{"expires_in is a text", with(`"expires_in":"3600"`), nil, ""},
		{"expires_in is empty", with(`"expires_in":""`), nil, ""},
		{"expires_in is a fraction", with(`"expires_in":3600.0`), nil, ""},
		{"expires_in is negative", with(`"expires_in":-5`), nil, ""},
		{"expires_in is endless", with(`"expires_in":1000000000000`), nil, ""},
		{"null error", with(`"error":null`), nil, ""},
		{"empty error", with(`"error":""`), nil, ""},
		{"byte order mark", ok("\ufeff" + `{"access_token":"at","token_type":"bearer"}`), nil, ""},
		{"two spellings of what nobody reads", with(`"Tenant":1,"tenant":2`), nil, ""},
		{"refresh_token is a number", with(`"refresh_token":7`), nil, ""},
		{"refresh_token is endless", with(`"refresh_token":"` + strings.Repeat("r", MaxToken+1) + `"`), nil, ""},
		{"no token_type beside an ID token", ok(`{"access_token":"at","id_token":"a.b.c"}`), nil, ""},
		{"HTML", answering(200, "text/html", `<!DOCTYPE html><title>Sign in</title>`), sdk.ErrInvalidResponse, upstream.ReasonHTML},
		{"401 without a word", answering(401, "text/html", `<html>`), sdk.ErrMisconfigured, ReasonStatus},
		{"429", answering(429, "application/json", `{}`), sdk.ErrUnavailable, ReasonStatus},
		{"neither access token nor ID token", ok(`{"token_type":"bearer"}`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"error in two spellings", with(`"error":null,"Error":"x"`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"no token_type", ok(`{"access_token":"at"}`), sdk.ErrInvalidResponse, ReasonType},
		{"token_type mac", ok(`{"access_token":"at","token_type":"mac"}`), sdk.ErrInvalidResponse, ReasonType},
		{"error beside tokens", with(`"error":"invalid_grant"`), sdk.ErrInvalidResponse, "invalid_grant"},
		{"error is an object", answering(400, "application/json", `{"error":{"message":"x"}}`), sdk.ErrInvalidResponse, ReasonUnknownError},
		{"JSON called text", answering(200, "text/plain", `{"access_token":"at","token_type":"bearer"}`), nil, ""},
		{"JSON called HTML", answering(200, "text/html", `{"access_token":"at","token_type":"bearer"}`), nil, ""},
		{"form", answering(200, "application/x-www-form-urlencoded", `access_token=at&token_type=bearer`), sdk.ErrInvalidResponse, ReasonMalformed},
		// NestJS answers a POST with this status by default, and CrowdStrike does so, too.
		{"201", answering(201, "application/json", `{"access_token":"at","token_type":"bearer"}`), nil, ""},
		{"203, of a proxy", answering(203, "application/json", `{"access_token":"at","token_type":"bearer"}`), nil, ""},
		{"204", answering(204, "application/json", ``), sdk.ErrInvalidResponse, ReasonMalformed},
		{"206, a part", answering(206, "application/json", `{"access_token":"at","token_type":"bearer"}`), sdk.ErrInvalidResponse, ReasonStatus},
		{"302 with tokens", answering(302, "application/json", `{"access_token":"at","token_type":"bearer"}`), sdk.ErrInvalidResponse, ReasonStatus},
		{"twice", with(`"access_token":"other"`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"twice in two spellings", with(`"Access_Token":"other"`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"only in another spelling", ok(`{"Access_Token":"at","token_type":"bearer"}`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"access_token is a number", ok(`{"access_token":1,"token_type":"bearer"}`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"access_token is a header", ok(`{"access_token":"a\r\nb: c","token_type":"bearer"}`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"trailing data", ok(`{"access_token":"at","token_type":"bearer"} x`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"2 MiB", ok(strings.Repeat(" ", 2<<20)), sdk.ErrUnavailable, ReasonUnreachable},
		{"never ends", never, sdk.ErrUnavailable, ReasonUnreachable},
		{"breaks off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, sdk.ErrUnavailable, ReasonUnreachable},
		{"refused", answering(400, "application/json", `{"error":"invalid_grant"}`), sdk.ErrInvalidResponse, "invalid_grant"},
		{"wrong secret", answering(401, "text/plain", `{"error":"invalid_client"}`), sdk.ErrMisconfigured, "invalid_client"},
		{"503", answering(503, "text/html", `<html>`), sdk.ErrUnavailable, ReasonStatus},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, requests := serve(t, test.answer)
			got, err := exchange(t, config)
			if n := requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
			if test.kind == nil {
				if err != nil || got.AccessToken != "at" || got.Type() != "Bearer" || got.RefreshToken != "" || got.Members["access_token"] != "at" {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			refusal, ok := errors.AsType[*sdk.Error](err)
			if !ok || refusal.Kind != test.kind || refusal.Reason != test.reason || got.Token != nil {
				t.Errorf("%+v, %v; want %v (%s)", got, err, test.kind, test.reason)
			}
		})
	}
}

// TestNoAccessToken: an answer with an ID token needs no access token.
func TestNoAccessToken(t *testing.T) {
	for _, body := range []string{`{"id_token":"a.b.c"}`, `{"id_token":"a.b.c","access_token":null,"token_type":"odd"}`, `{"id_token":"a.b.c","access_token":""}`} {
		config, _ := serve(t, answering(200, "application/json", body))
		got, err := exchange(t, config)
		if err != nil || got.AccessToken != "" || got.Members["id_token"] != "a.b.c" {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

// TestLongAccessToken: only the limit of the answer bounds it.
func TestLongAccessToken(t *testing.T) {
	long := strings.Repeat("a", 200<<10)
	config, _ := serve(t, answering(200, "application/json", `{"token_type":"bearer","access_token":"`+long+`"}`))
	if got, err := exchange(t, config); err != nil || got.AccessToken != long {
		t.Errorf("%d bytes, %v", len(got.AccessToken), err)
	}
}

// TestOddLifetimes: none fails a login.
func TestOddLifetimes(t *testing.T) {
	for value, want := range map[string]any{
		`3600`: json.Number("3600"), `"3600"`: json.Number("3600"), `" 3600 "`: json.Number("3600"), `3600.5`: json.Number("3600"), `"3600.0"`: json.Number("3600"),
		`0`: nil, `-1`: nil, `"-1"`: nil, `""`: nil, `null`: nil, `true`: nil, `[3600]`: nil, `{}`: nil, `1e400`: nil, `"one hour"`: nil,
		`99999999999`: json.Number("86400"),
	} {
		config, _ := serve(t, answering(200, "application/json", `{"token_type":"bearer","access_token":"at","expires_in":`+value+`}`))
		got, err := exchange(t, config)
		if err != nil || got.Members["expires_in"] != want {
			t.Errorf("%s: %v, %v", value, got.Members["expires_in"], err)
		}
	}
}

// FuzzRead: any answer of a token endpoint gives an error of a known kind with a bounded text,
// or usable tokens; and x/oauth2 can read what it gets.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","token_type":"bearer","expires_in":"3600"}`, `{"id_token":"a.b.c"}`, `{"error":"invalid_grant"}`, `<html>`,
		`{"access_token":"a","id_token":"b","refresh_token":7}`, "\ufeff{}", `{"error":null,"id_token":"x","access_token":"y","token_type":""}`,
	} {
		f.Add(200, "application/json", []byte(seed), true)
		f.Add(400, "text/html", []byte(seed), false)
	}
	f.Add(200, "", []byte(`{"access_token":"a","token_type":"dpop"}`), true)
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte, bound bool) {
		object, _, err := read(upstream.Answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body}, bound)
		if err != nil {
			if _, ok := errors.AsType[*sdk.Error](err); !ok || len(err.Error()) > 2000 || strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Fatalf("%q", err)
			}
			return
		}
		token, _ := object.String("access_token")
		kind, _ := object.String("token_type")
		usable := strings.EqualFold(kind, "Bearer") || bound && strings.EqualFold(kind, "DPoP")
		refresh, err := object.String("refresh_token")
		if status < 200 || status > 204 || token == "" && object["id_token"] == nil || token != "" && !usable || len(refresh) > MaxToken || err != nil {
			t.Fatalf("accepted with status %d: %v", status, object)
		}
		if _, err := canonical(object); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRedirectsGetNoSecret: with 307 and 308, the form would be posted again.
func TestRedirectsGetNoSecret(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		elsewhere, visits := serve(t, answering(200, "application/json", `{"access_token":"at","token_type":"bearer"}`))
		config, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.Endpoint.TokenURL, status) })
		_, err := exchange(t, config)
		if sdk.ReasonOf(err) != ReasonStatus || visits.Load() != 0 || !strings.Contains(err.Error(), elsewhere.Endpoint.TokenURL) {
			t.Errorf("%d: %v, %d visits", status, err, visits.Load())
		}
	}
}

func TestAuthStyleMustBeKnown(t *testing.T) {
	config, requests := serve(t, answering(400, "application/json", `{"error":"invalid_grant"}`))
	config.Endpoint.AuthStyle = oauth2.AuthStyleAutoDetect
	if _, err := exchange(t, config); err == nil || requests.Load() != 0 {
		t.Errorf("%v after %d requests", err, requests.Load())
	}
}

// TestOneRequest: no second request is sent, for any reason.
func TestOneRequest(t *testing.T) {
	config, requests := serve(t, answering(400, "application/json", `{"error":"invalid_grant"}`))
	once := &transport{next: client(t, time.Second).Transport}
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), "POST", config.Endpoint.TokenURL, strings.NewReader("a=b"))
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := once.RoundTrip(req); err == nil {
			resp.Body.Close()
			t.Error("an answer")
		}
	}
	if sdk.ReasonOf(once.err) != "invalid_grant" || requests.Load() != 1 {
		t.Errorf("%v after %d requests", once.err, requests.Load())
	}
}

func TestRequests(t *testing.T) {
	var form url.Values
	var header http.Header
	config, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form, header = r.PostForm, r.Header
		answering(200, "application/json", `{"access_token":"at","token_type":"Bearer","expires_in":60,"id":967361082460459008}`)(w, r)
	})
	params := url.Values{"client_assertion": {"a.b.c"}, "code": {"another"}, "refresh_token": {"another"}}
	tokens, err := Exchange(t.Context(), client(t, time.Second), config, theCode, theVerifier, params)
	want := url.Values{
		"grant_type": {"authorization_code"}, "code": {theCode}, "redirect_uri": {"https://login.example/callback"}, "code_verifier": {theVerifier},
		"client_id": {"door"}, "client_secret": {theSecret}, "client_assertion": {"a.b.c"}, "refresh_token": {"another"},
	}
	if diff := cmp.Diff(want, form); diff != "" || err != nil || header.Get("Accept") != "application/json" {
		t.Error(err, diff, header)
	}
	if left := time.Until(tokens.Expiry); left > time.Minute || left < 30*time.Second {
		t.Errorf("expires in %v", left)
	}
	if id, err := tokens.Members.Int("id"); err != nil || id != 967361082460459008 {
		t.Errorf("a number lost its digits: %d, %v", id, err)
	}
	config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	tokens, err = Refresh(t.Context(), client(t, time.Second), config, "the-refresh-token", nil)
	want = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"the-refresh-token"}}
	if diff := cmp.Diff(want, form); diff != "" || err != nil || !strings.HasPrefix(header.Get("Authorization"), "Basic ") || tokens.RefreshToken != "the-refresh-token" {
		t.Error(err, diff, header)
	}
}

func TestAuthorizationURL(t *testing.T) {
	config, _ := serve(t, answering(200, "", ""))
	config.Endpoint.AuthURL += "?p=a+b"
	verifier := NewVerifier()
	operator := url.Values{"scope": {"a b"}, "state": {"x"}, "client_id": {"x"}, "redirect_uri": {"x"}, "response_type": {"token"}, "code_challenge": {"x"}}
	u, err := url.Parse(AuthorizationURL(config, "the state", operator, Challenge(S256, verifier)))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(verifier))
	want := url.Values{
		"p": {"a b"}, "scope": {"a b"}, "state": {"the state"}, "client_id": {"door"}, "redirect_uri": {config.RedirectURL}, "response_type": {"code"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" || !strings.HasPrefix(u.RawQuery, "p=a+b&") || strings.Contains(u.RawQuery[6:], "+") {
		t.Error(u, diff)
	}
	if plain := Challenge(Plain, verifier); plain.Get("code_challenge") != verifier || plain.Get("code_challenge_method") != "plain" {
		t.Error(plain)
	}
}

// TestDescribe: the log needs the provider's text, wherever the answer contains it.
func TestDescribe(t *testing.T) {
	for _, test := range []struct{ code, description, want string }{
		{"invalid_grant", "", "the provider answers invalid_grant"},
		{"invalid_grant", "too old", `the provider answers invalid_grant: "too old"`},
		{"Aud Invalid audience claim, expected x", "", `the provider answers "Aud Invalid audience claim, expected x"`}, // login.gov
		{"", "no text", `the provider answers with an error that is not a text: "no text"`},
	} {
		if got := Describe(test.code, test.description); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
	if got := Describe(strings.Repeat("x y\n", 10_000), "\x1b[31m"); len(got) > 2000 || strings.ContainsAny(got, "\n\x1b") {
		t.Errorf("%d bytes: %.100q", len(got), got)
	}
}
