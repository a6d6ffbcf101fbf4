package e2e

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// opClient is a client of the certified OpenID provider, with the provider of the host that
// acts as this client.
type opClient struct {
	name     string // of the provider at the host
	metadata map[string]any
	options  map[string]string
}

// privateJWK makes a key for an algorithm, as JWKs with and without the private part.
func privateJWK(t *testing.T, alg string) (private, public map[string]any) {
	t.Helper()
	text := base64.RawURLEncoding.EncodeToString
	public = map[string]any{"kid": "of the client", "use": "sig", "alg": alg}
	private = map[string]any{}
	switch alg {
	case "ES256":
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err1 := key.PublicKey.Bytes()
		scalar, err2 := key.Bytes()
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		public["kty"], public["crv"], public["x"], public["y"] = "EC", "P-256", text(point[1:33]), text(point[33:])
		private["d"] = text(scalar)
	case "EdDSA":
		x, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		public["kty"], public["crv"], public["x"] = "OKP", "Ed25519", text(x)
		private["d"] = text(key.Seed())
	default:
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		public["kty"], public["n"], public["e"] = "RSA", text(key.N.Bytes()), text(big.NewInt(int64(key.E)).Bytes())
		private["d"], private["p"], private["q"] = text(key.D.Bytes()), text(key.Primes[0].Bytes()), text(key.Primes[1].Bytes())
		private["dp"], private["dq"], private["qi"] = text(key.Precomputed.Dp.Bytes()), text(key.Precomputed.Dq.Bytes()), text(key.Precomputed.Qinv.Bytes())
	}
	maps.Copy(private, public)
	return private, public
}

// byKey makes a client that authenticates with a key.
func byKey(t *testing.T, name, alg string, metadata map[string]any, options map[string]string) opClient {
	t.Helper()
	private, public := privateJWK(t, alg)
	encoded, err := json.Marshal([]any{private})
	if err != nil {
		t.Fatal(err)
	}
	c := opClient{name, map[string]any{
		"token_endpoint_auth_method": "private_key_jwt", "jwks": map[string]any{"keys": []any{public}}, "token_endpoint_auth_signing_alg": alg,
	}, map[string]string{"CLIENT_PRIVATE_KEYS": string(encoded)}}
	maps.Copy(c.metadata, metadata)
	maps.Copy(c.options, options)
	return c
}

func bySecret(name string, metadata map[string]any, options map[string]string) opClient {
	c := opClient{name, map[string]any{}, map[string]string{}}
	maps.Copy(c.metadata, metadata)
	maps.Copy(c.options, options)
	return c
}

// sealedRig runs the certified provider with these clients, and a host with a provider
// for each.
type sealedRig struct {
	host *testHost
	op   *opServer
}

func startSealed(t *testing.T, setup opSetup, clients []opClient, env map[string]string) sealedRig {
	t.Helper()
	return startSealedAt(t, freePort(t), setup, clients, env)
}

func startSealedAt(t *testing.T, hostPort int, setup opSetup, clients []opClient, env map[string]string) sealedRig {
	t.Helper()
	secret := newClientSecret()
	public := localURL("localhost", hostPort)
	hostEnv := map[string]string{}
	var names []string
	for _, c := range clients {
		path := public + "/auth/login/" + c.name
		metadata := map[string]any{
			"client_id": "client-" + c.name, "redirect_uris": []string{path + "/callback"}, "post_logout_redirect_uris": []string{path + "/logout"},
			"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
		}
		maps.Copy(metadata, c.metadata)
		method, _ := metadata["token_endpoint_auth_method"].(string)
		options := map[string]string{
			"DRIVER": "openid", "CLIENT_ID": "client-" + c.name, "ALLOW_PUBLIC_REGISTRATION": "true", "SYNC_USER_INFO": "true",
			"OFFLINE_ACCESS": "true", "PARAMS": `{"prompt":"consent"}`,
		}
		if method == "" || strings.HasPrefix(method, "client_secret") {
			metadata["client_secret"], options["CLIENT_SECRET"] = secret, secret
		}
		maps.Copy(options, c.options)
		setup.Clients = append(setup.Clients, metadata)
		names = append(names, c.name)
		provider(hostEnv, strings.ToUpper(c.name), options)
	}
	op := startOPWith(t, setup, 0, secret)
	for _, name := range names {
		hostEnv["AUTH_"+strings.ToUpper(name)+"_ISSUER_URL"] = op.Issuer
	}
	hostEnv["AUTH_PROVIDERS"] = strings.Join(names, ",")
	maps.Copy(hostEnv, env)
	host := startHost(t, HostConfig{Port: hostPort, Env: hostEnv})
	host.secrets.add("client secret", secret)
	for _, c := range clients {
		for _, private := range privateParts(t, c.options["CLIENT_PRIVATE_KEYS"]) {
			host.secrets.add("a private key", private)
		}
	}
	return sealedRig{host, op}
}

// privateParts are the private members of keys.
func privateParts(t *testing.T, keys string) []string {
	t.Helper()
	if keys == "" {
		return nil
	}
	var list []map[string]string
	if err := json.Unmarshal([]byte(keys), &list); err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, key := range list {
		for _, name := range []string{"d", "p", "q"} {
			parts = append(parts, key[name])
		}
	}
	return parts
}

// tell makes the provider do something that its operator would do.
func (op *opServer) tell(t *testing.T, what string) {
	t.Helper()
	resp, err := http.Post(op.Issuer+"/test/"+what, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("%s: %s", what, resp.Status)
	}
}

// signInByJSON signs in and returns the host's refresh token.
func (a *agent) signInByJSON(name string) string {
	a.t.Helper()
	got := a.signIn(a.host.URL + "/auth/login/" + name + "?mode=json")
	if got.status != http.StatusOK {
		a.t.Fatalf("signing in at %s: %d %s %s", name, got.status, got.url, got.body)
	}
	tokens := got.json(a.t).Data
	me := a.call(http.MethodGet, "/users/me", nil, bearer(tokens.AccessToken)).json(a.t).Data
	if me.Email != a.login+"@example.org" || me.ExternalIdentifier != a.login || me.Provider != name {
		a.t.Errorf("%s: signed in as %+v", name, me)
	}
	return tokens.RefreshToken
}

func (a *agent) refresh(token string) answer {
	a.t.Helper()
	return a.call(http.MethodPost, "/auth/refresh", map[string]string{"mode": "json", "refresh_token": token}, nil)
}

// mustRefresh refreshes, and returns the next token.
func (a *agent) mustRefresh(token string) string {
	a.t.Helper()
	got := a.refresh(token)
	if got.status != http.StatusOK {
		a.t.Fatalf("refreshing: %d %s", got.status, got.body)
	}
	return got.json(a.t).Data.RefreshToken
}

// TestOpenIDProviderSealed: all ways of authenticating, and of signing or encrypting
// requests and tokens, that the certified provider supports, alone and together. Each
// signs in, refreshes twice with rotated tokens, and loses the session when the grant is
// revoked.
func TestOpenIDProviderSealed(t *testing.T) {
	needOpenIDProvider(t)
	type m = map[string]any
	type o = map[string]string
	all := m{"require_pushed_authorization_requests": true, "dpop_bound_access_tokens": true}
	required := o{"PUSHED_AUTHORIZATION_REQUESTS": "required", "DPOP": "required"}
	with := func(options o, more o) o {
		both := maps.Clone(options)
		maps.Copy(both, more)
		return both
	}
	clients := []opClient{
		bySecret("auto", nil, nil),
		bySecret("post", m{"token_endpoint_auth_method": "client_secret_post"}, o{"CLIENT_TOKEN_ENDPOINT_AUTH_METHOD": "client_secret_post"}),
		bySecret("secretjwt", m{"token_endpoint_auth_method": "client_secret_jwt"}, o{"CLIENT_TOKEN_ENDPOINT_AUTH_METHOD": "client_secret_jwt"}),
		bySecret("public", m{"token_endpoint_auth_method": "none"}, o{"CLIENT_TOKEN_ENDPOINT_AUTH_METHOD": "none"}),
		bySecret("off", nil, o{"PUSHED_AUTHORIZATION_REQUESTS": "off", "DPOP": "off"}),
		bySecret("par", m{"require_pushed_authorization_requests": true}, o{"PUSHED_AUTHORIZATION_REQUESTS": "required", "DPOP": "off"}),
		bySecret("dpop", m{"dpop_bound_access_tokens": true}, o{"PUSHED_AUTHORIZATION_REQUESTS": "off", "DPOP": "required"}),
		bySecret("jarm", nil, o{"SIGNED_AUTHORIZATION_RESPONSES": "required"}),
		bySecret("jarmpost", m{"authorization_signed_response_alg": "ES256"}, o{
			"SIGNED_AUTHORIZATION_RESPONSES": "required", "PARAMS": `{"prompt":"consent","response_mode":"form_post"}`, "CLIENT_AUTHORIZATION_SIGNED_RESPONSE_ALG": "ES256",
		}),
		bySecret("jarmdpop", all, with(required, o{"SIGNED_AUTHORIZATION_RESPONSES": "required"})),
		bySecret("userinfo", m{"userinfo_signed_response_alg": "ES256"}, o{"CLIENT_USERINFO_SIGNED_RESPONSE_ALG": "ES256"}),
		bySecret("userinfounasked", m{"userinfo_signed_response_alg": "RS256"}, nil),
		byKey(t, "keyrs", "RS256", nil, nil),
		byKey(t, "keyps", "PS256", nil, nil),
		byKey(t, "keyes", "ES256", nil, nil),
		byKey(t, "keyed", "EdDSA", nil, nil),
		byKey(t, "everything", "ES256", m{
			"require_pushed_authorization_requests": true, "dpop_bound_access_tokens": true, "id_token_signed_response_alg": "PS256",
			"authorization_signed_response_alg": "PS256", "userinfo_signed_response_alg": "PS256",
		}, with(required, o{
			"SIGNED_AUTHORIZATION_RESPONSES": "required", "CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG": "PS256", "CLIENT_USERINFO_SIGNED_RESPONSE_ALG": "PS256",
			"CLIENT_ASSERTION_AUDIENCE": "issuer", "PARAMS": `{"prompt":"consent","response_mode":"form_post"}`,
		})),
	}
	features := map[string]any{"jwtResponseModes": m{"enabled": true}, "jwtUserinfo": m{"enabled": true}}
	for name, setup := range map[string]opSetup{"without a nonce": {Features: features}, "with a nonce": {Features: features, Nonce: true}} {
		t.Run(name, func(t *testing.T) {
			rig := startSealed(t, setup, clients, nil)
			for _, c := range clients {
				t.Run(c.name, func(t *testing.T) { signInRefreshAndLose(t, rig, c.name) })
			}
		})
	}
}

func signInRefreshAndLose(t *testing.T, rig sealedRig, name string) {
	t.Helper()
	login := "alice" + name
	person := newAgent(t, rig.host, login)
	token := person.signInByJSON(name)
	token = person.mustRefresh(token)
	token = person.mustRefresh(token)
	rig.op.tell(t, "revoke/"+login)
	got := person.refresh(token)
	if got.status != http.StatusUnauthorized || got.code(t) != "INVALID_CREDENTIALS" {
		t.Errorf("after the grant was revoked: %d %s", got.status, got.body)
	}
}

// TestOpenIDProviderFAPI: the provider requires FAPI 2.0 of its clients.
func TestOpenIDProviderFAPI(t *testing.T) {
	needOpenIDProvider(t)
	type m = map[string]any
	var clients []opClient
	for _, alg := range []string{"ES256", "PS256", "EdDSA"} {
		clients = append(clients, byKey(t, "fapi"+strings.ToLower(alg), alg, m{"dpop_bound_access_tokens": true, "id_token_signed_response_alg": alg}, map[string]string{
			"PUSHED_AUTHORIZATION_REQUESTS": "required", "DPOP": "required", "CLIENT_ASSERTION_AUDIENCE": "issuer",
			"CLIENT_TOKEN_ENDPOINT_AUTH_METHOD": "private_key_jwt", "CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG": alg,
		}))
	}
	setup := opSetup{Features: m{
		"fapi":                        m{"enabled": true, "profile": "2.0"},
		"pushedAuthorizationRequests": m{"enabled": true, "requirePushedAuthorizationRequests": true},
	}}
	rig := startSealed(t, setup, clients, nil)
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) { signInRefreshAndLose(t, rig, c.name) })
	}
}

// TestOpenIDProviderRotatesKeys: new keys sign while people are signed in and sign in.
func TestOpenIDProviderRotatesKeys(t *testing.T) {
	needOpenIDProvider(t)
	rig := startSealed(t, opSetup{}, []opClient{bySecret("op", nil, nil)}, nil)
	alice := newAgent(t, rig.host, "alice")
	token := alice.signInByJSON("op")
	rig.op.tell(t, "rotate")
	token = alice.mustRefresh(token)
	newAgent(t, rig.host, "bob").signInByJSON("op")
	alice.mustRefresh(token)
}

// signOut posts the form of the host, and follows redirects to the last page.
func (a *agent) signOut() answer {
	a.t.Helper()
	home, err := url.Parse(a.host.URL + "/login")
	if err != nil {
		a.t.Fatal(err)
	}
	got := a.post(home, "/auth/logout", url.Values{"mode": {"session"}})
	for range maxSteps {
		next, ok := a.next(got)
		if !ok {
			return got
		}
		got = next
	}
	a.t.Fatal("the logout does not end")
	return answer{}
}

// inSession signs in with a session cookie.
func (a *agent) inSession(name string) {
	a.t.Helper()
	got := a.signIn(a.host.URL + "/auth/login/" + name + "?mode=session&redirect=/app")
	if target := got.location(); target == nil || target.Path != "/app" || a.cookie(sessionCookie) == "" {
		a.t.Fatalf("signing in at %s: %d %s %s", name, got.status, got.header.Get("Location"), got.body)
	}
	a.wantSession(true)
}

func (a *agent) wantSession(want bool) {
	a.t.Helper()
	if got := a.call(http.MethodGet, "/users/me", nil, nil).status == http.StatusOK; got != want {
		a.t.Errorf("%s is signed in: %v, want %v", a.login, got, want)
	}
}

// TestOpenIDProviderLogout: a logout here is a logout at the provider, and the other way round.
func TestOpenIDProviderLogout(t *testing.T) {
	needOpenIDProvider(t)
	type m = map[string]any
	hostPort := freePort(t)
	uri := func(name string) string { return localURL("localhost", hostPort) + "/auth/login/" + name + "/logout" }
	backChannel := func(name string, session bool) opClient {
		return bySecret(name, m{"backchannel_logout_uri": uri(name), "backchannel_logout_session_required": session}, nil)
	}
	clients := []opClient{bySecret("plain", nil, nil), backChannel("one", true), backChannel("two", false)}
	rig := startSealedAt(t, hostPort, opSetup{Features: m{"backchannelLogout": m{"enabled": true}}}, clients, nil)

	t.Run("RP-initiated, and back", func(t *testing.T) {
		alice := newAgent(t, rig.host, "alice")
		alice.inSession("plain")
		got := alice.signOut()
		if target := got.location(); target == nil || target.Path != "/login" || target.RawQuery != "signed_out" {
			t.Errorf("ends at %d %s %s", got.status, got.header.Get("Location"), got.body)
		}
		alice.wantSession(false)
		// The provider asks for the user again.
		again := alice.get(rig.host.URL + "/auth/login/plain?mode=session")
		for again.location() != nil {
			again = alice.get(again.location().String())
		}
		if !strings.Contains(again.body, `id="login"`) {
			t.Errorf("still signed in at the provider: %s", again.body)
		}
	})
	t.Run("back-channel, by sid", func(t *testing.T) {
		alice, elsewhere, bob := newAgent(t, rig.host, "alice"), newAgent(t, rig.host, "alice"), newAgent(t, rig.host, "bob")
		alice.inSession("one")
		elsewhere.inSession("one") // the same person with another browser: another session
		bob.inSession("one")
		alice.endAtProvider(rig.op)
		alice.wantSession(false)
		elsewhere.wantSession(true)
		bob.wantSession(true)
	})
	t.Run("back-channel, by sub", func(t *testing.T) {
		alice, bob := newAgent(t, rig.host, "alice"), newAgent(t, rig.host, "bob")
		alice.inSession("two")
		bob.inSession("two")
		alice.endAtProvider(rig.op)
		alice.wantSession(false)
		bob.wantSession(true)
	})
	if !strings.Contains(rig.host.Logs(), "signed out by the provider") {
		t.Error("the log does not tell of it")
	}
}

// endAtProvider signs out at the provider itself, with the browser.
func (a *agent) endAtProvider(op *opServer) {
	a.t.Helper()
	got := a.get(op.Issuer + "/session/end")
	for range maxSteps {
		next, ok := a.next(got)
		if !ok {
			return
		}
		got = next
	}
	a.t.Fatal("signing out at the provider does not end")
}
