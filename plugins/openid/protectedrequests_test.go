package main

import (
	"context"
	"crypto/elliptic"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/dpop"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/jarm"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/plugins/openid/internal/jose/josetest"
	"github.com/doorward/doorward/plugins/openid/internal/par"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// TestPushedRequests: RFC 9126.
func TestPushedRequests(t *testing.T) {
	for _, test := range []struct {
		name   string
		offer  openidtest.Offer
		option string
		pushed int
		err    sdk.Reason
	}{
		{"offered", openidtest.Offered, "auto", 1, ""},
		{"required by the provider", openidtest.Required, "auto", 1, ""},
		{"required by the operator", openidtest.Offered, "required", 1, ""},
		{"switched off", openidtest.Offered, "off", 0, ""},
		{"not there", "", "auto", 0, ""},
		{"required, and not there", "", "required", 0, reasonPushRequired},
		{"required there, switched off here", openidtest.Required, "off", 0, reasonPushRequired},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := startOP(t, openidtest.Config{Security: openidtest.Security{PushedRequests: test.offer}})
			r := openRig(t, op.Issuer(), time.Now, map[string]any{"pushed_authorization_requests": test.option})
			step, err := r.Begin(t.Context(), sdk.BeginRequest{State: "s"})
			if test.err != "" {
				plugintest.Refused(t, err, sdk.ErrMisconfigured, test.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			u, _ := url.Parse(step.(sdk.Redirect).URL)
			if test.pushed > 0 && (len(u.Query()) != 2 || u.Query().Get("client_id") != clientID || !u.Query().Has("request_uri")) {
				t.Errorf("the browser carries %q", u.RawQuery)
			}
			if identity, err := r.login("alice"); err != nil || identity.Subject != "alice" {
				t.Errorf("%v, %v", identity.Subject, err)
			}
			if n := op.Hits(openidtest.PushEndpoint); n != 2*test.pushed {
				t.Errorf("%d requests pushed", n)
			}
		})
	}
}

// TestPushThatFails: if the request need not be pushed, logins continue without it, and
// nothing is pushed for a while.
func TestPushThatFails(t *testing.T) {
	json := func(status int, body string) http.HandlerFunc { return answering(status, "application/json", body) }
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		kind   error
		reason sdk.Reason
	}{
		{"no such endpoint", answering(404, "text/plain", ""), sdk.ErrMisconfigured, par.ReasonStatus},
		{"redirect", moved(302), sdk.ErrMisconfigured, par.ReasonStatus},
		{"down", answering(503, "text/html", "<html>"), sdk.ErrUnavailable, par.ReasonStatus},
		{"too many", answering(429, "", ""), sdk.ErrUnavailable, par.ReasonStatus},
		{"breaks off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, sdk.ErrUnavailable, par.ReasonUnreachable},
		{"2 MiB", json(201, strings.Repeat(" ", 2<<20)), sdk.ErrUnavailable, par.ReasonUnreachable},
		{"HTML", answering(201, "text/html", "<html>"), sdk.ErrInvalidResponse, par.ReasonMalformed},
		{"no request_uri", json(201, `{"expires_in":60}`), sdk.ErrInvalidResponse, par.ReasonMalformed},
		{"request_uri that is none", json(201, `{"request_uri":"x y"}`), sdk.ErrInvalidResponse, par.ReasonMalformed},
		{"request_uri is a number", json(201, `{"request_uri":1}`), sdk.ErrInvalidResponse, par.ReasonMalformed},
		{"endless request_uri", json(201, `{"request_uri":"urn:`+strings.Repeat("a", 3000)+`"}`), sdk.ErrInvalidResponse, par.ReasonMalformed},
		{"request_uri twice", json(201, `{"request_uri":"urn:a","request_uri":"urn:b"}`), sdk.ErrInvalidResponse, par.ReasonMalformed},
		{"invalid_client", json(401, `{"error":"invalid_client"}`), sdk.ErrMisconfigured, "invalid_client"},
		{"invalid_request", json(400, `{"error":"invalid_request"}`), sdk.ErrMisconfigured, "invalid_request"},
		{"an error with a secret in it", json(400, `{"error":"`+clientSecret+`"}`), sdk.ErrMisconfigured, codeflow.ReasonUnknownError},
		{"server_error", json(500, `{"error":"server_error"}`), sdk.ErrUnavailable, "server_error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := plugintest.NewClock()
			md, requests := tokenServer(t, test.answer)
			discovered := serveDiscovery(t, map[string]any{"pushed_authorization_request_endpoint": md.TokenEndpoint})
			r := openRig(t, discovered, clock.Now, map[string]any{"client_http_timeout": "1s"})
			for range 3 {
				params, _ := begin(t, r, sdk.BeginRequest{State: "the-state-of-this-login"})
				if params.Get("state") != "the-state-of-this-login" || params.Has("request_uri") {
					t.Errorf("request %v", params)
				}
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
			clock.Advance(pushPause)
			begin(t, r, sdk.BeginRequest{State: "s"})
			if n := requests.Load(); n != 2 {
				t.Errorf("%d requests after a while", n)
			}
			if said := r.log.String(); strings.Count(said, "pushed_authorization_requests") != 2 || strings.Contains(said, clientSecret) || strings.Contains(said, "the-state") {
				t.Errorf("log: %s", said)
			}
			r = openRig(t, discovered, clock.Now, map[string]any{"client_http_timeout": "1s", "pushed_authorization_requests": "required"})
			_, err := r.Begin(t.Context(), sdk.BeginRequest{State: "s"})
			plugintest.Refused(t, err, test.kind, test.reason)
			if strings.Contains(err.Error(), clientSecret) {
				t.Errorf("E15 %v", err)
			}
		})
	}
}

// TestSignedResponses: JARM.
func TestSignedResponses(t *testing.T) {
	for _, test := range []struct {
		name   string
		mode   string // of params
		option string
		want   string // response_mode of the request
	}{
		{"asked for by the mode", "query.jwt", "auto", "query.jwt"},
		{"asked for by the mode, posted", "form_post.jwt", "auto", "form_post.jwt"},
		{"asked for by the short mode", "jwt", "auto", "jwt"},
		{"required", "", "required", "query.jwt"},
		{"required, posted", "form_post", "required", "form_post.jwt"},
		{"not needed", "", "auto", ""},
		{"off", "form_post", "off", "form_post"},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := startOP(t, openidtest.Config{Security: openidtest.Security{SignedResponses: true}})
			values := map[string]any{"signed_authorization_responses": test.option}
			if test.mode != "" {
				values["params"] = map[string]any{"response_mode": test.mode}
			}
			r := openRig(t, op.Issuer(), time.Now, values)
			params, _ := begin(t, r, sdk.BeginRequest{State: "s"})
			if params.Get("response_mode") != test.want {
				t.Errorf("response_mode %q", params.Get("response_mode"))
			}
			if identity, err := r.login("alice"); err != nil || identity.Subject != "alice" {
				t.Errorf("%v, %v", identity.Subject, err)
			}
			_, err := r.login("alice+" + string(openidtest.AccessDenied))
			plugintest.Refused(t, err, sdk.ErrDenied, sdk.ReasonCancelled)
		})
	}
	t.Run("a provider that answers in no other way", func(t *testing.T) {
		r := openRig(t, serveDiscovery(t, map[string]any{"response_modes_supported": []string{"query.jwt", "form_post.jwt"}}), time.Now, nil)
		if params, _ := begin(t, r, sdk.BeginRequest{State: "s"}); params.Get("response_mode") != "query.jwt" {
			t.Errorf("response_mode %q", params.Get("response_mode"))
		}
	})
	t.Run("a host that cannot find the login", func(t *testing.T) {
		opts, err := options.Decode[Options](map[string]any{
			"issuer_url": theIssuer, "client_id": clientID, "client_secret": clientSecret, "signed_authorization_responses": "required",
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = open(t.Context(), sdk.Env{Host: sdk.NewHost("", nil), Now: time.Now}, opts)
		plugintest.Refused(t, err, sdk.ErrMisconfigured, "options")
	})
}

func TestSignedResponsesThatDoNotHold(t *testing.T) {
	type members = map[string]any
	clock := plugintest.NewClock()
	op := startOP(t, openidtest.Config{Now: clock.Now, Security: openidtest.Security{SignedResponses: true}})
	r := openRig(t, op.Issuer(), clock.Now, map[string]any{"signed_authorization_responses": "required"})
	at := func(d time.Duration) int64 { return clock.Now().Add(d).Unix() }
	claim := func(name string, value any) openidtest.ResponseAlter {
		return func(_, claims members) {
			claims[name] = value
			if value == nil {
				delete(claims, name)
			}
		}
	}
	header := func(name string, value any) openidtest.ResponseAlter {
		return func(header, _ members) { header[name] = value }
	}
	for _, test := range []struct {
		name   string
		alter  openidtest.ResponseAlter
		reason sdk.Reason // empty: accepted
	}{
		{"good", nil, ""},
		{"good, with more claims", claim("session_state", "x"), ""},
		{"good, with a claim that is no text", claim("expires_in", 1), ""},
		{"good, audience in a list", claim("aud", []string{clientID}), ""},
		{"alg none", header("alg", "none"), jose.ReasonMalformed},
		{"alg of another key", header("alg", "PS256"), jose.ReasonUnknown},
		{"alg that is not listed", header("alg", "RS512"), jose.ReasonAlg},
		{"other typ", header("typ", "at+jwt"), jose.ReasonType},
		{"other key", header("kid", "x"), jose.ReasonUnknown},
		{"other iss", claim("iss", "https://evil.example"), discovery.ReasonIssuerMismatch},
		{"no iss", claim("iss", nil), discovery.ReasonIssuerMismatch},
		{"other aud", claim("aud", "other"), idtoken.ReasonAudienceMismatch},
		{"no aud", claim("aud", nil), idtoken.ReasonAudienceMismatch},
		{"for somebody else, too", claim("aud", []string{clientID, "other"}), idtoken.ReasonAudienceUntrusted},
		{"expired", claim("exp", at(-2*time.Minute)), idtoken.ReasonExpired},
		{"no exp", claim("exp", nil), idtoken.ReasonExpired},
		{"exp in a year", claim("exp", at(365*24*time.Hour)), jarm.ReasonLifetime},
		{"not valid yet", claim("nbf", at(time.Hour)), idtoken.ReasonNotYetValid},
		{"A12 other state", claim("state", "other"), codeflow.ReasonStateMismatch},
		{"A14 no state", claim("state", nil), codeflow.ReasonStateMismatch},
		{"state is a number", claim("state", 1), jarm.ReasonMalformed},
		{"code is a list", claim("code", []string{"a"}), jarm.ReasonMalformed},
		{"no code", claim("code", nil), codeflow.ReasonCodeMissing},
		{"E05 error and code", claim("error", "access_denied"), codeflow.ReasonErrorAndCode},
		{"E17 an ID token", claim("id_token", "a.b.c"), codeflow.ReasonResponseType},
	} {
		t.Run(test.name, func(t *testing.T) {
			op.AlterResponses(test.alter)
			before := op.Hits(openidtest.TokenEndpoint)
			_, err := r.login("alice")
			if test.reason == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			plugintest.Refused(t, err, sdk.ErrInvalidResponse, test.reason)
			if op.Hits(openidtest.TokenEndpoint) != before {
				t.Error("the code was sent nevertheless")
			}
		})
	}
	op.AlterResponses(nil)
	t.Run("not signed", func(t *testing.T) {
		_, mem := beginWithMemory(t, r)
		for name, query := range map[string]string{
			"a code":             "code=abc&state=s&iss=" + url.QueryEscape(op.Issuer()),
			"an error":           "error=access_denied&state=s",
			"beside a signature": "response=a.b.c&code=abc",
		} {
			_, err := r.Continue(t.Context(), sdk.ContinueRequest{State: "s", Memory: mem, Response: sdk.InboundRequest{Method: "GET", Query: parseQuery(t, query)}})
			plugintest.Refused(t, err, sdk.ErrInvalidResponse, jarm.ReasonUnsigned)
			if err == nil {
				t.Error(name)
			}
		}
		for query, reason := range map[string]sdk.Reason{"": codeflow.ReasonResponseDuplicate, "response=a&response=b": codeflow.ReasonResponseDuplicate, "response=x": jose.ReasonMalformed} {
			_, err := r.Continue(t.Context(), sdk.ContinueRequest{State: "s", Memory: mem, Response: sdk.InboundRequest{Method: "GET", Query: parseQuery(t, query)}})
			plugintest.Refused(t, err, sdk.ErrInvalidResponse, reason)
		}
		_, err := r.Continue(t.Context(), sdk.ContinueRequest{State: "s", Memory: mem, Response: sdk.InboundRequest{Method: "POST", Form: parseQuery(t, "response=a.b.c")}})
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, codeflow.ReasonResponseMode)
	})
}

func beginWithMemory(t *testing.T, r *rig) (target string, memory []byte) {
	t.Helper()
	step, err := r.Begin(t.Context(), sdk.BeginRequest{State: "s"})
	if err != nil {
		t.Fatal(err)
	}
	return step.(sdk.Redirect).URL, step.(sdk.Redirect).Memory
}

// TestDPoP: RFC 9449.
func TestDPoP(t *testing.T) {
	public := openidtest.Client{ID: clientID, RedirectURIs: []string{callbackURL}, TokenEndpointAuthMethod: openidtest.PublicClient}
	asPublic := map[string]any{"client_token_endpoint_auth_method": "none", "client_secret": ""}
	for _, test := range []struct {
		name     string
		security openidtest.Security
		client   openidtest.Client
		values   map[string]any
		bound    bool
		requests int // to the token endpoint, for a login and a refresh
	}{
		{"offered", openidtest.Security{DPoP: openidtest.Offered}, client(), nil, true, 2},
		{"required there", openidtest.Security{DPoP: openidtest.Required}, client(), nil, true, 2},
		{"required here", openidtest.Security{DPoP: openidtest.Offered}, client(), map[string]any{"dpop": "required"}, true, 2},
		{"switched off", openidtest.Security{DPoP: openidtest.Offered}, client(), map[string]any{"dpop": "off"}, false, 2},
		{"not there", openidtest.Security{}, client(), nil, false, 2},
		{"with a nonce", openidtest.Security{DPoP: openidtest.Required, DPoPNonce: true}, client(), nil, true, 3},
		{"of a public client, whose refresh token is bound", openidtest.Security{DPoP: openidtest.Required}, public, asPublic, true, 2},
		{"with a pushed request", openidtest.Security{DPoP: openidtest.Required, PushedRequests: openidtest.Required}, client(), nil, true, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := refreshable(t, openidtest.Config{Clients: []openidtest.Client{test.client}, Security: test.security}, "alice", test.values)
			g := content(t, s.Grant)
			if s.Name != "Alice Archer" || g.Bound != test.bound || (g.Key != "") != test.bound {
				t.Errorf("name %q, bound %v, key of %d characters", s.Name, g.Bound, len(g.Key))
			}
			got, err := s.refresh(s.Grant)
			if err != nil || got.Undecided != nil || got.Identity.Name != "Alice Archer" {
				t.Fatalf("refresh: %+v, %v", got, err)
			}
			if n := s.op.Hits(openidtest.TokenEndpoint); n != test.requests {
				t.Errorf("%d token requests", n)
			}
			if next := content(t, got.Identity.Grant); next.Key != g.Key || next.Bound != test.bound {
				t.Errorf("grant %+v", next)
			}
		})
	}
	t.Run("a new nonce, all of a sudden", func(t *testing.T) {
		s := refreshable(t, openidtest.Config{Security: openidtest.Security{DPoP: openidtest.Required, DPoPNonce: true}}, "alice", nil)
		grant := s.Grant
		for range 3 {
			s.op.RotateNonce()
			s.op.RotateNonce()
			got, err := s.refresh(grant)
			if err != nil || got.Undecided != nil {
				t.Fatalf("%+v, %v", got, err)
			}
			grant = got.Identity.Grant
		}
	})
	t.Run("with a nonce, and assertions that are good once", func(t *testing.T) {
		private := gojose.JSONWebKey{Key: josetest.ECKey(t, elliptic.P256()), KeyID: "1"}
		c := openidtest.Client{
			ID: clientID, RedirectURIs: []string{callbackURL}, TokenEndpointAuthMethod: openidtest.PrivateKeyJWT, Keys: []gojose.JSONWebKey{private.Public()},
		}
		s := refreshable(t, openidtest.Config{Clients: []openidtest.Client{c}, Security: openidtest.Security{DPoP: openidtest.Required, DPoPNonce: true}}, "alice",
			map[string]any{"client_secret": "", "client_private_keys": privateKeys(t, private)})
		s.op.RotateNonce()
		s.op.RotateNonce()
		if got, err := s.refresh(s.Grant); err != nil || got.Undecided != nil {
			t.Errorf("%+v, %v", got, err)
		}
		if n := s.op.Hits(openidtest.TokenEndpoint); n != 4 {
			t.Errorf("%d token requests", n)
		}
	})
	t.Run("a key of its own for each login", func(t *testing.T) {
		op := startOP(t, openidtest.Config{Security: openidtest.Security{DPoP: openidtest.Offered}})
		r := openRig(t, op.Issuer(), time.Now, nil)
		params, mem := begin(t, r, sdk.BeginRequest{State: "s"})
		_, other := begin(t, r, sdk.BeginRequest{State: "s"})
		if mem.Key == "" || mem.Key == other.Key || len(params.Get("dpop_jkt")) != 43 {
			t.Errorf("key of %d characters, dpop_jkt %q", len(mem.Key), params.Get("dpop_jkt"))
		}
	})
	t.Run("without a refresh token", func(t *testing.T) {
		s := refreshable(t, openidtest.Config{Security: openidtest.Security{DPoP: openidtest.Required}}, "alice", map[string]any{"offline_access": "no"})
		got, err := s.refresh(s.Grant)
		if err != nil || got.Identity.Name != "Alice Archer" {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("required, and not bound", func(t *testing.T) {
		op := startOP(t, openidtest.Config{})
		_, err := openRig(t, op.Issuer(), time.Now, map[string]any{"dpop": "required"}).login("alice")
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, reasonNotBound)
	})
	t.Run("E08 a bound token that was not asked for", func(t *testing.T) {
		md, _ := tokenServer(t, answering(200, "application/json", strings.Replace(goodTokens, "Bearer", "DPoP", 1)))
		_, err := openRig(t, md.Issuer, time.Now, nil).exchange(t.Context(), md, callbackURL, theCode, theVerifier)
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, codeflow.ReasonType)
	})
}

// TestDPoPRetriesOnce: a server that requires another nonce each time gets two requests.
func TestDPoPRetriesOnce(t *testing.T) {
	for name, test := range map[string]struct {
		nonce    string
		error    string
		requests int64
	}{
		"another nonce each time": {"n", "use_dpop_nonce", 2},
		"no nonce":                {"", "use_dpop_nonce", 1},
		"a nonce that is none":    {"a b", "use_dpop_nonce", 1},
		"an endless nonce":        {strings.Repeat("n", 2000), "use_dpop_nonce", 1},
		"another error":           {"n", "invalid_grant", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			count := 0
			md, requests := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				count++
				nonce := test.nonce
				if len(nonce) == 1 {
					nonce += strings.Repeat("n", count)
				}
				mu.Unlock()
				if r.Header.Get("DPoP") == "" {
					t.Error("no proof")
				}
				w.Header().Set("DPoP-Nonce", nonce)
				answering(400, "application/json", `{"error":"`+test.error+`"}`)(w, r)
			})
			op := startOP(t, openidtest.Config{Security: openidtest.Security{DPoP: openidtest.Offered}})
			r := openRig(t, op.Issuer(), time.Now, nil)
			_, mem := begin(t, r, sdk.BeginRequest{State: "s"})
			_, err := r.exchange(withKeyOf(t, mem), md, callbackURL, theCode, theVerifier)
			if sdk.ReasonOf(err) != sdk.Reason(test.error) {
				t.Errorf("%v", err)
			}
			if n := requests.Load(); n != test.requests {
				t.Errorf("E07 %d requests", n)
			}
		})
	}
}

func withKeyOf(t *testing.T, mem memory) context.Context {
	t.Helper()
	key, err := dpop.ParseKey(mem.Key)
	if err != nil {
		t.Fatal(err)
	}
	return dpop.WithKey(t.Context(), key, false)
}

// TestIssInTheResponse: RFC 9207.
func TestIssInTheResponse(t *testing.T) {
	for _, test := range []struct {
		name     string
		provider bool // says that it sends it
		option   string
		iss      string
		reason   sdk.Reason
	}{
		{"E04 nobody speaks of it, and it is missing", false, "auto", "", codeflow.ReasonCodeMissing}, // all else was fine
		{"E04 the operator demands it", false, "required", "", codeflow.ReasonIssMissing},
		{"E04 the provider says so", true, "auto", "", codeflow.ReasonIssMissing},
		{"E04 it is another", false, "auto", "https://evil.example", codeflow.ReasonIssMismatch},
		{"switched off, and another", true, "off", "https://evil.example", codeflow.ReasonCodeMissing},
		{"switched off, and missing", true, "off", "", codeflow.ReasonCodeMissing},
		{"E04 it is there", true, "required", theIssuer, codeflow.ReasonCodeMissing},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := serveDiscovery(t, map[string]any{"authorization_response_iss_parameter_supported": test.provider})
			r := openRig(t, url, time.Now, map[string]any{"response_iss": test.option})
			_, mem := beginWithMemory(t, r)
			query := "state=s"
			switch test.iss {
			case "":
			case theIssuer:
				query += "&iss=" + url
			default:
				query += "&iss=" + test.iss
			}
			_, err := r.Continue(t.Context(), sdk.ContinueRequest{State: "s", Memory: mem, Response: sdk.InboundRequest{Method: "GET", Query: parseQuery(t, query)}})
			plugintest.Refused(t, err, sdk.ErrInvalidResponse, test.reason)
		})
	}
}
