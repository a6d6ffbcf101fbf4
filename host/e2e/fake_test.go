package e2e

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// fakeSetup is a host with one provider, "fake", that is an openidtest.Provider
// in this process.
type fakeSetup struct {
	host     *testHost
	provider *openidtest.Provider
}

// startFake runs a host and a fake provider. It registers the client with an ID, a secret and
// redirect URIs, and adds env to the environment of the host.
func startFake(t *testing.T, config openidtest.Config, client openidtest.Client, env map[string]string) fakeSetup {
	t.Helper()
	return startFakeBehind(t, nil, config, client, env)
}

// startFakeBehind sends all requests to the fake provider through a handler in front of it, if
// it is not nil.
func startFakeBehind(t *testing.T, front func(w http.ResponseWriter, r *http.Request, fake http.Handler), config openidtest.Config, client openidtest.Client, env map[string]string) fakeSetup {
	t.Helper()
	hostPort := freePort(t)
	client.ID, client.Secret = "doorward", newClientSecret()
	client.RedirectURIs = []string{localURL("localhost", hostPort) + "/auth/login/fake/callback"}
	client.PostLogoutRedirectURIs = []string{localURL("localhost", hostPort) + "/auth/login/fake/logout"}
	config.Clients = []openidtest.Client{client}
	var fake *openidtest.Provider
	if front == nil {
		fake = openidtest.Start(t, config)
	} else {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { front(w, r, fake) }))
		t.Cleanup(server.Close)
		config.Issuer = server.URL
		var err error
		if fake, err = openidtest.New(config); err != nil {
			t.Fatal(err)
		}
	}

	hostEnv := map[string]string{"AUTH_PROVIDERS": "fake"}
	provider(hostEnv, "FAKE", map[string]string{
		"DRIVER": "openid", "LABEL": "Fake Provider", "ISSUER_URL": fake.Issuer(),
		"CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret, "ALLOW_PUBLIC_REGISTRATION": "true",
	})
	maps.Copy(hostEnv, env)
	host := startHost(t, HostConfig{Port: hostPort, Env: hostEnv})
	host.secrets.add("client secret", client.Secret)
	t.Cleanup(func() { host.secrets.addParameters(fake.LastTokenRequest().Form) })
	return fakeSetup{host: host, provider: fake}
}
