package e2e

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// startNodeAS runs the authorization server from npm until the test ends, and returns its
// URL.
func startNodeAS(t *testing.T, clientSecret string, redirectURIs ...string) string {
	t.Helper()
	dir := filepath.Join(repository(t), "host", "e2e", "as")
	if _, err := exec.LookPath("node"); err != nil {
		missing(t, "Node: install with apt-get install nodejs npm")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@node-oauth")); err != nil {
		missing(t, "OAuth 2.0 server: run npm ci in host/e2e/as")
	}
	cmd := exec.Command("node", "as.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AS_CLIENT_SECRET="+clientSecret, "AS_REDIRECT_URIS="+strings.Join(redirectURIs, " "))
	return startPeer(t, "the authorization server", cmd).URL
}

// nodeASID returns the identifier that as.mjs derives from a name: an odd number above
// 2^53, which changes if it is converted to a float.
func nodeASID(login string) string {
	sum := sha256.Sum256([]byte(login))
	return strconv.FormatUint((9007199254740993+uint64(binary.BigEndian.Uint32(sum[:4])))|1, 10)
}

// TestNodeOAuth2Server signs in with npm @node-oauth/oauth2-server, which does not decode
// Basic credentials: a secret that must be percent-encoded works with two of the three
// methods, and the error of the third says which option to change.
func TestNodeOAuth2Server(t *testing.T) {
	port, secret := freePort(t), "a+b/c:d=e%f~"+newClientSecret()
	public := localURL("localhost", port)
	ways := map[string]string{"raw": "client_secret_basic_raw", "post": "client_secret_post", "basic": "client_secret_basic"}
	env := map[string]string{"AUTH_PROVIDERS": "raw,post,basic"}
	var callbacks []string
	for name := range ways {
		callbacks = append(callbacks, public+"/auth/login/"+name+"/callback")
	}
	server := startNodeAS(t, secret, callbacks...)
	for name, way := range ways {
		provider(env, strings.ToUpper(name), map[string]string{
			"DRIVER": "oauth2", "AUTHORIZE_URL": server + "/authorize", "ACCESS_URL": server + "/token", "PROFILE_URL": server + "/me",
			"CLIENT_ID": "door/ward", "CLIENT_SECRET": secret, "CLIENT_TOKEN_ENDPOINT_AUTH_METHOD": way, "SCOPE": "profile",
			"IDENTIFIER_KEY": "id", "USERNAME_KEY": "login", "EMAIL_VERIFIED_KEY": "confirmed", "FIRST_NAME_KEY": "login",
			"GROUP_CLAIM_NAME": "teams[]", "GROUP_NAME": "{org}/{name}", "ALLOWED_GROUPS": "acme/devs",
			"ALLOW_PUBLIC_REGISTRATION": "true",
		})
	}
	host := startHost(t, HostConfig{Port: port, Env: env})
	host.secrets.add("client secret", secret)
	for _, name := range []string{"raw", "post"} {
		person := newAgent(t, host, "alice")
		got := person.signIn(host.URL + "/auth/login/" + name + "?mode=json")
		if got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", name, got.status, got.body)
		}
		tokens := got.json(t).Data
		me := person.call(http.MethodGet, "/users/me", nil, bearer(tokens.AccessToken)).json(t).Data
		if me.Email != "alice@example.org" || me.FirstName != "alice" || me.ExternalIdentifier != nodeASID("alice") {
			t.Errorf("%s: signed in as %+v", name, me)
		}
		// The refresh of the session also asks this server.
		again := person.call(http.MethodPost, "/auth/refresh", map[string]string{"refresh_token": tokens.RefreshToken, "mode": "json"}, nil)
		wantStatus(t, "refresh", again, http.StatusOK)
	}
	person := newAgent(t, host, "alice")
	person.accept = "application/json"
	if got := person.signIn(host.URL + "/auth/login/basic?mode=json"); got.status == http.StatusOK {
		t.Error("the server reads what is percent-encoded")
	}
	eventually(t, "the log to say which option to change", func() bool { return strings.Contains(host.Logs(), "client_secret_basic_raw") })
	out, code := host.run(t, "check", "raw")
	if code != 0 || !strings.Contains(out, "the token endpoint accepts the client") {
		t.Errorf("check of raw: %d\n%s", code, out)
	}
	out, code = host.run(t, "check", "basic")
	if code == 0 || !strings.Contains(out, "client_secret_basic_raw") {
		t.Errorf("check of basic: %d\n%s", code, out)
	}
}

// TestOIDCProviderWithoutOpenID signs in with npm oidc-provider and a scope other than
// openid: PKCE and rotation are enforced, and the response contains iss but no ID token.
func TestOIDCProviderWithoutOpenID(t *testing.T) {
	port, secret := freePort(t), newClientSecret()
	public := localURL("localhost", port)
	op := startOP(t, 0, secret, public+"/auth/login/good/callback", public+"/auth/login/other/callback")
	env := map[string]string{"AUTH_PROVIDERS": "good,other"}
	for name, issuer := range map[string]string{"GOOD": op.Issuer, "OTHER": "https://other.example"} {
		provider(env, name, map[string]string{
			"DRIVER": "oauth2", "AUTHORIZE_URL": op.Issuer + "/auth", "ACCESS_URL": op.Issuer + "/token", "PROFILE_URL": op.Issuer + "/api/owner",
			"ISSUER": issuer, "CLIENT_ID": "plain", "CLIENT_SECRET": secret, "SCOPE": "profile_api", "REQUIRED_SCOPES": "profile_api",
			"IDENTIFIER_KEY": "sub", "EMAIL_VERIFIED_KEY": "email_verified", "FIRST_NAME_KEY": "given_name", "REVOKE_URL": op.Issuer + "/token/revocation",
			"ALLOW_PUBLIC_REGISTRATION": "true", "REQUIRE_VERIFIED_EMAIL": "true",
		})
	}
	host := startHost(t, HostConfig{Port: port, Env: env})
	host.secrets.add("client secret", secret)
	person := newAgent(t, host, "alice")
	got := person.signIn(host.URL + "/auth/login/good?mode=session&redirect=/app")
	if got.location() == nil || person.cookie(sessionCookie) == "" {
		t.Fatalf("signing in: %d %s", got.status, got.body)
	}
	me := person.call(http.MethodGet, "/users/me", nil, nil).json(t).Data
	if me.Email != "alice@example.org" || me.FirstName != "alice" || me.ExternalIdentifier != "alice" {
		t.Errorf("signed in as %+v", me)
	}
	refused := newAgent(t, host, "bob")
	refused.consent = false
	if got := refused.signIn(host.URL + "/auth/login/good?redirect=/app"); got.code(t) != "INVALID_CREDENTIALS" {
		t.Errorf("refused: %d", got.status)
	}
	other := newAgent(t, host, "alice")
	other.accept = "application/json"
	if got := other.signIn(host.URL + "/auth/login/other"); got.status == http.StatusOK {
		t.Errorf("OS05 a response with the iss of another: %d", got.status)
	}
	eventually(t, "the log to say why", func() bool { return strings.Contains(host.Logs(), "response_iss_mismatch") })
	out, code := host.run(t, "check", "good")
	if code != 0 || !strings.Contains(out, "the token endpoint accepts the client") {
		t.Errorf("check: %d\n%s", code, out)
	}
	wantStatus(t, "signing out", person.call(http.MethodPost, "/auth/logout", map[string]string{"mode": "session"}, nil), http.StatusNoContent)
	if strings.Contains(host.Logs(), "cannot revoke the token") {
		t.Error("the token was not revoked")
	}
}
