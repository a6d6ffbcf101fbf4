package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// opProviders are the ways to use the certified OpenID provider: the options that differ,
// by the name of the host's provider.
var opProviders = []struct {
	name    string
	options map[string]string
}{
	{"BASIC", map[string]string{"CLIENT_ID": "rp-basic", "CLIENT_TOKEN_ENDPOINT_AUTH_METHOD": "client_secret_basic"}},
	{"POST", map[string]string{"CLIENT_ID": "rp-post", "CLIENT_TOKEN_ENDPOINT_AUTH_METHOD": "client_secret_post"}},
	{"RS256", map[string]string{"CLIENT_ID": "rp-basic", "CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG": "RS256"}},
	{"ES256", map[string]string{"CLIENT_ID": "rp-es256", "CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG": "ES256"}},
	{"EDDSA", map[string]string{"CLIENT_ID": "rp-eddsa", "CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG": "EdDSA"}},
	{"PS256", map[string]string{"CLIENT_ID": "rp-ps256", "CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG": "PS256"}},
	{"FORMPOST", map[string]string{"CLIENT_ID": "rp-basic", "PARAMS": `{"response_mode":"form_post"}`}},
}

// startOPAndHost runs the provider and a host with all opProviders.
func startOPAndHost(t *testing.T) *testHost {
	t.Helper()
	hostPort := freePort(t)
	public := localURL("localhost", hostPort)
	var names, callbacks []string
	for _, p := range opProviders {
		names = append(names, strings.ToLower(p.name))
		callbacks = append(callbacks, public+"/auth/login/"+strings.ToLower(p.name)+"/callback")
	}
	op := startOP(t, 0, newClientSecret(), callbacks...)
	env := map[string]string{"AUTH_PROVIDERS": strings.Join(names, ",")}
	for _, p := range opProviders {
		provider(env, p.name, map[string]string{
			"DRIVER": "openid", "ISSUER_URL": op.Issuer, "CLIENT_SECRET": op.ClientSecret, "ALLOW_PUBLIC_REGISTRATION": "true",
		})
		provider(env, p.name, p.options)
	}
	host := startHost(t, HostConfig{Port: hostPort, Env: env})
	host.secrets.add("client secret", op.ClientSecret)
	return host
}

func TestOpenIDProvider(t *testing.T) {
	host := startOPAndHost(t)
	for _, p := range opProviders {
		t.Run(p.name, func(t *testing.T) {
			name := strings.ToLower(p.name)
			person := newAgent(t, host, "alice")
			got := person.signIn(host.URL + "/auth/login/" + name + "?mode=json")
			if got.status != http.StatusOK {
				t.Fatalf("signing in: %d %s", got.status, got.body)
			}
			tokens := got.json(t).Data
			if tokens.AccessToken == "" || tokens.RefreshToken == "" || tokens.Expires <= 0 {
				t.Errorf("tokens: %s", got.body)
			}
			me := person.call(http.MethodGet, "/users/me", nil, bearer(tokens.AccessToken)).json(t).Data
			if me.Email != "alice@example.org" || me.FirstName != "alice" || me.Provider != name || me.ExternalIdentifier != "alice" {
				t.Errorf("signed in as %+v", me)
			}
		})
	}
}

func TestOpenIDProviderRefusal(t *testing.T) {
	host := startOPAndHost(t)
	for _, name := range []string{"basic", "formpost"} {
		t.Run(name+" tells a program", func(t *testing.T) {
			person := newAgent(t, host, "bob")
			person.consent, person.accept = false, "application/json"
			got := person.signIn(host.URL + "/auth/login/" + name)
			if got.status != http.StatusUnauthorized || got.code(t) != "INVALID_CREDENTIALS" {
				t.Errorf("answer: %d %s", got.status, got.body)
			}
			person.signedOut()
		})
		t.Run(name+" sends the browser back with a reason", func(t *testing.T) {
			person := newAgent(t, host, "bob")
			person.consent = false
			got := person.signIn(host.URL + "/auth/login/" + name + "?redirect=/app")
			if target := got.location(); target == nil || target.Path != "/app" || got.code(t) != "INVALID_CREDENTIALS" {
				t.Errorf("answer: %d, Location %q", got.status, got.header.Get("Location"))
			}
			person.signedOut()
		})
		t.Run(name+" shows a person a page", func(t *testing.T) {
			person := newAgent(t, host, "bob")
			person.consent = false
			got := person.signIn(host.URL + "/auth/login/" + name)
			if got.status != http.StatusUnauthorized || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
				t.Errorf("answer: %d %s", got.status, got.body)
			}
			if strings.Contains(got.body, "access_denied") {
				t.Errorf("the page has words of the protocol in it: %s", got.body)
			}
		})
	}
}

// A provider that is down does not affect the rest of the host, and works as soon as it is up.
func TestOpenIDProviderDownAtStart(t *testing.T) {
	needOpenIDProvider(t)
	hostPort, opPort, secret := freePort(t), freePort(t), newClientSecret()
	public := localURL("localhost", hostPort)
	env := map[string]string{"AUTH_PROVIDERS": "op"}
	provider(env, "OP", map[string]string{
		"DRIVER": "openid", "ISSUER_URL": localURL("127.0.0.1", opPort), "CLIENT_ID": "rp-basic", "CLIENT_SECRET": secret,
		"ALLOW_PUBLIC_REGISTRATION": "true",
	})
	host := startHost(t, HostConfig{Port: hostPort, Env: env})
	host.secrets.add("client secret", secret)

	person := newAgent(t, host, "alice")
	person.accept = "application/json"
	got := person.signIn(host.URL + "/auth/login/op?mode=json")
	if got.status != http.StatusServiceUnavailable || got.code(t) != "SERVICE_UNAVAILABLE" {
		t.Errorf("while the provider is down: %d %s", got.status, got.body)
	}
	if ping := person.call(http.MethodGet, "/server/ping", nil, nil); ping.status != http.StatusOK {
		t.Errorf("ping while the provider is down: %d", ping.status)
	}
	if health := person.call(http.MethodGet, "/server/health", nil, nil); health.status != http.StatusOK {
		t.Errorf("health while the provider is down: %d %s", health.status, health.body)
	}

	startOP(t, opPort, secret, public+"/auth/login/op/callback")
	eventually(t, "signing in once the provider is up", func() bool {
		return newAgent(t, host, "alice").signIn(host.URL+"/auth/login/op?mode=json").status == http.StatusOK
	})
}
