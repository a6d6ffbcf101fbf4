package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// TestOpenIDPresets signs in through the built host with each preset, at providers that
// behave like the real ones but have other names. Only Microsoft is recognized by its name.
func TestOpenIDPresets(t *testing.T) {
	names := slices.DeleteFunc(openidtest.Known(), func(name string) bool { return name == "microsoft" })
	port, secret := freePort(t), newClientSecret()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"AUTH_PROVIDERS": strings.Join(names, ",")}
	subjects := map[string]string{}
	for _, name := range names {
		path := map[bool]string{true: "/"}[name == "auth0" || name == "authentik"]
		config := openidtest.Like(name, openidtest.Config{AutoApprove: true, IssuerPath: path, Clients: []openidtest.Client{{
			ID: "doorward", Secret: secret, RedirectURIs: []string{localURL("localhost", port) + "/auth/login/" + name + "/callback"},
			Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "KEY1234567"}},
		}}})
		op := openidtest.Start(t, config)
		subjects[name] = config.People[0].Subject
		options := map[string]string{
			"PRESET": name, "ISSUER_URL": op.Issuer(), "CLIENT_ID": "doorward", "CLIENT_SECRET": secret, "ALLOW_PUBLIC_REGISTRATION": "true",
		}
		switch name {
		case "apple":
			delete(options, "CLIENT_SECRET")
			options["CLIENT_SECRET_KEY"] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
			options["CLIENT_SECRET_KEY_ID"], options["CLIENT_SECRET_TEAM_ID"] = "KEY1234567", openidtest.AppleTeam
		case "authentik":
			options["DRIVER"] = "openid" // the ldap plugin has a preset of the same name
		case "zitadel":
			options["TRUSTED_AUDIENCES"] = "163840776835432345"
		case "keycloak":
			options["ROLE_MAPPING"] = `{"staff":"worker"}`
		}
		provider(env, strings.ToUpper(name), options)
	}
	host := startHost(t, HostConfig{Port: port, Env: env})
	host.secrets.add("client secret", secret)
	if out, code := host.run(t, "presets"); code != 0 || !strings.Contains(out, "linkedin") || !strings.Contains(out, "microsoft") {
		t.Errorf("presets: %d\n%s", code, out)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			for _, login := range []string{"first", "second"} {
				browser := newAgent(t, host, subjects[name])
				got := browser.signIn(host.URL + "/auth/login/" + name + "?mode=session&redirect=/app")
				if got.location() == nil || browser.cookie(sessionCookie) == "" {
					t.Fatalf("%s login: %d %s\n%s", login, got.status, got.body, linesAbout(host, name))
				}
				me := browser.call(http.MethodGet, "/users/me", nil, nil).json(t).Data
				if me.ExternalIdentifier != subjects[name] || me.Provider != name {
					t.Errorf("%s login: signed in as %+v", login, me)
				}
				// Apple sends the name only once, and the account keeps it.
				if name == "apple" && (me.FirstName != "Alice" || me.LastName != "Archer" || me.Email != "alice@privaterelay.appleid.com") {
					t.Errorf("%s login: %+v", login, me)
				}
				if name == "keycloak" && me.Role != "worker" {
					t.Errorf("%s login: role %q", login, me.Role)
				}
			}
		})
	}
}
