package openidtest_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

func TestLogin(t *testing.T) {
	for _, alg := range algorithms {
		for _, method := range []string{openidtest.ClientSecretBasic, openidtest.ClientSecretPost, openidtest.PublicClient} {
			for _, mode := range []string{"query", "form_post"} {
				t.Run(string(alg)+" "+method+" "+mode, func(t *testing.T) {
					client := door()
					client.IDTokenSignedResponseAlg, client.TokenEndpointAuthMethod = string(alg), method
					if method == openidtest.PublicClient {
						client.Secret = ""
					}
					op := start(t, client)
					f := newFlow(t, op, client, "bob")
					f.extra.Set("response_mode", mode)
					checkLogin(t, f, alg, mode)
					if got := op.LastTokenRequest().AuthMethod; got != method {
						t.Errorf("the token request authenticated by %q, want %q", got, method)
					}
				})
			}
		}
	}
}

func start(t *testing.T, clients ...openidtest.Client) *openidtest.Provider {
	t.Helper()
	return openidtest.Start(t, openidtest.Config{AutoApprove: true, Clients: clients})
}

func checkLogin(t *testing.T, f *flow, alg jose.SignatureAlgorithm, mode string) {
	t.Helper()
	wantMethod := map[string]string{"query": http.MethodGet, "form_post": http.MethodPost}[mode]
	if got := f.callback(); got == nil || got.Method != wantMethod {
		t.Fatalf("the callback is %v, want a %s", got, wantMethod)
	}
	response := f.response()
	if response.Get("state") != f.state || response.Get("iss") != f.op.Issuer() || len(response) != 3 {
		t.Errorf("authorization response %v: want code, state and iss", response)
	}
	claims, err := f.verify(f.idToken())
	if err != nil {
		t.Fatalf("ID token: %v", err)
	}
	want := map[string]any{
		"iss": f.op.Issuer(), "sub": "bob", "aud": f.client.ID, "nonce": f.nonce,
		"at_hash": wantHash(alg, f.accessToken()),
	}
	for _, varying := range []string{"exp", "iat", "sid"} {
		if claims[varying] == nil {
			t.Errorf("no %s", varying)
		}
		delete(claims, varying)
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if got := f.header()["alg"]; got != string(alg) {
		t.Errorf("alg is %v, want %s", got, alg)
	}
	checkUserInfo(t, f)
	for endpoint, want := range map[openidtest.Endpoint]int{openidtest.AuthorizationEndpoint: 1, openidtest.TokenEndpoint: 1, openidtest.KeySetEndpoint: 1, openidtest.UserInfoEndpoint: 1, openidtest.Trap: 0} {
		if got := f.op.Hits(endpoint); got != want {
			t.Errorf("Hits(%s) = %d, want %d", endpoint, got, want)
		}
	}
}

func wantHash(alg jose.SignatureAlgorithm, accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	half := sum[:16]
	if alg == jose.EdDSA {
		sum := sha512.Sum512([]byte(accessToken))
		half = sum[:32]
	}
	return base64.RawURLEncoding.EncodeToString(half)
}

func checkUserInfo(t *testing.T, f *flow) {
	t.Helper()
	want := map[string]any{
		"sub": "bob", "name": "Bob Baker", "given_name": "Bob", "family_name": "Baker",
		"preferred_username": "bob", "email": "bob@example.com", "email_verified": false,
		"groups": []any{"bakers"},
	}
	if diff := cmp.Diff(want, f.userInfo().object()); diff != "" {
		t.Errorf("UserInfo (-want +got):\n%s", diff)
	}
}

func TestIssuerPath(t *testing.T) {
	for _, path := range []string{"", "/", "/realms/demo", "/realms/demo/"} {
		t.Run(path, func(t *testing.T) {
			op := openidtest.Start(t, openidtest.Config{AutoApprove: true, IssuerPath: path, Clients: []openidtest.Client{door()}})
			f := newFlow(t, op, door(), "")
			if got := f.discovery().object()["issuer"]; got != op.Issuer() || !strings.HasSuffix(op.Issuer(), path) {
				t.Errorf("issuer is %v, want %v, which ends in %q", got, op.Issuer(), path)
			}
			if _, err := f.verify(f.idToken()); err != nil {
				t.Errorf("login: %v", err)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	client := door()
	client.ClaimsInIDToken = true
	client.UserInfoSignedResponseAlg = "ES256"
	op := openidtest.Start(t, openidtest.Config{
		AutoApprove: true, Clients: []openidtest.Client{client},
		People: []openidtest.Person{{Subject: "eve", Claims: map[string]any{
			"name": "Eve", "email": "eve@example.com", "acr": "gold", "amr": []string{"pwd", "otp"}, "groups": []string{"g"},
		}}},
	})
	f := newFlow(t, op, client, "")
	f.extra.Set("scope", "openid profile")
	f.extra.Set("max_age", "60")
	claims, err := f.verify(f.idToken())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"name", "acr", "amr", "groups", "auth_time"} {
		if claims[name] == nil {
			t.Errorf("no %s in the ID token", name)
		}
	}
	if claims["email"] != nil {
		t.Error("the ID token has an e-mail address that the scope does not cover")
	}
	if got := f.userInfo().header.Get("Content-Type"); got != "application/jwt" {
		t.Errorf("UserInfo has type %q", got)
	}
	info, err := f.verify(string(f.userInfo().body))
	if err != nil {
		t.Fatalf("UserInfo: %v", err)
	}
	want := map[string]any{"iss": op.Issuer(), "aud": "door", "sub": "eve", "name": "Eve", "groups": []any{"g"}}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Errorf("UserInfo (-want +got):\n%s", diff)
	}
}

func TestKeySet(t *testing.T) {
	op := start(t, door())
	first := publishedKeys(t, op)
	want := map[string]bool{"RS256": true, "PS256": true, "ES256": true, "EdDSA": true}
	for _, key := range first {
		if !key.Valid() || !key.IsPublic() || key.Use != "sig" || key.KeyID == "" || !want[key.Algorithm] {
			t.Errorf("key %+v", key)
		}
		delete(want, key.Algorithm)
	}
	if len(want) > 0 {
		t.Errorf("no keys for %v", want)
	}
	if got := newFlow(t, op, door(), "").keySet().header.Get("Cache-Control"); got != "public, max-age=600" {
		t.Errorf("Cache-Control is %q", got)
	}
	for rotation, wantFirst := range []bool{true, false} {
		if err := op.RotateKeys(); err != nil {
			t.Fatal(err)
		}
		set := jose.JSONWebKeySet{Keys: publishedKeys(t, op)}
		if got := len(set.Key(first[0].KeyID)) == 1; got != wantFirst {
			t.Errorf("after rotation %d the first key is there: %v", rotation+1, got)
		}
		if f := newFlow(t, op, door(), ""); f.header()["kid"] == first[0].KeyID {
			t.Errorf("after rotation %d the first key signs", rotation+1)
		}
	}
}

func publishedKeys(t *testing.T, op *openidtest.Provider) []jose.JSONWebKey {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(newFlow(t, op, door(), "").keySet().body, &set); err != nil {
		t.Fatal(err)
	}
	return set.Keys
}

func TestRefresh(t *testing.T) {
	op := start(t, door())
	f := newFlow(t, op, door(), "")
	f.extra.Set("scope", "openid offline_access")
	first := f.token().object()["refresh_token"]
	second := f.refresh().object()
	if second["refresh_token"] == nil || second["refresh_token"] == first {
		t.Errorf("the refresh token is not rotated: %v", second)
	}
	claims, err := f.verify(f.refreshedIDToken())
	if err != nil || claims["sub"] != "alice" || claims["nonce"] != nil {
		t.Errorf("refreshed ID token: %v, %v", claims, err)
	}
	for _, token := range []any{first, second["refresh_token"]} {
		again := f.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.(string)}})
		if got := again.object()["error"]; got != "invalid_grant" {
			t.Errorf("after the reuse of the first refresh token: error %v", got)
		}
	}
	if got := f.get("/userinfo", second["access_token"].(string)).status; got != http.StatusUnauthorized {
		t.Errorf("after the reuse the access token gets status %d", got)
	}
}

// clock can be set while the provider runs.
type clock struct{ offset atomic.Int64 }

var midnight = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func (c *clock) now() time.Time          { return midnight.Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

func TestLifetimes(t *testing.T) {
	tests := []struct {
		name string
		take func(f *flow) // what happens before the time passes
		wait time.Duration
		ask  func(f *flow) answer
		good bool
	}{
		{"code in time", func(f *flow) { f.callback() }, openidtest.CodeLifetime - 1, (*flow).token, true},
		{"code too late", func(f *flow) { f.callback() }, openidtest.CodeLifetime, (*flow).token, false},
		{"access token in time", func(f *flow) { f.token() }, openidtest.AccessTokenLifetime - 1, (*flow).userInfo, true},
		{"access token too late", func(f *flow) { f.token() }, openidtest.AccessTokenLifetime, (*flow).userInfo, false},
		{"refresh token in time", func(f *flow) { f.token() }, openidtest.GrantLifetime - 1, (*flow).refresh, true},
		{"refresh token too late", func(f *flow) { f.token() }, openidtest.GrantLifetime, (*flow).refresh, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var c clock
			op := openidtest.Start(t, openidtest.Config{AutoApprove: true, Clients: []openidtest.Client{door()}, Now: c.now})
			f := newFlow(t, op, door(), "")
			f.extra.Set("scope", "openid offline_access")
			test.take(f)
			c.advance(test.wait)
			if got := test.ask(f).status == http.StatusOK; got != test.good {
				t.Errorf("good: %v, want %v", got, test.good)
			}
		})
	}
}

func TestConfigErrors(t *testing.T) {
	client := func(change func(*openidtest.Client)) openidtest.Config {
		c := door()
		change(&c)
		return openidtest.Config{Issuer: "https://op.example", Clients: []openidtest.Client{c}}
	}
	tests := map[string]openidtest.Config{
		"no issuer":             {},
		"issuer of no web":      {Issuer: "ftp://op.example"},
		"issuer with query":     {Issuer: "https://op.example?x"},
		"person twice":          {Issuer: "https://op.example", People: []openidtest.Person{{Subject: "a"}, {Subject: "a"}}},
		"person without sub":    {Issuer: "https://op.example", People: []openidtest.Person{{}}},
		"client without ID":     client(func(c *openidtest.Client) { c.ID = "" }),
		"client without secret": client(func(c *openidtest.Client) { c.Secret = "" }),
		"public with secret":    client(func(c *openidtest.Client) { c.TokenEndpointAuthMethod = openidtest.PublicClient }),
		"unknown method":        client(func(c *openidtest.Client) { c.TokenEndpointAuthMethod = "private_key_jwt" }),
		"unknown algorithm":     client(func(c *openidtest.Client) { c.IDTokenSignedResponseAlg = "HS256" }),
		"relative redirect URI": client(func(c *openidtest.Client) { c.RedirectURIs = []string{"/callback"} }),
		"redirect fragment":     client(func(c *openidtest.Client) { c.RedirectURIs = []string{callbackURL + "#x"} }),
	}
	for name, config := range tests {
		if _, err := openidtest.New(config); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Otherwise a server that waits for its handlers to end would wait forever.
func TestCloseEndsAnswersUnderWay(t *testing.T) {
	for _, m := range []openidtest.Misbehaviour{openidtest.DiscoveryHangs, openidtest.DiscoveryTrickles} {
		op, err := openidtest.New(openidtest.Config{Issuer: "http://op.example"})
		if err != nil {
			t.Fatal(err)
		}
		op.Misbehave(m)
		handled := make(chan struct{})
		go func() {
			defer close(handled)
			op.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/.well-known/openid-configuration", nil))
		}()
		for range 2 {
			if err := op.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		<-handled
	}
}
