package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestOpenIDCheck runs doorward check against npm oidc-provider: with a correct client, and
// with each error that can be found without a login.
func TestOpenIDCheck(t *testing.T) {
	port, secret := freePort(t), newClientSecret()
	public := localURL("localhost", port)
	var registered []string
	for _, name := range []string{"good", "secret", "id"} {
		registered = append(registered, public+"/auth/login/"+name+"/callback")
	}
	op := startOP(t, 0, secret, registered...)
	env := map[string]string{"AUTH_PROVIDERS": "good,secret,id,callback"}
	for name, options := range map[string]map[string]string{
		"GOOD":     {},
		"SECRET":   {"CLIENT_SECRET": newClientSecret()},
		"ID":       {"CLIENT_ID": "rp-nobody"},
		"CALLBACK": {},
	} {
		provider(env, name, map[string]string{"DRIVER": "openid", "ISSUER_URL": op.Issuer, "CLIENT_ID": "rp-basic", "CLIENT_SECRET": secret})
		provider(env, name, options)
	}
	host := startHost(t, HostConfig{Port: port, Env: env})
	host.secrets.add("client secret", secret)
	const acceptsClient, knowsBoth = "the token endpoint accepts the client", "the provider knows the client and the callback"
	for _, test := range []struct {
		name      string
		code      int
		says, not []string
	}{
		{name: "good", says: []string{acceptsClient, knowsBoth, "register " + public + "/auth/login/good/callback", "register " + public + "/auth/login/good/logout"}},
		{name: "secret", code: 1, says: []string{knowsBoth, "invalid_client"}, not: []string{acceptsClient}},
		{name: "id", code: 1, says: []string{"client_id is wrong", "invalid_client"}, not: []string{acceptsClient, knowsBoth}},
		{name: "callback", code: 1, says: []string{acceptsClient, "the callback is not registered"}, not: []string{knowsBoth}},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, code := host.run(t, "check", test.name)
			if code != test.code {
				t.Errorf("exit status %d, want %d", code, test.code)
			}
			for _, text := range test.says {
				if !strings.Contains(out, text) {
					t.Errorf("it does not say %q", text)
				}
			}
			for _, text := range test.not {
				if strings.Contains(out, text) {
					t.Errorf("it says %q", text)
				}
			}
			if strings.Contains(out, secret) {
				t.Error("it shows the secret")
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// TestOpenIDCheckAtGitea: Gitea sends unauthorized_client for a bad code and for a bad
// client, so the check must not say that the client is wrong.
func TestOpenIDCheckAtGitea(t *testing.T) {
	g := startGitea(t)
	port := freePort(t)
	app := g.api("/user/applications/oauth2", map[string]any{
		"name": "doorward", "confidential_client": true, "redirect_uris": []string{localURL("localhost", port) + "/auth/login/gitea/callback"},
	})
	secret := fmt.Sprint(app["client_secret"])
	env := map[string]string{"AUTH_PROVIDERS": "gitea"}
	provider(env, "GITEA", map[string]string{
		"DRIVER": "openid", "ISSUER_URL": g.URL, "CLIENT_ID": fmt.Sprint(app["client_id"]), "CLIENT_SECRET": secret, "ALLOW_PUBLIC_REGISTRATION": "true",
	})
	host := startHost(t, HostConfig{Port: port, Env: env})
	host.secrets.add("client secret", secret)
	out, code := host.run(t, "check", "gitea")
	if code != 0 || !strings.Contains(out, "only a login") {
		t.Errorf("check: %d\n%s", code, out)
	}
	t.Log(out)
	if got := g.signIn(newAgent(t, host, "alice"), host.URL+"/auth/login/gitea?mode=json"); got.status != 200 {
		t.Errorf("signing in: %d %s", got.status, got.body)
	}
}
