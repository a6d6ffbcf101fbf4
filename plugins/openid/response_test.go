package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/dpop"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

const (
	theCode     = "the-authorization-code-4711"
	theVerifier = "the-code-verifier-0123456789-0123456789-0123"
)

// tokenServer counts token requests and answers them as the test says.
func tokenServer(t *testing.T, answer http.HandlerFunc) (md discovery.Metadata, requests *atomic.Int64) {
	t.Helper()
	requests = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return discovery.Metadata{Issuer: server.URL, TokenEndpoint: server.URL + "/token"}, requests
}

func answering(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const goodTokens = `{"access_token":"at","token_type":"Bearer","expires_in":3600,"id_token":"a.b.c"}`

func TestTokenResponse(t *testing.T) {
	long := strings.Repeat("a", codeflow.MaxToken)
	json := func(body string) http.HandlerFunc { return answering(200, "application/json", body) }
	with := func(member string) http.HandlerFunc {
		return json(`{"access_token":"at","token_type":"Bearer","id_token":"a.b.c",` + member + `}`)
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   tokens // accepted if set
		kind   error
		reason sdk.Reason
	}{
		{name: "E08 good", answer: json(goodTokens), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E08 content type with charset", answer: answering(200, "application/JSON;charset=UTF-8", goodTokens), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E08 refresh token", answer: with(`"refresh_token":"rt"`), want: tokens{idToken: "a.b.c", accessToken: "at", refreshToken: "rt"}},
		{name: "E08 longest token", answer: with(`"refresh_token":"` + long + `"`), want: tokens{idToken: "a.b.c", accessToken: "at", refreshToken: long}},
		{name: "E08 no expires_in", answer: with(`"x":1`), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E08 expires_in null", answer: with(`"expires_in":null`), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E19 scope with commas", answer: with(`"scope":"email,openid"`), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E19 scope as a list", answer: with(`"scope":["openid","email"]`), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E19 empty scope", answer: with(`"scope":""`), want: tokens{idToken: "a.b.c", accessToken: "at"}},

		{name: "E08 200 with an error", answer: with(`"error":"invalid_grant"`), kind: sdk.ErrInvalidResponse, reason: "invalid_grant"},
		{name: "E08 200 with a null error", answer: with(`"error":null`), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E08 201", answer: answering(201, "application/json", goodTokens), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E08 HTML", answer: answering(200, "text/html", "<html>"), kind: sdk.ErrInvalidResponse, reason: upstream.ReasonHTML},
		{name: "E08 JSON called HTML", answer: answering(200, "text/html", goodTokens), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E08 form", answer: answering(200, "application/x-www-form-urlencoded", "access_token=at&id_token=a.b.c"), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonMalformed},
		{name: "E08 no content type", answer: answering(200, "", goodTokens), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E08 empty", answer: json(""), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonMalformed},
		{name: "E08 array", answer: json("[" + goodTokens + "]"), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonMalformed},
		{name: "E08 no access token", answer: json(`{"token_type":"Bearer","id_token":"a.b.c"}`), want: tokens{idToken: "a.b.c"}},
		{name: "E08 access token with a line break", answer: json(`{"access_token":"a\r\nX: y","token_type":"Bearer","id_token":"a.b.c"}`), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonMalformed},
		{name: "E08 endless token", answer: with(`"refresh_token":"` + long + `a"`), want: tokens{idToken: "a.b.c", accessToken: "at", warnings: []string{"refresh_token in the token response has 16385 bytes, at most 16384 are kept: it is left out"}}},
		{name: "E08 refresh token is a number", answer: with(`"refresh_token":1`), want: tokens{idToken: "a.b.c", accessToken: "at", warnings: []string{"refresh_token in the token response is not a text: it is left out"}}},
		{name: "E08 long access token", answer: json(`{"access_token":"` + long + `a","token_type":"Bearer","id_token":"a.b.c"}`), want: tokens{idToken: "a.b.c", accessToken: long + "a"}},
		{name: "E08 no ID token", answer: json(`{"access_token":"at","token_type":"Bearer"}`), kind: sdk.ErrInvalidResponse, reason: reasonIDTokenMissing},
		{name: "E08 token type mac", answer: json(`{"access_token":"at","token_type":"mac","id_token":"a.b.c"}`), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonType},
		{name: "E08 no token type", answer: json(`{"access_token":"at","id_token":"a.b.c"}`), want: tokens{idToken: "a.b.c", accessToken: "at", warnings: []string{"token_type is missing from the token response: Bearer is meant"}}},
		{name: "E08 expires_in negative", answer: with(`"expires_in":-1`), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E08 expires_in huge", answer: with(`"expires_in":99999999999`), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E08 expires_in string", answer: with(`"expires_in":"3600"`), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E08 expires_in fraction", answer: with(`"expires_in":3599.9`), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E08 key twice", answer: with(`"id_token":"d.e.f"`), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonMalformed},
		{name: "E08 key in two spellings", answer: with(`"ID_TOKEN":"d.e.f"`), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonMalformed},
		{name: "E08 2 MiB", answer: json(strings.Repeat(" ", 2<<20) + goodTokens), kind: sdk.ErrUnavailable, reason: codeflow.ReasonUnreachable},
		{name: "E08 gzip bomb", answer: bomb, kind: sdk.ErrUnavailable, reason: codeflow.ReasonUnreachable},
		{name: "E08 never ends", answer: never, kind: sdk.ErrUnavailable, reason: codeflow.ReasonUnreachable},
		{name: "E08 closes", answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, kind: sdk.ErrUnavailable, reason: codeflow.ReasonUnreachable},
		{name: "E19 no openid, and an ID token", answer: with(`"scope":"profile"`), want: tokens{idToken: "a.b.c", accessToken: "at"}},
		{name: "E19 no openid, and no ID token", answer: json(`{"access_token":"at","token_type":"Bearer","scope":"profile"}`), kind: sdk.ErrInvalidResponse, reason: reasonIDTokenMissing},
		{name: "E19 scope is a number", answer: with(`"scope":1`), want: tokens{idToken: "a.b.c", accessToken: "at"}},

		{name: "E02 invalid grant", answer: answering(400, "application/json", `{"error":"invalid_grant"}`), kind: sdk.ErrInvalidResponse, reason: "invalid_grant"},
		{name: "wrong secret", answer: answering(401, "application/json", `{"error":"invalid_client"}`), kind: sdk.ErrMisconfigured, reason: "invalid_client"},
		{name: "wrong secret, odd content type", answer: answering(401, "text/plain", `{"error":"invalid_client"}`), kind: sdk.ErrMisconfigured, reason: "invalid_client"},
		{name: "invalid request", answer: answering(400, "application/json", `{"error":"invalid_request"}`), kind: sdk.ErrMisconfigured, reason: "invalid_request"},
		{name: "unknown error", answer: answering(400, "application/json", `{"error":"odd"}`), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonUnknownError},
		{name: "error is a number", answer: answering(400, "application/json", `{"error":1}`), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonUnknownError},
		{name: "temporarily unavailable", answer: answering(503, "application/json", `{"error":"temporarily_unavailable"}`), kind: sdk.ErrUnavailable, reason: "temporarily_unavailable"},
		{name: "500", answer: answering(500, "text/html", "<html>"), kind: sdk.ErrUnavailable, reason: codeflow.ReasonStatus},
		{name: "500 with good tokens", answer: answering(500, "application/json", goodTokens), kind: sdk.ErrUnavailable, reason: codeflow.ReasonStatus},
		{name: "401 without a word", answer: answering(401, "", ""), kind: sdk.ErrMisconfigured, reason: codeflow.ReasonStatus},
		{name: "E09 302", answer: moved(302), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonStatus},
		{name: "E09 303", answer: moved(303), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonStatus},
		{name: "E09 307", answer: moved(307), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonStatus},
		{name: "E09 308", answer: moved(308), kind: sdk.ErrInvalidResponse, reason: codeflow.ReasonStatus},
	} {
		t.Run(test.name, func(t *testing.T) {
			md, requests := tokenServer(t, test.answer)
			r := openRig(t, md.Issuer, time.Now, map[string]any{"client_http_timeout": "1s"})
			got, err := r.exchange(t.Context(), md, callbackURL, theCode, theVerifier)
			if test.kind == nil {
				got.expires = time.Time{}
				if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(tokens{}), cmpopts.IgnoreTypes(dpop.Key{})); diff != "" || err != nil {
					t.Error(err, diff)
				}
			} else {
				plugintest.Refused(t, err, test.kind, test.reason)
				if got.idToken+got.accessToken+got.refreshToken != "" {
					t.Errorf("there are tokens next to the error: %+v", got)
				}
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("E07 %d token requests", n)
			}
		})
	}
}

func moved(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}
}

func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	packed := gzip.NewWriter(w)
	defer packed.Close()
	blank := bytes.Repeat([]byte(" "), 1<<20)
	for range 64 {
		if _, err := packed.Write(blank); err != nil {
			return
		}
	}
}

func never(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// TestTokenRequest checks what is sent.
func TestTokenRequest(t *testing.T) {
	var form url.Values
	var user, password string
	md, _ := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ = r.BasicAuth()
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form = r.PostForm
		if r.URL.RawQuery != "" {
			t.Errorf("E15 query %q", r.URL.RawQuery)
		}
		answering(200, "application/json", goodTokens)(w, r)
	})
	code := url.Values{
		"grant_type": {"authorization_code"}, "code": {theCode}, "redirect_uri": {callbackURL}, "code_verifier": {theVerifier},
	}
	inBody := func(more url.Values) url.Values {
		for name, values := range code {
			more[name] = values
		}
		return more
	}
	for _, test := range []struct {
		name    string
		methods []string // listed by the provider
		options map[string]any
		user    string
		want    url.Values
	}{
		{name: "basic by default", user: url.QueryEscape(clientID), want: code},
		{name: "basic if both are listed", methods: []string{"client_secret_post", "client_secret_basic"}, user: url.QueryEscape(clientID), want: code},
		{name: "basic if neither is listed", methods: []string{"private_key_jwt"}, user: url.QueryEscape(clientID), want: code},
		{name: "post if only that is listed", methods: []string{"client_secret_post"}, want: inBody(url.Values{"client_id": {clientID}, "client_secret": {clientSecret}})},
		{name: "post by option", options: map[string]any{"client_token_endpoint_auth_method": "client_secret_post"}, want: inBody(url.Values{"client_id": {clientID}, "client_secret": {clientSecret}})},
		{name: "basic by option", methods: []string{"client_secret_post"}, options: map[string]any{"client_token_endpoint_auth_method": "client_secret_basic"}, user: url.QueryEscape(clientID), want: code},
		{name: "none", options: map[string]any{"client_token_endpoint_auth_method": "none", "client_secret": ""}, want: inBody(url.Values{"client_id": {clientID}})},
	} {
		t.Run(test.name, func(t *testing.T) {
			md.AuthMethods = test.methods
			r := openRig(t, md.Issuer, time.Now, test.options)
			if _, err := r.exchange(t.Context(), md, callbackURL, theCode, theVerifier); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, form); diff != "" {
				t.Error(diff)
			}
			if user != test.user || (user != "") != (password == url.QueryEscape(clientSecret)) {
				t.Errorf("user %q, password %q", user, password)
			}
		})
	}
}

// TestSecondTokenRequest: whatever x/oauth2 tries, a code is sent once.
func TestSecondTokenRequest(t *testing.T) {
	md, requests := tokenServer(t, answering(401, "application/json", `{"error":"invalid_client"}`))
	r := openRig(t, md.Issuer, time.Now, nil)
	_, err := r.exchange(t.Context(), md, callbackURL, theCode, theVerifier)
	plugintest.Refused(t, err, sdk.ErrMisconfigured, "invalid_client")
	if n := requests.Load(); n != 1 {
		t.Errorf("E07 %d token requests", n)
	}
}

// TestTokenErrorRepeatsNoSecret: the provider repeats the whole request in its answer.
func TestTokenErrorRepeatsNoSecret(t *testing.T) {
	secrets := []string{
		theCode, theVerifier, clientSecret, url.QueryEscape(clientSecret), theVerifier[5:20],
		base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(clientID) + ":" + url.QueryEscape(clientSecret))),
	}
	for _, secret := range secrets {
		for name, answer := range map[string]http.HandlerFunc{
			"description":        answering(400, "application/json", `{"error":"invalid_grant","error_description":"bad `+secret+`"}`),
			"error":              answering(400, "application/json", `{"error":"`+secret+`"}`),
			"body":               answering(500, "text/plain", secret),
			"body of 200":        answering(200, "application/json", `{"access_token":"`+secret+`"`),
			"token type":         answering(200, "application/json", `{"access_token":"a","id_token":"b","token_type":"`+secret+`"}`),
			"scope":              answering(200, "application/json", `{"access_token":"a","token_type":"Bearer","scope":"`+secret+`"}`),
			"key":                answering(200, "application/json", `{"`+secret+`":1,"`+secret+`":1}`),
			"content type":       answering(200, secret+"/x", goodTokens+"x"),
			"broken status line": brokenStatusLine(secret),
		} {
			t.Run("E15 "+name, func(t *testing.T) {
				md, _ := tokenServer(t, answer)
				r := openRig(t, md.Issuer, time.Now, nil)
				_, err := r.exchange(t.Context(), md, callbackURL, theCode, theVerifier)
				if err == nil {
					t.Fatal("accepted")
				}
				if strings.Contains(err.Error()+r.log.String(), secret) {
					t.Errorf("the error repeats %q: %v", secret, err)
				}
			})
		}
	}
}

func brokenStatusLine(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 "+text+"\r\n\r\n")
	}
}

func TestTokenErrorKeepsWhatHelps(t *testing.T) {
	md, _ := tokenServer(t, answering(401, "application/json", `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}`))
	_, err := openRig(t, md.Issuer, time.Now, nil).exchange(t.Context(), md, callbackURL, theCode, theVerifier)
	if err == nil || !strings.Contains(err.Error(), "AADSTS7000215") || !strings.Contains(err.Error(), "client_secret") {
		t.Errorf("error %v", err)
	}
}
