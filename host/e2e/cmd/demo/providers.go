package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// demoProvider is an identity provider of the demo, with its settings in Doorward.
type demoProvider struct {
	name   string // in Doorward
	label  string
	people []openidtest.Person

	secret string
	server *openidtest.Provider
}

func demoProviders() []demoProvider {
	return []demoProvider{
		{name: "acme", label: "Acme Staff", people: []openidtest.Person{
			person("alice", "Alice", "Archer", "acme.example"),
			person("bob", "Bob", "Baker", "acme.example"),
		}},
		{name: "partner", label: "Partner Login", people: []openidtest.Person{
			person("carol", "Carol", "Carter", "partner.example"),
			person("dave", "Dave", "Dyer", "partner.example"),
		}},
	}
}

func person(subject, given, family, domain string) openidtest.Person {
	return openidtest.Person{Subject: subject, Claims: map[string]any{
		"name": given + " " + family, "given_name": given, "family_name": family,
		"email": subject + "@" + domain, "email_verified": true,
	}}
}

// startProviders starts all providers for a Doorward with this public URL.
func startProviders(publicURL string) ([]demoProvider, error) {
	providers := demoProviders()
	for i := range providers {
		p := &providers[i]
		p.secret = rand.Text()
		var err error
		p.server, err = openidtest.Listen(openidtest.Config{
			Name: p.label, People: p.people,
			Clients: []openidtest.Client{{
				ID: "doorward", Name: "Doorward", Secret: p.secret,
				RedirectURIs:           []string{publicURL + "/auth/login/" + p.name + "/callback"},
				PostLogoutRedirectURIs: []string{publicURL + "/auth/login/" + p.name + "/logout"},
			}},
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("starting %s: %w", p.label, err), closeAll(providers[:i]))
		}
	}
	return providers, nil
}

func closeAll(providers []demoProvider) error {
	var err error
	for _, p := range providers {
		err = errors.Join(err, p.server.Close())
	}
	return err
}

// environment returns the settings of Doorward for the providers.
func environment(providers []demoProvider) map[string]string {
	env := map[string]string{}
	var names []string
	for _, p := range providers {
		names = append(names, p.name)
		prefix := "AUTH_" + strings.ToUpper(p.name) + "_"
		env[prefix+"DRIVER"] = "openid"
		env[prefix+"LABEL"] = p.label
		env[prefix+"ISSUER_URL"] = p.server.Issuer()
		env[prefix+"CLIENT_ID"] = "doorward"
		env[prefix+"CLIENT_SECRET"] = p.secret
		env[prefix+"ALLOW_PUBLIC_REGISTRATION"] = "true"
	}
	env["AUTH_PROVIDERS"] = strings.Join(names, ",")
	return env
}
