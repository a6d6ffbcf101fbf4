package codeflow

import (
	"crypto/sha256"
	"encoding/base64"
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
)

const (
	theCode     = "the-authorization-code-4711"
	theVerifier = "the-code-verifier-0123456789-0123456789-0123"
	theSecret   = "hunter2&hunter2"
)

// serve answers token requests as the test says, and counts them.
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

// TestOddAnswers are answers that x/oauth2 by itself takes for tokens, takes for
// others than they are, or answers with a second request.
func TestOddAnswers(t *testing.T) {
	json := func(body string) http.HandlerFunc { return answering(200, "application/json", body) }
	with := func(member string) http.HandlerFunc {
		return json(`{"access_token":"at","token_type":"bearer",` + member + `}`)
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
		{"expires_in is a text", with(`"expires_in":"3600"`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"expires_in is empty", with(`"expires_in":""`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"expires_in is a fraction", with(`"expires_in":3600.0`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"expires_in is negative", with(`"expires_in":-5`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"expires_in is endless", with(`"expires_in":1000000000000`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"no token_type", json(`{"access_token":"at"}`), sdk.ErrInvalidResponse, ReasonType},
		{"token_type mac", json(`{"access_token":"at","token_type":"mac"}`), sdk.ErrInvalidResponse, ReasonType},
		{"error beside tokens", with(`"error":"invalid_grant"`), sdk.ErrInvalidResponse, "invalid_grant"},
		{"error is an object", answering(400, "application/json", `{"error":{"message":"x"}}`), sdk.ErrInvalidResponse, ReasonUnknownError},
		{"JSON called text", answering(200, "text/plain", `{"access_token":"at","token_type":"bearer"}`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"JSON called HTML", answering(200, "text/html", `{"access_token":"at","token_type":"bearer"}`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"form", answering(200, "application/x-www-form-urlencoded", `access_token=at&token_type=bearer`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"201", answering(201, "application/json", `{"access_token":"at","token_type":"bearer"}`), sdk.ErrInvalidResponse, ReasonStatus},
		{"twice", with(`"access_token":"other"`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"twice in two spellings", with(`"Access_Token":"other"`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"only in another spelling", json(`{"Access_Token":"at","token_type":"bearer"}`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"access_token is a number", json(`{"access_token":1,"token_type":"bearer"}`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"access_token is a header", json(`{"access_token":"a\r\nb: c","token_type":"bearer"}`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"trailing data", json(`{"access_token":"at","token_type":"bearer"} x`), sdk.ErrInvalidResponse, ReasonMalformed},
		{"2 MiB", json(strings.Repeat(" ", 2<<20)), sdk.ErrUnavailable, ReasonUnreachable},
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

// TestRedirectsGetNoSecret: 307 and 308 would have the form posted again.
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

// TestOneRequest: whatever wants to send a second one, none goes out.
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
