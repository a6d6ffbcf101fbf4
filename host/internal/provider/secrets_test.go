package provider

import (
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk/options"
)

// The errors of a plugin reach the log, doorward plugins and /health. One that does
// without the SDK may repeat what it was given: what its schema calls secret, and
// what the operator does.
func TestSecretsInTheErrorsOfAPlugin(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "raw"), Providers: []Configured{
		configured("raw", "a", "client_secret", "canary-of-the-schema", "tenant", options.Secret("canary-of-the-operator")),
	}})
	_, err := h.begin(t, "a", "secret")
	if err == nil || strings.Contains(err.Error(), "canary") || strings.Count(err.Error(), "[redacted]") != 2 {
		t.Errorf("got %v", err)
	}
	if strings.Contains(h.logs.String(), "canary") {
		t.Errorf("a secret is in the log: %s", h.logs)
	}
}
