package main

import (
	"crypto/rand"
	"fmt"

	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
)

// The simulated GitHub of the demo. Only members of its organization acme may sign in.
const (
	gitHubName         = "github"
	gitHubLabel        = "GitHub" // of the preset
	gitHubOrganization = "9919"
)

// startGitHub starts it for a Doorward with this public URL, and returns the settings of
// Doorward: a preset, the ID and secret, and the URLs.
func startGitHub(publicURL string) (*oauth2test.Server, map[string]string, error) {
	secret := rand.Text()
	server, err := oauth2test.Listen(oauth2test.Config{
		Kind: oauth2test.GitHub, Name: "GitHub, of the demo",
		Clients: []oauth2test.Client{{ID: "doorward", Secret: secret, RedirectURIs: []string{publicURL + "/auth/login/" + gitHubName + "/callback"}}},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("starting the fake of GitHub: %w", err)
	}
	const prefix = "AUTH_GITHUB_"
	return server, map[string]string{
		prefix + "PRESET": "github", prefix + "CLIENT_ID": "doorward", prefix + "CLIENT_SECRET": secret,
		prefix + "BASE_URL": server.Base(), prefix + "API_URL": server.API(),
		prefix + "PARAMS":                `{"prompt":"select_account"}`, // bob is refused, and then alice can sign in
		prefix + "ALLOWED_ORGANIZATIONS": "id:" + gitHubOrganization, prefix + "ALLOW_PUBLIC_REGISTRATION": "true",
	}, nil
}
